#include "base/clock.h"
#include "host/child.h"
#include "host/open.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a file system may take. */
enum { PATIENCE_MS = 5000 };

struct wanted {
    const char *path;
    enum open_mode how;
    const struct open_used *used;
    size_t nused;
};

/* ---- In the process. */

enum { SOCKET = STDERR_FILENO + 1 };

static void
send_file(int fd, const struct diag *diag)
{
    char control[CMSG_SPACE(sizeof(fd))] = {0};
    struct iovec part = {(void *)diag, sizeof(*diag)};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control;
        msg.msg_controllen = sizeof(control);
        struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    sendmsg(SOCKET, &msg, MSG_NOSIGNAL);
}

/* While it is stuck it must hold nothing of its parent's open: others wait for the end of that. */
static void
be_opener(const struct wanted *wanted, int socket, pid_t parent)
{
    struct diag diag = {0};
    if (dup2(socket, SOCKET) != SOCKET)
        _exit(1);
    child_close_from(SOCKET + 1);
    if (!child_die_with(parent))
        _exit(1);
    int fd = open_output(wanted->path, wanted->how, wanted->used, wanted->nused, &diag);
    send_file(fd, &diag);
    _exit(0);
}

/* ---- Outside. */

static int
fail(const struct wanted *wanted, const char *why, struct diag *diag)
{
    char quoted[512];
    return diag_set(diag, DIAG_FAILED, "cannot open %s for writing: %s",
                    diag_quote(quoted, sizeof(quoted), text_of(wanted->path)), why);
}

static int
take_file(const struct wanted *wanted, int socket, struct diag *diag)
{
    int fd = -1;
    struct diag answer;
    char control[CMSG_SPACE(sizeof(fd))];
    struct iovec part = {&answer, sizeof(answer)};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) != sizeof(answer))
        return fail(wanted, "the process that opens it has ended", diag);
    struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(fd)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    if (fd < 0)
        *diag = answer;
    return fd;
}

static int
wait_for_file(const struct wanted *wanted, pid_t pid, int socket, struct diag *diag)
{
    struct pollfd end = {socket, POLLIN, 0};
    int64_t deadline = clock_ms() + PATIENCE_MS, left;
    while ((left = deadline - clock_ms()) > 0 && poll(&end, 1, (int)left) < 0 && errno == EINTR)
        continue;
    bool has_come = end.revents != 0;
    int fd = has_come ? take_file(wanted, socket, diag)
                      : fail(wanted, "its file system does not answer; name a file on another one", diag);
    if (!has_come)
        kill(pid, SIGKILL); /* one that is stuck ends when the kernel lets it */
    while (waitpid(pid, NULL, has_come ? 0 : WNOHANG) < 0 && errno == EINTR)
        continue;
    return fd;
}

/* What only this process has open cannot be compared in another one. */
static bool
is_own(const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->nused; i++)
        if (wanted->used[i].path != NULL && open_own(wanted->used[i].path) > STDERR_FILENO)
            return true;
    return open_own(wanted->path) >= 0;
}

int
open_output_apart(const char *path, enum open_mode how, const struct open_used *used, size_t nused, struct diag *diag)
{
    const struct wanted wanted = {path, how, used, nused};
    int pair[2];
    pid_t parent = getpid();
    if (is_own(&wanted))
        return open_output(path, how, used, nused, diag);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return fail(&wanted, strerror(errno), diag);
    pid_t pid = fork();
    if (pid == 0)
        be_opener(&wanted, pair[1], parent);
    int error = errno;
    close(pair[1]);
    int fd = pid > 0 ? wait_for_file(&wanted, pid, pair[0], diag) : fail(&wanted, strerror(error), diag);
    close(pair[0]);
    return fd;
}
