#include "supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum state {
    STARTING, /* bpftrace attaches */
    RUNNING,
    ENDING,   /* the server has ended; bpftrace notices, detaches and then writes its last words, or does not notice */
    STOPPING, /* a signal has ended the run; what happened before it is still to come */
    KILLING,
    DRAINING, /* bpftrace is dead; its last words are read */
    FLUSHING, /* what has been read is written */
    DONE,
    STATES,
};

enum event { READY, SIGNALLED, COMPLETE, SERVER_ENDED, BPFTRACE_ENDED, OUTPUT_ENDED, WRITTEN, READER_GONE, LATE, EVENTS };

struct run {
    struct supervise *part;
    int signals;
    enum state state;
    int64_t deadline;      /* milliseconds: when the state is LATE; -1: never */
    int64_t put_off_limit; /* milliseconds: output does not put STOPPING and DRAINING off beyond this */
    uint64_t end_nsecs;    /* when everything up to here has arrived, the run can end */
    uint64_t stop_nsecs;   /* later records do not belong to the run any more */
    bool is_ready;         /* everything was attached */
    bool is_expected;      /* that bpftrace ends */
    bool is_buried;
    bool is_reader_gone;
    int wait_status;
    uint64_t lost;
    struct outbuf errors; /* the end of what bpftrace said on stderr */
    size_t error_line;    /* where in it the unfinished line begins */
    struct diag *diag;
};

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t
boot_nsecs(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Actions. Each runs when its transition is taken, before the state changes. */

static void
nothing(struct run *run)
{
    (void)run;
}

static void
announce(struct run *run)
{
    run->is_ready = true;
    size_t bytes = target_touch(run->part->target);
    diag_debug(run->part->log, 1, "tracing pid %d (%s), probes attached: %zu, pages made readable: %zu KiB",
               run->part->target->pid, run->part->target->command, run->part->decode->plan->nevents, bytes / 1024);
}

static void
expect_end(struct run *run)
{
    diag_debug(run->part->log, 1, "process %d has ended", run->part->target->pid);
    run->end_nsecs = boot_nsecs();
    run->is_expected = true;
}

/* The signal's time is the end of the run. bpftrace would drop what it is reading when it is told to stop, so it is not: its
 * heartbeats tell when everything up to that time is here. */
static void
stop(struct run *run)
{
    run->end_nsecs = run->stop_nsecs = boot_nsecs();
    run->put_off_limit = now_ms() + run->part->put_off_ms;
}

static void
kill_now(struct run *run)
{
    run->is_expected = true;
    child_signal(run->part->child, SIGKILL);
}

static void
bury(struct run *run)
{
    siginfo_t ended = {0};
    waitid(P_PID, (id_t)run->part->child->pid, &ended, WEXITED | WNOWAIT);
    run->is_buried = true;
    run->put_off_limit = now_ms() + run->part->put_off_ms;
    run->wait_status = ended.si_code == CLD_EXITED ? ended.si_status << 8 : ended.si_status;
}

static void
tell_patience(struct run *run)
{
    (void)run;
    diag_note("the kernel is detaching the probes, which takes a while for many; interrupt again to leave it alone");
}

static void
tell_unwritten(struct run *run)
{
    diag_note("the reader of the output did not take its last %zu bytes", run->part->sink->pending.len - run->part->sink->done);
}

static void take_item(struct run *run, const struct decode_item *item);
static void emit_ready(struct run *run);

/* bpftrace will say no more: what was held back goes out. */
static void
finish(struct run *run)
{
    struct decode_item item;
    while (decode_last(run->part->decode, &item))
        take_item(run, &item);
    if (run->part->order == NULL)
        return;
    order_flush(run->part->order);
    emit_ready(run);
}

/* How long a state may last before it is LATE; with output from bpftrace ENDING, STOPPING and DRAINING begin anew. Detaching
 * takes the kernel up to 0.15 s a probe site, and bpftrace cannot die before. */
static const int patience_ms[STATES] = {
    [STARTING] = -1,  [RUNNING] = -1,    [ENDING] = 60000,  [STOPPING] = 1000,
    [KILLING] = 5000, [DRAINING] = 1000, [FLUSHING] = 1000, [DONE] = -1,
};

static const struct transition {
    void (*action)(struct run *run); /* NULL: the event means nothing in this state */
    enum state next;
} transitions[STATES][EVENTS] = {
    [STARTING] =
        {
            [READY] = {announce, RUNNING},
            [SIGNALLED] = {kill_now, KILLING},
            [SERVER_ENDED] = {expect_end, ENDING},
            [BPFTRACE_ENDED] = {bury, DRAINING},
            [READER_GONE] = {kill_now, KILLING},
        },
    [RUNNING] =
        {
            [SIGNALLED] = {stop, STOPPING},
            [SERVER_ENDED] = {expect_end, ENDING},
            [BPFTRACE_ENDED] = {bury, DRAINING},
            [READER_GONE] = {kill_now, KILLING},
        },
    [ENDING] =
        {
            [SIGNALLED] = {kill_now, KILLING},
            [COMPLETE] = {kill_now, KILLING},
            [BPFTRACE_ENDED] = {bury, DRAINING},
            [READER_GONE] = {kill_now, KILLING},
            [LATE] = {kill_now, KILLING},
        },
    [STOPPING] =
        {
            [SIGNALLED] = {kill_now, DONE},
            [COMPLETE] = {kill_now, KILLING},
            [BPFTRACE_ENDED] = {bury, DRAINING},
            [READER_GONE] = {kill_now, KILLING},
            [LATE] = {kill_now, KILLING},
        },
    [KILLING] =
        {
            [SIGNALLED] = {nothing, DONE},
            [BPFTRACE_ENDED] = {bury, DRAINING},
            [LATE] = {tell_patience, KILLING},
        },
    [DRAINING] =
        {
            [SIGNALLED] = {nothing, DONE},
            [OUTPUT_ENDED] = {finish, FLUSHING},
            [READER_GONE] = {nothing, DONE},
            [LATE] = {finish, FLUSHING}, /* somebody else holds the pipe */
        },
    [FLUSHING] =
        {
            [SIGNALLED] = {nothing, DONE},
            [WRITTEN] = {nothing, DONE},
            [READER_GONE] = {nothing, DONE},
            [LATE] = {tell_unwritten, DONE},
        },
};

static void
happen(struct run *run, enum event event)
{
    const struct transition *transition = &transitions[run->state][event];
    if (transition->action == NULL)
        return;
    transition->action(run);
    bool is_told = run->state == KILLING && transition->next == KILLING;
    run->state = transition->next;
    run->deadline = patience_ms[run->state] < 0 || is_told ? -1 : now_ms() + patience_ms[run->state];
}

static void
emit(struct run *run, const struct record *record)
{
    if (record->nsecs <= run->stop_nsecs && !run->is_reader_gone)
        format_record(run->part->format, &run->part->sink->pending, record);
}

static void
emit_ready(struct run *run)
{
    struct record record;
    while (order_next(run->part->order, &record))
        emit(run, &record);
}

static void
take_record(struct run *run, const struct record *record)
{
    if (run->part->order == NULL) {
        emit(run, record);
        return;
    }
    order_add(run->part->order, record);
    emit_ready(run);
}

static void
take_tick(struct run *run, const struct decode_item *item)
{
    uint64_t complete = item->nsecs;
    happen(run, READY);
    if (run->part->order != NULL) {
        complete = order_tick(run->part->order, item->number, item->nsecs, boot_nsecs());
        emit_ready(run);
    }
    if (complete >= run->end_nsecs)
        happen(run, COMPLETE);
}

static void
take_loss(struct run *run, uint64_t lost)
{
    run->lost += lost;
    diag_note("%lu events were lost here: they came faster than bpftrace reads them", lost);
}

static void
take_notice(const struct run *run, struct slice line)
{
    char quoted[1024];
    diag_debug(run->part->log, 3, "bpftrace: %s", diag_quote(quoted, sizeof(quoted), line));
}

static void
take_item(struct run *run, const struct decode_item *item)
{
    switch (item->kind) {
    case DECODE_RECORD:
        take_record(run, &item->record);
        break;
    case DECODE_TICK:
        take_tick(run, item);
        break;
    case DECODE_LOST:
        take_loss(run, item->number);
        break;
    case DECODE_NOTICE:
        take_notice(run, item->text);
        break;
    }
}

static void
close_fd(int *fd)
{
    close(*fd);
    *fd = -1;
}

/* As long as bpftrace has something to say, or the reader takes it, nothing is late. */
static void
put_off(struct run *run)
{
    if (run->state == ENDING || run->state == STOPPING || run->state == DRAINING || run->state == FLUSHING)
        run->deadline = now_ms() + patience_ms[run->state];
}

/* But somebody who is not bpftrace may hold its pipe and go on for ever. */
static void
put_off_by_output(struct run *run)
{
    bool is_limited = run->state == STOPPING || run->state == DRAINING;
    if (!is_limited || now_ms() < run->put_off_limit)
        put_off(run);
}

static void
read_output(struct run *run)
{
    struct decode *decode = run->part->decode;
    size_t room;
    char *ptr = decode_room(decode, &room);
    ssize_t got = read(run->part->child->out, ptr, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_fd(&run->part->child->out);
        return;
    }
    decode_fill(decode, (size_t)got);
    struct decode_item item;
    while (decode_next(decode, &item))
        take_item(run, &item);
    put_off_by_output(run);
}

/* "Lost N events" stands on stderr from 0.24 on. */
static void
read_error_line(struct run *run, struct slice line)
{
    take_notice(run, line);
    struct slice rest = line, word[2];
    uint64_t lost;
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_is(word[0], "Lost") &&
        text_number(word[1], UINT64_MAX, &lost))
        take_loss(run, lost);
}

