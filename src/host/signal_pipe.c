#include "host/signal_pipe.h"

#include "host/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int
signal_pipe_open(struct signal_pipe *pipe, struct diag *diag)
{
    int ends[2];
    *pipe = (struct signal_pipe){-1, -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return diag_set(diag, DIAG_FAILED, "cannot make a pipe: %s%s", strerror(errno), diag_remedy(errno));
    *pipe = (struct signal_pipe){ends[0], ends[1]};
    return 0;
}

int
signal_pipe_bind(const struct signal_pipe *pipe, pid_t whom, int signal, struct diag *diag)
{
    if (fcntl(pipe->reader, F_SETOWN, whom) == 0 && fcntl(pipe->reader, F_SETSIG, signal) == 0 &&
        fcntl(pipe->reader, F_SETFL, O_NONBLOCK | O_ASYNC) == 0)
        return 0;
    return diag_set(diag, DIAG_FAILED, "cannot tie a process to the end of another: %s", strerror(errno));
}

bool
signal_pipe_is_closed(const struct signal_pipe *pipe)
{
    struct pollfd fd = {pipe->reader, POLLIN, 0};
    return poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP) != 0;
}

/* Linux 5.5 to 5.13 signal only when a pipe that was empty is written to. Each pipe is written to once in its life, or nearly. */
void
signal_pipe_send(int writer)
{
    ssize_t ignored = write(writer, "", 1);
    (void)ignored;
}

void
signal_pipe_close(struct signal_pipe *pipe)
{
    child_close(&pipe->reader);
    child_close(&pipe->writer);
}
