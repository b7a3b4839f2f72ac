#include "run/keeper.h"

#include "base/clock.h"
#include "host/signal_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
close_all_but(const int files[3])
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        if (fd != files[0] && fd != files[1] && fd != files[2])
            close(fd);
}

/* The pipes between the two processes, beside the socket: the end of h2olog kills the keeper, and the end of the keeper lets an
 * h2olog go on that was stopped, to end. */
struct lines {
    struct signal_pipe life, wake;
};

static void
close_lines(struct lines *lines)
{
    signal_pipe_close(&lines->life);
    signal_pipe_close(&lines->wake);
}

static int
open_lines(struct lines *lines, struct diag *diag)
{
    lines->life = lines->wake = (struct signal_pipe){-1, -1};
    if (signal_pipe_open(&lines->life, diag) == 0 && signal_pipe_open(&lines->wake, diag) == 0 &&
        signal_pipe_bind(&lines->wake, getpid(), SIGCONT, diag) == 0)
        return 0;
    close_lines(lines);
    return -1;
}

/* Makes the fork the keeper. Signals that end h2olog reach the whole foreground group: the keeper blocks them, as it ends with
 * h2olog and not before. It closes h2olog's files, stdout too, so that whoever reads them sees their end when h2olog ends. */
static void
become_keeper(int socket, struct lines *lines)
{
    struct diag ignored;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    prctl(PR_SET_NAME, "h2olog-keeper");
    close_all_but((const int[]){socket, lines->life.reader, lines->wake.writer});
    lines->life.writer = lines->wake.reader = -1;
    if (signal_pipe_bind(&lines->life, getpid(), SIGKILL, &ignored) != 0 || signal_pipe_is_closed(&lines->life))
        _exit(127); /* h2olog is gone already */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
}

int
keeper_start(struct keeper *keeper, const struct keeper_services *services, const pid_t *servers, size_t nservers,
             struct diag *diag)
{
    int pair[2];
    struct lines lines;
    if (open_lines(&lines, diag) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        close_lines(&lines);
        return diag_set(diag, DIAG_FAILED, "cannot make a socket: %s%s", strerror(errno), diag_remedy(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_keeper(pair[1], &lines);
        keeper_serve(pair[1], services, servers, nservers);
        _exit(0);
    }
    close(pair[1]);
    child_close(&lines.life.reader);
    child_close(&lines.wake.writer);
    *keeper = (struct keeper){pair[0], lines.life.writer, lines.wake.reader, pid};
    if (pid > 0)
        return 0;
    close(pair[0]);
    close_lines(&lines);
    return diag_set(diag, DIAG_FAILED, "cannot fork: %s", strerror(errno));
}

void
keeper_order(const struct keeper *keeper, enum keeper_order kind, pid_t pid)
{
    struct keeper_order_message order = {kind, pid};
    while (send(keeper->socket, &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
        continue;
}

static void
read_files(struct msghdr *msg, struct keeper_news *news)
{
    int files[KEEPER_MAX_FILES] = KEEPER_NO_FILES;
    struct cmsghdr *header = CMSG_FIRSTHDR(msg);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof(files)))
        memcpy(files, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    news->files = (struct keeper_files)KEEPER_NO_FILES;
    if (news->kind == KEEPER_STARTED)
        news->files = (struct keeper_files){files[0], files[1], files[2], files[3], files[4], files[5]};
    else
        news->files.out = files[0];
}

/* A message that is not whole is no start: its files are closed, which kills the tracer. */
static void
refuse_news(struct keeper_news *news)
{
    keeper_close_files(&news->files);
    news->kind = KEEPER_FAILED;
    diag_set(&news->diag, DIAG_FAILED,
             "a message of h2olog's root process has more than %d bytes, or files that cannot be taken", KEEPER_NOTE_SIZE);
}

bool
keeper_read(const struct keeper *keeper, struct keeper_news *news, char *buffer)
{
    struct keeper_message message;
    char control[CMSG_SPACE(KEEPER_MAX_FILES * sizeof(int))];
    struct iovec parts[] = {{&message, sizeof(message)}, {buffer, KEEPER_NOTE_SIZE}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(keeper->socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got < (ssize_t)sizeof(message)) {
        *news = (struct keeper_news){.kind = KEEPER_GONE};
        return true;
    }
    *news = (struct keeper_news){.kind = message.kind,
                                 .server = message.server,
                                 .tracer = message.tracer,
                                 .is_lesser = message.is_lesser,
                                 .number = message.number,
                                 .diag = message.diag,
                                 .text = {buffer, (size_t)got - sizeof(message)}};
    read_files(&msg, news);
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        refuse_news(news);
    return true;
}

void
keeper_close_files(struct keeper_files *files)
{
    child_close(&files->server);
    child_close(&files->tracer);
    child_close(&files->out);
    child_close(&files->err);
    child_close(&files->kill);
    child_close(&files->resume);
}

void
keeper_stop(struct keeper *keeper)
{
    enum { PATIENCE_MS = 2000, STEP_MS = 5 };
    int64_t end = clock_ms() + PATIENCE_MS;
    child_close(&keeper->socket);
    child_close(&keeper->lifeline);
    child_close(&keeper->waker);
    while (waitpid(keeper->pid, NULL, WNOHANG) == 0 && clock_ms() < end)
        poll(NULL, 0, STEP_MS);
}
