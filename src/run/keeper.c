#include "run/keeper.h"

#include "base/clock.h"
#include "host/process.h"
#include "host/signal_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TRACERS = 256, MAX_FILES = sizeof(struct keeper_files) / sizeof(int) };

/* How often the keeper looks whether h2olog is stopped and does not see a signal that ends it. */
enum { LOOK_MS = 1000 };

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
    struct signal_pipe kill, resume; /* h2olog has the writing ends */
    int64_t resume_ms; /* when its pause ends, in milliseconds of CLOCK_MONOTONIC; 0: it is not paused */
};

/* What the keeper has: its end of the socket, and the tracers that have not ended. */
struct state {
    const struct keeper_services *services;
    int socket, signals;
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

static void
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
    while (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

/* Sends a tracer's output and its lines away and closes them here, so that this process cannot read the one, and the other end
 * with h2olog. */
static void
hand_over(int socket, struct message *message, struct tracer *tracer, int server_fd, const struct outbuf *note)
{
    struct child *child = &tracer->child;
    message->kind = KEEPER_STARTED;
    message->tracer = child->pid;
    const int files[MAX_FILES] = {server_fd, child->pidfd, child->out, child->err, tracer->kill.writer, tracer->resume.writer};
    send_message(socket, message, files, MAX_FILES, (struct slice){note->ptr, note->len});
    child_close(&child->out);
    child_close(&child->err);
    child_close(&tracer->kill.writer);
    child_close(&tracer->resume.writer);
}

static void
close_lines(struct tracer *tracer)
{
    signal_pipe_close(&tracer->kill);
    signal_pipe_close(&tracer->resume);
}

static int
open_lines(struct tracer *tracer, struct diag *diag)
{
    tracer->kill = tracer->resume = (struct signal_pipe){-1, -1};
    if (signal_pipe_open(&tracer->kill, diag) == 0 && signal_pipe_open(&tracer->resume, diag) == 0)
        return 0;
    close_lines(tracer);
    return -1;
}

/* A tracer that h2olog could not kill must not run. */
static int
bind_lines(struct tracer *tracer, struct diag *diag)
{
    if (signal_pipe_bind(&tracer->kill, -tracer->child.pid, SIGKILL, diag) == 0 &&
        signal_pipe_bind(&tracer->resume, -tracer->child.pid, SIGCONT, diag) == 0)
        return 0;
    child_signal(&tracer->child, SIGKILL);
    child_wait(&tracer->child);
    return -1;
}

static int
make_tracer(struct state *state, struct tracer *tracer, const struct message *about, int *server_fd, struct outbuf *note,
            struct diag *diag)
{
    const struct keeper_services *services = state->services;
    *tracer = (struct tracer){.resume_ms = 0};
    if (state->ntracers == MAX_TRACERS)
        return diag_set(diag, DIAG_FAILED, "more than %d servers at once", MAX_TRACERS);
    if (open_lines(tracer, diag) != 0)
        return -1;
    int status = services->start(services->context, about->server, about->is_lesser, &tracer->child, server_fd, note, diag);
    if (status == 0)
        status = bind_lines(tracer, diag);
    if (status != 0)
        close_lines(tracer);
    return status;
}

/* Returns -1 if it cannot be started, which is sent to h2olog. */
static int
start_tracer(struct state *state, pid_t server, bool is_lesser)
{
    struct message message = {.kind = KEEPER_FAILED, .server = server, .is_lesser = is_lesser};
    struct outbuf note = {0};
    int server_fd = -1;
    struct tracer *tracer = &state->tracers[state->ntracers];
    int status = make_tracer(state, tracer, &message, &server_fd, &note, &message.diag);
    if (status != 0) {
        send_message(state->socket, &message, NULL, 0, (struct slice){0});
    } else {
        hand_over(state->socket, &message, tracer, server_fd, &note);
        state->ntracers++;
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
tell(const struct state *state, enum keeper_kind kind)
{
    struct message message = {.kind = kind};
    send_message(state->socket, &message, NULL, 0, (struct slice){0});
}

static void
obey(struct state *state, const struct order *order)
{
    switch (order->kind) {
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
    case KEEPER_ANSWER:
        tell(state, KEEPER_ANSWERED);
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
    close_lines(&state->tracers[index]);
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
    int64_t next = clock_ms() + LOOK_MS;
    if (state->services->find != NULL && when < next)
        next = when;
    for (size_t i = 0; i < state->ntracers; i++)
        if (state->tracers[i].resume_ms != 0 && state->tracers[i].resume_ms < next)
            next = state->tracers[i].resume_ms;
    int64_t left = next - clock_ms();
    return left < 0 ? 0 : (int)left;
}

/* A stopped h2olog does not read the signal that is to end it. It would end when somebody lets it go on; its tracers would wait
 * for that. */
static void
wake_h2olog(void)
{
    const uint64_t end_signals = 1u << (SIGINT - 1) | 1u << (SIGTERM - 1);
    if (process_is_stopped_before(getppid(), end_signals))
        kill(getppid(), SIGCONT);
}

/* SIGTERM to this process alone ends the run in order. */
static void
read_signal(const struct state *state)
{
    struct signalfd_siginfo info;
    if (read(state->signals, &info, sizeof(info)) == sizeof(info))
        tell(state, KEEPER_TERMINATED);
}

enum { ON_SOCKET, ON_SIGNAL, ON_TRACERS };

static size_t
fill_poll(const struct state *state, struct pollfd *fds)
{
    fds[ON_SOCKET] = (struct pollfd){state->socket, POLLIN, 0};
    fds[ON_SIGNAL] = (struct pollfd){state->signals, POLLIN, 0};
    for (size_t i = 0; i < state->ntracers; i++)
        fds[ON_TRACERS + i] = (struct pollfd){state->tracers[i].child.pidfd, POLLIN, 0};
    return ON_TRACERS + state->ntracers;
}

static void
serve(struct state *state)
{
    int64_t when = clock_ms() + state->services->interval_ms;
    for (;;) {
        struct pollfd fds[ON_TRACERS + MAX_TRACERS];
        int ready = poll(fds, fill_poll(state, fds), poll_timeout(state, when));
        if (ready < 0 && errno != EINTR)
            return;
        for (size_t i = state->ntracers; ready > 0 && i-- > 0;)
            if (fds[ON_TRACERS + i].revents != 0)
                reap_tracer(state, i);
        if (ready > 0 && fds[ON_SOCKET].revents != 0 && !read_order(state))
            return;
        if (ready > 0 && fds[ON_SIGNAL].revents != 0)
            read_signal(state);
        end_pauses(state);
        if (ready == 0)
            wake_h2olog();
        when = look_for_servers(state, when);
    }
}

static void
close_all_but(int a, int b)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        if (fd != a && fd != b)
            close(fd);
}

/* Makes the fork the keeper. Signals that end h2olog reach the whole foreground group: the keeper blocks them, as it ends with
 * h2olog and not before. It closes h2olog's files, stdout too, so that whoever reads them sees their end when h2olog ends. */
static void
become_keeper(int socket, struct signal_pipe *lifeline)
{
    struct diag ignored;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    prctl(PR_SET_NAME, "h2olog-keeper");
    close_all_but(socket, lifeline->reader);
    lifeline->writer = -1;
    if (signal_pipe_bind(lifeline, getpid(), SIGKILL, &ignored) != 0 || signal_pipe_is_closed(lifeline))
        _exit(127); /* h2olog is gone already */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
}

static int
open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
keep(int socket, const struct keeper_services *services, const pid_t *servers, size_t nservers)
{
    static struct state state;
    state = (struct state){.services = services, .socket = socket, .signals = open_signals()};
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
    struct signal_pipe lifeline;
    if (signal_pipe_open(&lifeline, diag) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        signal_pipe_close(&lifeline);
        return diag_set(diag, DIAG_FAILED, "cannot make a socket: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_keeper(pair[1], &lifeline);
        keep(pair[1], services, servers, nservers);
        _exit(0);
    }
    close(pair[1]);
    child_close(&lifeline.reader);
    *keeper = (struct keeper){pair[0], lifeline.writer, pid};
    if (pid > 0)
        return 0;
    close(pair[0]);
    signal_pipe_close(&lifeline);
    return diag_set(diag, DIAG_FAILED, "cannot fork: %s", strerror(errno));
}

void
keeper_order(const struct keeper *keeper, enum keeper_order kind, pid_t pid)
{
    struct order order = {kind, pid};
    while (send(keeper->socket, &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
        continue;
}

static void
read_files(struct msghdr *msg, struct keeper_news *news)
{
    int files[MAX_FILES] = {-1, -1, -1, -1, -1, -1};
    struct cmsghdr *header = CMSG_FIRSTHDR(msg);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof(files)))
        memcpy(files, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    news->files = (struct keeper_files){-1, -1, -1, -1, -1, -1};
    if (news->kind == KEEPER_STARTED)
        news->files = (struct keeper_files){files[0], files[1], files[2], files[3], files[4], files[5]};
    else
        news->files.out = files[0];
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
    while (waitpid(keeper->pid, NULL, WNOHANG) == 0 && clock_ms() < end)
        poll(NULL, 0, STEP_MS);
}
