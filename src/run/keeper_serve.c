#include "run/keeper_serve.h"

#include "base/clock.h"
#include "host/process.h"
#include "host/signal_pipe.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_TRACERS = 256 };

/* How often the keeper looks whether h2olog sees a signal that ends it, and for how long it may not. */
enum { LOOK_MS = 1000, DEAF_MS = 3000 };

struct tracer {
    struct child child;
    struct signal_pipe kill, resume; /* h2olog has the writing ends */
    int64_t resume_ms;               /* when its pause ends, in milliseconds of CLOCK_MONOTONIC; 0: it is not paused */
};

/* What the keeper has: its end of the socket, and the tracers that have not ended. */
struct state {
    const struct keeper_services *services;
    int socket, signals;
    bool is_terminated; /* it got SIGTERM */
    bool has_traced;    /* a tracer has ended */
    int64_t deaf_since; /* milliseconds of CLOCK_MONOTONIC: since when h2olog has not taken a signal that ends it; 0: it has */
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

/* Those that are over; with `is_all`, all. */
static void
end_pauses(struct state *state, bool is_all)
{
    for (size_t i = 0; i < state->ntracers; i++) {
        struct tracer *tracer = &state->tracers[i];
        if (tracer->resume_ms == 0 || (!is_all && clock_ms() < tracer->resume_ms))
            continue;
        child_signal(&tracer->child, SIGCONT);
        tracer->resume_ms = 0;
    }
}

/* SIGHUP ends an h2olog that has nothing to open anew; where there is something, it waits. */
static bool
has_end_signal(const struct state *state, uint64_t pending)
{
    uint64_t end_signals = 1u << (SIGINT - 1) | 1u << (SIGTERM - 1);
    if (state->services->reopen == NULL)
        end_signals |= 1u << (SIGHUP - 1);
    return (pending & end_signals) != 0;
}

/* Whether h2olog has not read yet that this process got SIGTERM. */
static bool
is_untold(const struct state *state)
{
    int unread = 0;
    return state->is_terminated && ioctl(state->socket, SIOCOUTQ, &unread) == 0 && unread > 0;
}

/* A stopped h2olog does not read the signal that is to end it, that this process got one, or that its last tracer has ended. It
 * would end when somebody lets it go on. One that is stuck, as in a write to a file system that does not answer, is deaf. */
static void
look_at_h2olog(struct state *state)
{
    bool is_over = state->is_terminated || (state->has_traced && state->ntracers == 0 && state->services->find == NULL);
    bool has_signal = is_over || poll(&(struct pollfd){state->signals, POLLIN, 0}, 1, 0) > 0;
    uint64_t pending;
    bool is_stopped = process_is_stopped(getppid(), &pending), is_deaf = has_end_signal(state, pending) || is_untold(state);
    if (is_stopped && (has_signal || is_deaf))
        kill(getppid(), SIGCONT);
    if (!is_deaf)
        state->deaf_since = 0;
    else if (state->deaf_since == 0)
        state->deaf_since = clock_ms();
}

/* Then the others do not wait for it. It reads the end of this process when it goes on. */
static bool
is_h2olog_deaf(const struct state *state)
{
    return state->deaf_since != 0 && clock_ms() >= state->deaf_since + DEAF_MS;
}

/* An h2olog that is stopped takes no messages. Nothing else may wait for that. */
static void
wait_for_room(struct state *state)
{
    enum { STEP_MS = 50 };
    end_pauses(state, true);
    look_at_h2olog(state);
    poll(NULL, 0, STEP_MS);
}

/* -1: it could not be sent; errno says why. */
static int
send_message(struct state *state, struct keeper_message *message, const int *files, size_t nfiles, struct slice text)
{
    char control[CMSG_SPACE(KEEPER_MAX_FILES * sizeof(int))] = {0};
    struct iovec parts[] = {{message, sizeof(*message)}, {(char *)text.ptr, text.len}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
    if (nfiles > 0) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(nfiles * sizeof(*files));
        put_files(&msg, files, nfiles);
    }
    ssize_t sent;
    while ((sent = sendmsg(state->socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && (errno == EINTR || errno == EAGAIN) &&
           !is_h2olog_deaf(state))
        wait_for_room(state);
    return sent < 0 ? -1 : 0;
}

static void
close_lines(struct tracer *tracer)
{
    signal_pipe_close(&tracer->kill);
    signal_pipe_close(&tracer->resume);
}

static void
end_tracer(struct tracer *tracer)
{
    child_signal(&tracer->child, SIGKILL);
    child_wait(&tracer->child);
    close_lines(tracer);
}

/* Sends a tracer's output and its lines away and closes them here, so that this process cannot read the one, and the other end
 * with h2olog. A tracer that nobody can be told of is ended: -1 with the message's diag set. */
static int
hand_over(struct state *state, struct keeper_message *message, struct tracer *tracer, int server_fd, const struct outbuf *note)
{
    struct child *child = &tracer->child;
    message->kind = KEEPER_STARTED;
    message->tracer = child->pid;
    const int files[KEEPER_MAX_FILES] = {server_fd,  child->pidfd,        child->out,
                                         child->err, tracer->kill.writer, tracer->resume.writer};
    int status = send_message(state, message, files, KEEPER_MAX_FILES, (struct slice){note->ptr, note->len});
    if (status != 0)
        diag_set(&message->diag, DIAG_FAILED, "h2olog cannot be told of the start of bpftrace: %s", strerror(errno));
    child_close(&child->out);
    child_close(&child->err);
    child_close(&tracer->kill.writer);
    child_close(&tracer->resume.writer);
    if (status != 0)
        end_tracer(tracer);
    return status;
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
    return -1;
}

static int
make_tracer(struct state *state, struct tracer *tracer, const struct keeper_message *about, int *server_fd, struct outbuf *note,
            struct diag *diag)
{
    const struct keeper_services *services = state->services;
    *tracer = (struct tracer){.resume_ms = 0};
    if (state->ntracers == MAX_TRACERS)
        return diag_set(diag, DIAG_FAILED, "more than %d servers at once", MAX_TRACERS);
    if (open_lines(tracer, diag) != 0)
        return -1;
    int status = services->start(services->context, about->server, about->is_lesser, &tracer->child, server_fd, note, diag);
    if (status != 0)
        close_lines(tracer);
    else if ((status = bind_lines(tracer, diag)) != 0)
        end_tracer(tracer);
    return status;
}

/* false: no tracer sees the server, or it is not to be shown, or `is_gone`: it has ended. */
static bool
join_server(struct state *state, pid_t server, bool is_chosen, bool *is_gone)
{
    struct keeper_message message = {.kind = KEEPER_JOINED, .server = server};
    struct keeper_join to;
    struct outbuf note = {0};
    *is_gone = false;
    if (state->services->join == NULL)
        return false;
    bool is_joined = state->services->join(state->services->context, server, is_chosen, &to, &note);
    message.tracer = to.tracer;
    *is_gone = to.is_gone;
    if (is_joined)
        send_message(state, &message, &to.server_fd, to.server_fd >= 0, (struct slice){note.ptr, note.len});
    child_close(&to.server_fd);
    text_free(&note);
    return is_joined;
}

static void
judge(struct state *state, pid_t process)
{
    struct keeper_message message = {.kind = KEEPER_REFUSED, .server = process};
    bool is_gone;
    if (join_server(state, process, false, &is_gone))
        return;
    message.number = is_gone;
    send_message(state, &message, NULL, 0, (struct slice){0});
}

/* Returns -1 if it cannot be started, which is sent to h2olog. */
static int
start_tracer(struct state *state, pid_t server, bool is_lesser)
{
    struct keeper_message message = {.kind = KEEPER_FAILED, .server = server, .is_lesser = is_lesser};
    struct outbuf note = {0};
    int server_fd = -1;
    struct tracer *tracer = &state->tracers[state->ntracers];
    int status = make_tracer(state, tracer, &message, &server_fd, &note, &message.diag);
    if (status == 0)
        status = hand_over(state, &message, tracer, server_fd, &note);
    if (status == 0) {
        state->ntracers++;
    } else {
        message.kind = KEEPER_FAILED;
        send_message(state, &message, NULL, 0, (struct slice){0});
    }
    child_close(&server_fd);
    text_free(&note);
    return status;
}

static int
add_server(struct state *state, pid_t server)
{
    bool is_gone;
    return join_server(state, server, true, &is_gone) ? 0 : start_tracer(state, server, false);
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
touch_server(struct state *state, pid_t server)
{
    struct keeper_message message = {.kind = KEEPER_TOUCHED, .server = server};
    message.number = state->services->touch(state->services->context, server);
    send_message(state, &message, NULL, 0, (struct slice){0});
}

static void
count_server(struct state *state, pid_t server)
{
    struct keeper_message message = {.kind = KEEPER_COUNTED, .server = server};
    struct outbuf out = {0};
    state->services->count(state->services->context, server, &out);
    send_message(state, &message, NULL, 0, (struct slice){out.ptr, out.len});
    text_free(&out);
}

static void
reopen_output(struct state *state)
{
    struct keeper_message message = {.kind = KEEPER_OPENED};
    int fd = state->services->reopen(state->services->context, &message.diag);
    send_message(state, &message, &fd, fd >= 0, (struct slice){0});
    child_close(&fd);
}

static void
tell(struct state *state, enum keeper_kind kind)
{
    struct keeper_message message = {.kind = kind};
    send_message(state, &message, NULL, 0, (struct slice){0});
}

static void
obey(struct state *state, const struct keeper_order_message *order)
{
    bool may_take_long = order->kind != KEEPER_PAUSE && order->kind != KEEPER_ANSWER;
    if (may_take_long)
        end_pauses(state, true);
    switch (order->kind) {
    case KEEPER_TOUCH:
        touch_server(state, order->pid);
        break;
    case KEEPER_COUNT:
        count_server(state, order->pid);
        break;
    case KEEPER_REOPEN:
        if (state->services->reopen != NULL)
            reopen_output(state);
        break;
    case KEEPER_PAUSE:
        pause_tracer(state, order->pid);
        break;
    case KEEPER_START_LESSER:
        start_tracer(state, order->pid, true);
        break;
    case KEEPER_JUDGE:
        judge(state, order->pid);
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
    struct keeper_order_message order;
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
    struct keeper_message message = {.kind = KEEPER_ENDED, .tracer = child->pid};
    message.number = (uint64_t)child_wait(child);
    state->has_traced = true;
    close_lines(&state->tracers[index]);
    if (state->services->ended != NULL)
        state->services->ended(state->services->context, message.tracer, (int)message.number);
    state->tracers[index] = state->tracers[--state->ntracers];
    send_message(state, &message, NULL, 0, (struct slice){0});
}

/* Starts tracers for servers that have appeared, when it is time to look. Returns when to look again. */
static int64_t
look_for_servers(struct state *state, int64_t when)
{
    struct keeper_message failure = {.kind = KEEPER_FAILED};
    pid_t server;
    if (state->services->find == NULL || clock_ms() < when)
        return when;
    end_pauses(state, true); /* what follows may take long */
    while ((server = state->services->find(state->services->context, &failure.diag)) > 0)
        add_server(state, server);
    if (server < 0)
        send_message(state, &failure, NULL, 0, (struct slice){0});
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

/* SIGTERM to this process alone ends the run in order. */
static void
read_signal(struct state *state)
{
    struct signalfd_siginfo info;
    if (read(state->signals, &info, sizeof(info)) != sizeof(info))
        return;
    state->is_terminated = true;
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
        end_pauses(state, false);
        if (ready == 0 || state->is_terminated)
            look_at_h2olog(state);
        if (is_h2olog_deaf(state))
            return;
        when = look_for_servers(state, when);
    }
}

static int
open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
keeper_serve(int socket, const struct keeper_services *services, const pid_t *servers, size_t nservers)
{
    static struct state state;
    state = (struct state){.services = services, .socket = socket, .signals = open_signals()};
    int status = 0;
    for (size_t i = 0; status == 0 && i < nservers; i++)
        status = add_server(&state, servers[i]);
    serve(&state);
    for (size_t i = 0; i < state.ntracers; i++)
        child_signal(&state.tracers[i].child, SIGKILL);
}
