#include "base/writable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Regular files, and devices such as /dev/null. */
static bool
never_blocks(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || (S_ISCHR(status.st_mode) && !isatty(fd)));
}

/* When poll(2) says that a pipe is writable, PIPE_BUF bytes are. */
size_t
writable(int fd, int timeout_ms)
{
    if (never_blocks(fd))
        return SSIZE_MAX;
    struct pollfd out = {fd, POLLOUT, 0};
    return poll(&out, 1, timeout_ms) > 0 ? PIPE_BUF : 0;
}

int
writable_put_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.ptr, text.len);
        if (written < 0 && errno != EINTR)
            return -1;
        text_skip(&text, written > 0 ? (size_t)written : 0);
    }
    return 0;
}

void
writable_make_own(int fd)
{
    struct stat status;
    char path[32];
    if (fstat(fd, &status) != 0 || !(S_ISFIFO(status.st_mode) || isatty(fd)))
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return;
    dup2(own, fd);
    close(own);
}