/* The last words tell why it failed; 16 KiB of them are kept. */
static void
forget_errors(struct run *run)
{
    enum { KEPT = 16 * 1024 };
    if (run->errors.len <= 2 * KEPT)
        return;
    size_t gone = run->errors.len - KEPT;
    memmove(run->errors.ptr, run->errors.ptr + gone, KEPT);
    run->errors.len = KEPT;
    run->error_line = run->error_line > gone ? run->error_line - gone : 0;
}

static void
read_errors(struct run *run)
{
    ssize_t got = read(run->part->child->err, text_reserve(&run->errors, 4096), 4096);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_fd(&run->part->child->err);
        return;
    }
    run->errors.len += (size_t)got;
    const char *end;
    while ((end = memchr(run->errors.ptr + run->error_line, '\n', run->errors.len - run->error_line)) != NULL) {
        const char *start = run->errors.ptr + run->error_line;
        read_error_line(run, (struct slice){start, (size_t)(end - start)});
        run->error_line = (size_t)(end + 1 - run->errors.ptr);
    }
    forget_errors(run);
}

static void
flush(struct run *run)
{
    struct sink *sink = run->part->sink;
    size_t before = sink->pending.len - sink->done;
    enum sink_state state = sink_flush(sink, run->diag);
    if (sink->pending.len - sink->done < before)
        put_off_by_output(run);
    if (state == SINK_EMPTY)
        happen(run, WRITTEN);
    if (state == SINK_GONE || state == SINK_FAILED) {
        run->is_reader_gone = true;
        sink->pending.len = sink->done = 0;
        happen(run, READER_GONE);
    }
}

