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

/* The keeper sends messages: files go beside one (SCM_RIGHTS), and a text behind it. */
struct message {
    enum keeper_kind kind;
    pid_t server, tracer;
    bool is_lesser;
    uint64_t number;
    struct diag diag;
};

/* h2olog sends orders. */
struct order {
    enum keeper_order kind;
    pid_t pid;
};

struct tracer {
    struct child child;
    int64_t resume_ms; /* when its pause ends, in milliseconds of CLOCK_MONOTONIC; 0: it is not paused */
};

/* What the keeper has: its end of the socket, and the tracers that have not ended. */
struct state {
    const struct keeper_services *services;
    int socket;
    struct tracer tracers[MAX_TRACERS];
    size_t ntracers;
};

static void
put_files(struct msghdr *msg, const int *files, size_t count)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(msg);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(*files));
    memcpy(CMSG_DATA(header), files, count * sizeof(*files));
}

/* -1: it could not be sent; errno says why. */
static int
send_message(int socket, struct message *message, const int *files, size_t nfiles, struct slice text)
{
    char control[CMSG_SPACE(MAX_FILES * sizeof(int))] = {0};
    struct iovec parts[] = {{message, sizeof(*message)}, {(char *)text.ptr, text.len}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
    if (nfiles > 0) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(nfiles * sizeof(*files));
        put_files(&msg, files, nfiles);
    }
    ssize_t sent;
    while ((sent = sendmsg(socket, &msg, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        continue;
    return sent < 0 ? -1 : 0;
}

/* Sends a tracer's output away and closes it here, so that this process cannot read it. A tracer that nobody can be told of is
 * ended: -1 with the message's diag set. */
static int
hand_over(int socket, struct message *message, struct child *child, int server_fd, const struct outbuf *note)
{
    message->kind = KEEPER_STARTED;
    message->tracer = child->pid;
    const int files[] = {server_fd, child->out, child->err};
    int status = send_message(socket, message, files, MAX_FILES, (struct slice){note->ptr, note->len});
    if (status != 0)
        diag_set(&message->diag, DIAG_FAILED, "h2olog cannot be told of the start of bpftrace: %s", strerror(errno));
    child_close(&child->out);
    child_close(&child->err);
    if (status == 0)
        return 0;
    child_signal(child, SIGKILL);
    child_wait(child);
    return -1;
}

/* Returns -1 if it cannot be started, which is sent to h2olog. */
static int
start_tracer(struct state *state, pid_t server, bool is_lesser)
{
    const struct keeper_services *services = state->services;
    struct message message = {.kind = KEEPER_FAILED, .server = server, .is_lesser = is_lesser};
    struct outbuf note = {0};
    int server_fd = -1, status;
    struct tracer *tracer = &state->tracers[state->ntracers];
    if (state->ntracers == MAX_TRACERS)
        status = diag_set(&message.diag, DIAG_FAILED, "more than %d servers at once", MAX_TRACERS);
    else
        status = services->start(services->context, server, is_lesser, &tracer->child, &server_fd, &note, &message.diag);
    if (status == 0)
        status = hand_over(state->socket, &message, &tracer->child, server_fd, &note);
    if (status == 0) {
        tracer->resume_ms = 0;
        state->ntracers++;
    } else {
        message.kind = KEEPER_FAILED;
        send_message(state->socket, &message, NULL, 0, (struct slice){0});
    }
    child_close(&server_fd);
    text_free(&note);
    return status;
}

/* NULL: it has ended. */
static struct tracer *
find_tracer(struct state *state, pid_t pid)
{
    for (size_t i = 0; i < state->ntracers; i++)
        if (state->tracers[i].child.pid == pid)
            return &state->tracers[i];
    return NULL;
}

static void
kill_tracer(struct state *state, pid_t pid)
{
    const struct tracer *tracer = find_tracer(state, pid);
    if (tracer != NULL)
        child_signal(&tracer->child, SIGKILL);
}

static void
pause_tracer(struct state *state, pid_t pid)
{
    struct tracer *tracer = find_tracer(state, pid);
    if (tracer == NULL)
        return;
    child_signal(&tracer->child, SIGSTOP);
    tracer->resume_ms = clock_ms() + KEEPER_PAUSE_MS;
}

static void
end_pauses(struct state *state)
{
    for (size_t i = 0; i < state->ntracers; i++) {
        struct tracer *tracer = &state->tracers[i];
        if (tracer->resume_ms == 0 || clock_ms() < tracer->resume_ms)
            continue;
        child_signal(&tracer->child, SIGCONT);
        tracer->resume_ms = 0;
    }
}

static void
touch_server(const struct state *state, pid_t server)
{
    struct message message = {.kind = KEEPER_TOUCHED, .server = server};
    message.number = state->services->touch(state->services->context, server);
    send_message(state->socket, &message, NULL, 0, (struct slice){0});
}

static void
reopen_output(const struct state *state)
{
    struct message message = {.kind = KEEPER_OPENED};
    int fd = state->services->reopen(state->services->context, &message.diag);
    send_message(state->socket, &message, &fd, fd >= 0, (struct slice){0});
    child_close(&fd);
}

static void
obey(struct state *state, const struct order *order)
{
    switch (order->kind) {
    case KEEPER_KILL:
        kill_tracer(state, order->pid);
        break;
    case KEEPER_TOUCH:
        touch_server(state, order->pid);
        break;
    case KEEPER_REOPEN:
        reopen_output(state);
        break;
    case KEEPER_PAUSE:
        pause_tracer(state, order->pid);
        break;
    case KEEPER_START_LESSER:
        start_tracer(state, order->pid, true);
        break;
    }
}

/* false: h2olog is gone. */
static bool
read_order(struct state *state)
{
    struct order order;
    ssize_t got = recv(state->socket, &order, sizeof(order), 0);
    if (got != sizeof(order))
        return got < 0 && errno == EINTR;
    obey(state, &order);
    return true;
}

/* Waits for a tracer that has ended, and tells of it. */
static void
reap_tracer(struct state *state, size_t index)
{
    struct child *child = &state->tracers[index].child;
    struct message message = {.kind = KEEPER_ENDED, .tracer = child->pid};
    message.number = (uint64_t)child_wait(child);
    state->tracers[index] = state->tracers[--state->ntracers];
    send_message(state->socket, &message, NULL, 0, (struct slice){0});
}

/* Starts tracers for servers that have appeared, when it is time to look. Returns when to look again. */
static int64_t
look_for_servers(struct state *state, int64_t when)
{
    pid_t server;
    if (state->services->find == NULL || clock_ms() < when)
        return when;
    while ((server = state->services->find(state->services->context)) != 0)
        start_tracer(state, server, false);
    return clock_ms() + state->services->interval_ms;
}

static int
poll_timeout(const struct state *state, int64_t when)
{
    int64_t next = state->services->find != NULL ? when : INT64_MAX;
    for (size_t i = 0; i < state->ntracers; i++)
        if (state->tracers[i].resume_ms != 0 && state->tracers[i].resume_ms < next)
            next = state->tracers[i].resume_ms;
    int64_t left = next - clock_ms();
    return next == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
}

static void
serve(struct state *state)
{
    int64_t when = clock_ms() + state->services->interval_ms;
    for (;;) {
        struct pollfd fds[1 + MAX_TRACERS] = {{state->socket, POLLIN, 0}};
        for (size_t i = 0; i < state->ntracers; i++)
            fds[1 + i] = (struct pollfd){state->tracers[i].child.pidfd, POLLIN, 0};
        if (poll(fds, 1 + state->ntracers, poll_timeout(state, when)) < 0 && errno != EINTR)
            return;
        for (size_t i = state->ntracers; i-- > 0;)
            if (fds[1 + i].revents != 0)
                reap_tracer(state, i);
        if (fds[0].revents != 0 && !read_order(state))
            return;
        end_pauses(state);
        when = look_for_servers(state, when);
    }
}

/* Makes the fork the keeper. Signals that end h2olog reach the whole foreground group: the keeper blocks them, as it ends with
 * h2olog and not before. It closes h2olog's files, stdout too, so that whoever reads them sees their end when h2olog ends. */
static void
become_keeper(pid_t parent, int socket)
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
            close(fd);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
}

static void
keep(int socket, const struct keeper_services *services, const pid_t *servers, size_t nservers)
{
    static struct state state;
    state = (struct state){.services = services, .socket = socket};
    int status = 0;
    for (size_t i = 0; status == 0 && i < nservers; i++)
        status = start_tracer(&state, servers[i], false);
    serve(&state);
    for (size_t i = 0; i < state.ntracers; i++)
        child_signal(&state.tracers[i].child, SIGKILL);
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
        become_keeper(parent, pair[1]);
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
keeper_order(const struct keeper *keeper, enum keeper_order kind, pid_t pid)
{
    struct order order = {kind, pid};
    while (send(keeper->socket, &order, sizeof(order), MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

static void
read_files(struct msghdr *msg, struct keeper_news *news)
{
    int files[MAX_FILES] = {-1, -1, -1};
    struct cmsghdr *header = CMSG_FIRSTHDR(msg);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof(files)))
        memcpy(files, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    news->server_fd = news->kind == KEEPER_STARTED ? files[0] : -1;
    news->out = news->kind == KEEPER_STARTED ? files[1] : files[0];
    news->err = files[2];
}

/* A message that is not whole is no start: its files are closed, and the tracer, which nobody reads, is ended. */
static void
refuse_news(const struct keeper *keeper, struct keeper_news *news)
{
    if (news->kind == KEEPER_STARTED)
        keeper_order(keeper, KEEPER_KILL, news->tracer);
    child_close(&news->server_fd);
    child_close(&news->out);
    child_close(&news->err);
    news->kind = KEEPER_FAILED;
    diag_set(&news->diag, DIAG_FAILED,
             "a message of h2olog's root process has more than %d bytes, or files that cannot be taken", KEEPER_NOTE_SIZE);
}

bool
keeper_read(const struct keeper *keeper, struct keeper_news *news, char *buffer)
{
    struct message message;
    char control[CMSG_SPACE(MAX_FILES * sizeof(int))];
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
        refuse_news(keeper, news);
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
