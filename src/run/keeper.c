#include "run/keeper.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TRACERS = 256, MAX_FILES = 3 };

/* What goes over the socket; files beside it, a text behind it. */
struct letter {
    enum keeper_kind kind;
    pid_t server, tracer;
    bool is_lesser;
    uint64_t number;
    struct diag diag;
};

struct petition {
    enum keeper_request request;
    pid_t pid;
};

struct ward {
    struct child tracer;
    int64_t resume_ms; /* when its pause ends; 0: it has none */
};

/* The keeper's own view. */
struct desk {
    const struct keeper_services *services;
    int socket;
    struct ward wards[MAX_TRACERS];
    size_t nwards;
};

static void
put_files(struct msghdr *message, const int *files, size_t count)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(*files));
    memcpy(CMSG_DATA(header), files, count * sizeof(*files));
}

static void
send_letter(const struct desk *desk, struct letter *letter, const int *files, size_t nfiles, struct slice text)
{
    char control[CMSG_SPACE(MAX_FILES * sizeof(int))] = {0};
    struct iovec parts[] = {{letter, sizeof(*letter)}, {(char *)text.ptr, text.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (nfiles > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(nfiles * sizeof(*files));
        put_files(&message, files, nfiles);
    }
    while (sendmsg(desk->socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

/* Starts a tracer and hands its output over, so that this process cannot read it. */
static int
start_tracer(struct desk *desk, pid_t server, bool is_lesser)
{
    struct letter letter = {.kind = KEEPER_FAILED, .server = server, .is_lesser = is_lesser};
    struct outbuf note = {0};
    int server_fd = -1;
    struct ward *ward = &desk->wards[desk->nwards];
    struct child *tracer = &ward->tracer;
    int status = desk->nwards == MAX_TRACERS ? diag_set(&letter.diag, DIAG_FAILED, "more than %d servers at once", MAX_TRACERS)
                                             : desk->services->start(desk->services->context, server, is_lesser, tracer,
                                                                     &server_fd, &note, &letter.diag);
    if (status != 0) {
        send_letter(desk, &letter, NULL, 0, (struct slice){0});
    } else {
        const int files[] = {server_fd, tracer->out, tracer->err};
        letter.kind = KEEPER_STARTED;
        letter.tracer = tracer->pid;
        send_letter(desk, &letter, files, MAX_FILES, (struct slice){note.ptr, note.len});
        child_close(&tracer->out);
        child_close(&tracer->err);
        ward->resume_ms = 0;
        desk->nwards++;
    }
    child_close(&server_fd);
    text_free(&note);
    return status;
}

/* NULL: it has ended. */
static struct ward *
find_ward(struct desk *desk, pid_t tracer)
{
    for (size_t i = 0; i < desk->nwards; i++)
        if (desk->wards[i].tracer.pid == tracer)
            return &desk->wards[i];
    return NULL;
}

static void
kill_tracer(struct desk *desk, pid_t tracer)
{
    const struct ward *ward = find_ward(desk, tracer);
    if (ward != NULL)
        child_signal(&ward->tracer, SIGKILL);
}

static void
pause_tracer(struct desk *desk, pid_t tracer)
{
    struct ward *ward = find_ward(desk, tracer);
    if (ward == NULL)
        return;
    child_signal(&ward->tracer, SIGSTOP);
    ward->resume_ms = clock_ms() + KEEPER_PAUSE_MS;
}

static void
end_pauses(struct desk *desk)
{
    for (size_t i = 0; i < desk->nwards; i++) {
        struct ward *ward = &desk->wards[i];
        if (ward->resume_ms == 0 || clock_ms() < ward->resume_ms)
            continue;
        child_signal(&ward->tracer, SIGCONT);
        ward->resume_ms = 0;
    }
}

static void
touch(const struct desk *desk, pid_t server)
{
    struct letter letter = {.kind = KEEPER_TOUCHED, .server = server};
    letter.number = desk->services->touch(desk->services->context, server);
    send_letter(desk, &letter, NULL, 0, (struct slice){0});
}

static void
reopen(const struct desk *desk)
{
    struct letter letter = {.kind = KEEPER_OPENED};
    int fd = desk->services->reopen(desk->services->context, &letter.diag);
    send_letter(desk, &letter, &fd, fd >= 0, (struct slice){0});
    child_close(&fd);
}

/* false: h2olog is gone. */
static bool
take_order(struct desk *desk)
{
    struct petition order;
    ssize_t got = recv(desk->socket, &order, sizeof(order), 0);
    if (got != sizeof(order))
        return got < 0 && errno == EINTR;
    if (order.request == KEEPER_KILL)
        kill_tracer(desk, order.pid);
    if (order.request == KEEPER_TOUCH)
        touch(desk, order.pid);
    if (order.request == KEEPER_REOPEN)
        reopen(desk);
    if (order.request == KEEPER_PAUSE)
        pause_tracer(desk, order.pid);
    if (order.request == KEEPER_START_LESSER)
        start_tracer(desk, order.pid, true);
    return true;
}

static void
bury(struct desk *desk, size_t index)
{
    struct letter letter = {.kind = KEEPER_ENDED, .tracer = desk->wards[index].tracer.pid};
    letter.number = (uint64_t)child_wait(&desk->wards[index].tracer);
    desk->wards[index] = desk->wards[--desk->nwards];
    send_letter(desk, &letter, NULL, 0, (struct slice){0});
}

/* Starts tracers for servers that have appeared, when it is time to look. Returns when to look again. */
static int64_t
look_for_servers(struct desk *desk, int64_t when)
{
    pid_t server;
    if (desk->services->find == NULL || clock_ms() < when)
        return when;
    while ((server = desk->services->find(desk->services->context)) != 0)
        start_tracer(desk, server, false);
    return clock_ms() + desk->services->interval_ms;
}

static int
poll_timeout(const struct desk *desk, int64_t when)
{
    int64_t next = desk->services->find != NULL ? when : INT64_MAX;
    for (size_t i = 0; i < desk->nwards; i++)
        if (desk->wards[i].resume_ms != 0 && desk->wards[i].resume_ms < next)
            next = desk->wards[i].resume_ms;
    int64_t left = next - clock_ms();
    return next == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
}

static void
serve(struct desk *desk)
{
    int64_t when = clock_ms() + desk->services->interval_ms;
    for (;;) {
        struct pollfd fds[1 + MAX_TRACERS] = {{desk->socket, POLLIN, 0}};
        for (size_t i = 0; i < desk->nwards; i++)
            fds[1 + i] = (struct pollfd){desk->wards[i].tracer.pidfd, POLLIN, 0};
        if (poll(fds, 1 + desk->nwards, poll_timeout(desk, when)) < 0 && errno != EINTR)
            return;
        for (size_t i = desk->nwards; i-- > 0;)
            if (fds[1 + i].revents != 0)
                bury(desk, i);
        if (fds[0].revents != 0 && !take_order(desk))
            return;
        end_pauses(desk);
        when = look_for_servers(desk, when);
    }
}

/* Signals that end h2olog reach the whole foreground group; this process ends with h2olog, not before. stdout is h2olog's: its
 * reader must see the end when that one ends. */
static void
settle(pid_t parent, int socket)
{
    prctl(PR_SET_NAME, "h2olog-keeper");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127); /* it was gone before the line above */
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        if (fd != socket)
            close(fd); /* files that are h2olog's alone must end with it */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
}

static void
keep(int socket, const struct keeper_services *services, const pid_t *servers, size_t nservers)
{
    static struct desk desk;
    desk = (struct desk){.services = services, .socket = socket};
    int status = 0;
    for (size_t i = 0; status == 0 && i < nservers; i++)
        status = start_tracer(&desk, servers[i], false);
    serve(&desk);
    for (size_t i = 0; i < desk.nwards; i++)
        child_signal(&desk.wards[i].tracer, SIGKILL);
}

int
keeper_start(struct keeper *keeper, const struct keeper_services *services, const pid_t *servers, size_t nservers,
             struct diag *diag)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return diag_set(diag, DIAG_FAILED, "cannot make a socket: %s", strerror(errno));
    pid_t parent = getpid();
    keeper->pid = fork();
    if (keeper->pid == 0) {
        settle(parent, pair[1]);
        keep(pair[1], services, servers, nservers);
        _exit(0);
    }
    close(pair[1]);
    keeper->socket = pair[0];
    if (keeper->pid > 0)
        return 0;
    close(pair[0]);
    return diag_set(diag, DIAG_FAILED, "cannot fork: %s", strerror(errno));
}

void
keeper_ask(const struct keeper *keeper, enum keeper_request request, pid_t pid)
{
    struct petition order = {request, pid};
    while (send(keeper->socket, &order, sizeof(order), MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

static void
take_files(struct msghdr *message, struct keeper_news *news)
{
    int files[MAX_FILES] = {-1, -1, -1};
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof(files)))
        memcpy(files, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    news->server_fd = news->kind == KEEPER_STARTED ? files[0] : -1;
    news->out = news->kind == KEEPER_STARTED ? files[1] : files[0];
    news->err = files[2];
}

bool
keeper_read(const struct keeper *keeper, struct keeper_news *news, char *buffer)
{
    struct letter letter;
    char control[CMSG_SPACE(MAX_FILES * sizeof(int))];
    struct iovec parts[] = {{&letter, sizeof(letter)}, {buffer, KEEPER_NOTE_SIZE}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(keeper->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got < (ssize_t)sizeof(letter)) {
        *news = (struct keeper_news){.kind = KEEPER_GONE};
        return true;
    }
    *news = (struct keeper_news){.kind = letter.kind,
                                 .server = letter.server,
                                 .tracer = letter.tracer,
                                 .is_lesser = letter.is_lesser,
                                 .number = letter.number,
                                 .diag = letter.diag,
                                 .text = {buffer, (size_t)got - sizeof(letter)}};
    take_files(&message, news);
    return true;
}

void
keeper_stop(struct keeper *keeper)
{
    shutdown(keeper->socket, SHUT_RDWR);
    close(keeper->socket);
    while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
