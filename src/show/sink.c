#include "show/sink.h"

#include "base/clock.h"
#include "base/writable.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
sink_end_record(struct sink *sink)
{
    size_t end = sink->pending.len;
    text_put(&sink->ends, (struct slice){(const char *)&end, sizeof(end)});
}

void
sink_drop(struct sink *sink)
{
    sink->pending.len = sink->done = sink->ends.len = 0;
}

void
sink_free(struct sink *sink)
{
    text_free(&sink->pending);
    text_free(&sink->ends);
}

/* How many records are pending that are not written whole; and where the first of them begins. */
static size_t
count_missing(const struct sink *sink, size_t *border)
{
    size_t end, at = 0;
    for (*border = 0; at < sink->ends.len; at += sizeof(end), *border = end) {
        memcpy(&end, sink->ends.ptr + at, sizeof(end));
        if (end > sink->done)
            break;
    }
    return (sink->ends.len - at) / sizeof(end);
}

/* Takes the beginning of a record off the end of the file, unless somebody has written behind it. */
static void
cut_back(const struct sink *sink, size_t border)
{
    struct stat status;
    off_t end = lseek(sink->fd, 0, SEEK_CUR), excess = (off_t)(sink->done - border);
    bool is_last = fstat(sink->fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == end;
    if (excess > 0 && is_last && ftruncate(sink->fd, end - excess) == 0)
        lseek(sink->fd, -excess, SEEK_CUR);
}

static enum sink_state
fail(struct sink *sink, struct diag *diag)
{
    int error = errno;
    size_t border, missing = count_missing(sink, &border);
    cut_back(sink, border);
    diag_set(diag, DIAG_FAILED, "cannot write %s: %s; at least %zu %s not in it",
             sink->name != NULL ? sink->name : "the output", strerror(error), missing,
             missing == 1 ? "record is" : "records are");
    return SINK_FAILED;
}

static enum sink_state
write_pending(struct sink *sink, struct diag *diag)
{
    while (sink->done < sink->pending.len) {
        size_t len = writable(sink->fd, 0), left = sink->pending.len - sink->done;
        if (len == 0)
            return SINK_FULL;
        ssize_t written = write(sink->fd, sink->pending.ptr + sink->done, len < left ? len : left);
        if (written >= 0)
            sink->done += (size_t)written;
        else if (errno == EAGAIN)
            return SINK_FULL;
        else if (errno == EPIPE)
            return SINK_GONE;
        else if (errno != EINTR)
            return fail(sink, diag);
    }
    sink_drop(sink);
    return SINK_EMPTY;
}

enum sink_state
sink_flush(struct sink *sink, struct diag *diag)
{
    enum sink_state state = write_pending(sink, diag);
    sink->is_blocked = state == SINK_FULL;
    sink->since = 0;
    return state;
}

enum sink_state
sink_pass(struct sink *sink, struct diag *diag)
{
    enum { LONGEST_MS = 1000 };
    size_t left = sink->pending.len - sink->done;
    if (left > 0 && sink->since == 0)
        sink->since = clock_ms();
    bool may_wait = left > 0 && left < sink->block && !sink->is_blocked;
    return may_wait && clock_ms() - sink->since < LONGEST_MS ? SINK_WAITING : sink_flush(sink, diag);
}
