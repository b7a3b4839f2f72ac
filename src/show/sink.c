#include "show/sink.h"

#include "base/clock.h"
#include "base/writable.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