static int
poll_timeout(const struct run *run)
{
    if (run->deadline < 0)
        return -1;
    int64_t left = run->deadline - now_ms();
    return left < 0 ? 0 : (int)left;
}

/* A reader may take its time, as a pager does, unless somebody wants the run to end. */
static bool
is_past_deadline(struct run *run)
{
    bool is_wanted = run->stop_nsecs != UINT64_MAX;
    if (run->part->sink->pending.len > 0 && !is_wanted)
        put_off(run);
    return run->deadline >= 0 && now_ms() >= run->deadline;
}

enum { ON_SIGNAL, ON_CHILD, ON_SERVER, ON_SINK, ON_OUT, ON_ERR, SOURCES };

/* While the reader is slow nothing more is read from bpftrace, whose buffer then overflows, which it counts. */
static void
wait_for_events(struct run *run, struct pollfd fds[SOURCES])
{
    bool is_full = run->part->sink->pending.len > 0;
    bool is_child_dead = run->state >= DRAINING;
    fds[ON_SIGNAL] = (struct pollfd){run->signals, POLLIN, 0};
    fds[ON_CHILD] = (struct pollfd){is_child_dead ? -1 : run->part->child->pidfd, POLLIN, 0};
    fds[ON_SERVER] = (struct pollfd){run->state <= RUNNING ? run->part->target->pidfd : -1, POLLIN, 0};
    fds[ON_SINK] = (struct pollfd){run->is_reader_gone ? -1 : run->part->sink->fd, is_full ? POLLOUT : 0, 0};
    fds[ON_OUT] = (struct pollfd){is_full ? -1 : run->part->child->out, POLLIN, 0};
    fds[ON_ERR] = (struct pollfd){run->part->child->err, POLLIN, 0};
    if (poll(fds, SOURCES, poll_timeout(run)) < 0)
        for (int i = 0; i < SOURCES; i++)
            fds[i].revents = 0;
}

static void
take_signal(struct run *run)
{
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof(info)) == sizeof(info))
        happen(run, SIGNALLED);
}

