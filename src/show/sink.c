#include "show/sink.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Regular files, and devices such as /dev/null. */
static bool
never_blocks(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || (S_ISCHR(status.st_mode) && !isatty(fd)));
}

/* How much can be written without blocking. stdout is not made non-blocking, since it may be shared with other programs; but
 * when poll(2) says that a pipe is writable, PIPE_BUF bytes are. */
static size_t
writable(int fd)
{
    if (never_blocks(fd))
        return SSIZE_MAX;
    struct pollfd out = {fd, POLLOUT, 0};
    return poll(&out, 1, 0) > 0 ? PIPE_BUF : 0;
}

static enum sink_state
write_pending(struct sink *sink, struct diag *diag)
{
    while (sink->done < sink->pending.len) {
        size_t len = writable(sink->fd), left = sink->pending.len - sink->done;
        if (len == 0)
            return SINK_FULL;
        ssize_t written = write(sink->fd, sink->pending.ptr + sink->done, len < left ? len : left);
        if (written >= 0)
            sink->done += (size_t)written;
        else if (errno == EAGAIN)
            return SINK_FULL;
        else if (errno == EPIPE)
            return SINK_GONE;
        else if (errno != EINTR) {
            diag_set(diag, DIAG_FAILED, "cannot write the output: %s", strerror(errno));
            return SINK_FAILED;
        }
    }
    sink->pending.len = sink->done = 0;
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