static void
step(struct run *run)
{
    struct pollfd fds[SOURCES];
    wait_for_events(run, fds);
    if (fds[ON_SIGNAL].revents != 0)
        take_signal(run);
    if (fds[ON_OUT].revents != 0)
        read_output(run);
    if (fds[ON_ERR].revents != 0)
        read_errors(run);
    if (fds[ON_SERVER].revents != 0)
        happen(run, SERVER_ENDED);
    if (fds[ON_CHILD].revents != 0)
        happen(run, BPFTRACE_ENDED);
    if (fds[ON_SINK].revents & (POLLERR | POLLHUP | POLLNVAL))
        run->is_reader_gone = true, happen(run, READER_GONE);
    if (run->part->child->out < 0 && run->part->child->err < 0)
        happen(run, OUTPUT_ENDED);
    flush(run);
    if (is_past_deadline(run))
        happen(run, LATE);
}

static void
summarize(const struct run *run)
{
    if (run->lost > 0)
        diag_note("%lu events were lost in all", run->lost);
    if (run->part->decode->damaged > 0)
        diag_note("%lu records did not decode whole", run->part->decode->damaged);
}

/* What bpftrace says when it cannot start, and what to do. */
static const struct cause {
    const char *words;
    enum diag_status status;
    const char *advice;
} causes[] = {
    {"only supports running as the root", DIAG_MACHINE, "run h2olog as root, as with sudo"},
    {"Kernel lockdown", DIAG_MACHINE, "the kernel is locked down against tracing; boot it without lockdown=confidentiality"},
    {"Operation not permitted", DIAG_MACHINE, "the kernel does not let this user trace; a container needs CAP_SYS_ADMIN"},
    {"couldn't get argument", DIAG_MACHINE, "bpftrace cannot reach the server's binary; restart the server if it was upgraded"},
    {"Error loading", DIAG_MACHINE, "the kernel's verifier refused the program; h2olog -ddd shows why"},
    {"stack limit", DIAG_MACHINE, "the program is too large for this bpftrace; please report it"},
    {"Cannot allocate memory", DIAG_MACHINE, "there is not enough memory for the trace buffers"},
    {"ERROR", DIAG_FAILED, "h2olog -dd shows the program"},
    {"error", DIAG_FAILED, "h2olog -dd shows the program"},
};

/* The line of bpftrace's errors that tells most. The note on RLIMIT_MEMLOCK means nothing on a kernel that has probes like
 * these. */
static const struct cause *
find_cause(struct slice errors, struct slice *found)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        struct slice rest = errors, line;
        while (text_line(&rest, &line)) {
            bool fits = memmem(line.ptr, line.len, causes[i].words, strlen(causes[i].words)) != NULL;
            if (fits && memmem(line.ptr, line.len, "RLIMIT_MEMLOCK", 14) == NULL) {
                *found = line;
                return &causes[i];
            }
        }
    }
    return NULL;
}

/* Sets `diag` when bpftrace ended of its own accord. */
static void
explain(struct run *run)
{
    struct slice line = {0};
    const struct cause *cause = find_cause((struct slice){run->errors.ptr, run->errors.len}, &line);
    const char *when = run->is_ready ? "before it was told to" : "before it could trace";
    char quoted[512];
    diag_quote(quoted, sizeof(quoted), line);
    if (WIFSIGNALED(run->wait_status)) {
        diag_set(run->diag, DIAG_FAILED, "bpftrace was killed by signal %d (%s); nothing is traced any more",
                 WTERMSIG(run->wait_status), strsignal(WTERMSIG(run->wait_status)));
        run->diag->status = DIAG_SIGNALLED + WTERMSIG(run->wait_status);
    } else if (cause != NULL)
        diag_set(run->diag, cause->status, "bpftrace ended %s: %s; %s", when, quoted, cause->advice);
    else
        diag_set(run->diag, DIAG_FAILED, "bpftrace ended %s, with status %d and without a word; h2olog -ddd shows more", when,
                 WEXITSTATUS(run->wait_status));
}

int
supervise_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* EPIPE tells more */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
supervise_run(struct supervise *part, int signals, struct diag *diag)
{
    struct run run = {
        .part = part, .signals = signals, .deadline = -1, .end_nsecs = UINT64_MAX, .stop_nsecs = UINT64_MAX, .diag = diag};
    diag->status = DIAG_OK;
    while (run.state != DONE)
        step(&run);
    summarize(&run);
    if (diag->status == DIAG_OK && !run.is_expected)
        explain(&run);
    if (run.is_buried)
        child_wait(part->child);
    text_free(&run.errors);
    return diag->status;
}
