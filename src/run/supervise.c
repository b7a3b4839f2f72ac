#include "run/supervise.h"

#include "base/clock.h"
#include "base/no_memory.h"
#include "run/notify.h"
#include "run/supervise_struct.h"
#include "show/keys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { FLUSH_MS = 1000, ANSWER_MS = 500 };

void
supervise_stop_all(struct run *run)
{
    for (size_t i = 0; i < run->nsessions; i++)
        session_stop(run->sessions[i]);
}

void
supervise_abandon_all(struct run *run)
{
    for (size_t i = 0; i < run->nsessions; i++)
        session_abandon(run->sessions[i]);
}

void
supervise_begin_end(struct run *run)
{
    if (run->limit == 0)
        run->limit = clock_ms() + run->part->put_off_ms;
}

/* What comes from now on does not belong to the run; nor to its recording. */
static void
close_run(struct run *run)
{
    if (run->shared.stop_nsecs != UINT64_MAX)
        return;
    run->shared.stop_nsecs = clock_boot_nsecs();
    session_run_record_stop(&run->shared);
}

/* When the servers' own counters are to be read next, as output_count_at has it. A recording of requests may be asked for them
 * later. */
static uint64_t
count_at(const struct run *run)
{
    enum { RECORD_NS = 1000 * 1000 * 1000 };
    const struct output *output = run->part->output;
    bool is_recorded = run->part->recording != NULL && output->view->is_grouped && output->view->summary.kind != SUMMARY_STAT;
    if (!is_recorded)
        return output_count_at(output);
    return run->counted == UINT64_MAX ? 0 : clock_boot_nsecs() / RECORD_NS * RECORD_NS;
}

/* What the servers have counted by themselves. */
static void
ask_counters(const struct run *run)
{
    for (size_t i = 0; i < run->nsessions; i++)
        session_ask_counters(run->sessions[i]);
}

void
supervise_stop(struct run *run)
{
    supervise_begin_end(run);
    if (count_at(run) != UINT64_MAX)
        ask_counters(run);
    close_run(run);
    supervise_stop_all(run);
}

bool
supervise_is_stopping(const struct run *run)
{
    return run->shared.stop_nsecs != UINT64_MAX || run->shared.is_reader_gone;
}

/* The first signal stops the run, a second one ends it as it is. */
static void
take_end_signal(struct run *run)
{
    if (run->shared.stop_nsecs == UINT64_MAX) {
        supervise_stop(run);
    } else {
        run->phase = OVER;
        supervise_stop_all(run);
    }
}

/* Ctrl-Z leaves the terminal as it was. */
static bool
is_of_terminal(const struct run *run, int signal)
{
    if (signal == SIGTSTP) {
        terminal_leave(run->part->terminal);
        raise(SIGSTOP);
    }
    if (signal == SIGCONT)
        terminal_enter(run->part->terminal);
    return signal == SIGTSTP || signal == SIGCONT;
}

static void
take_signal(struct run *run)
{
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof(info)) != sizeof(info) || is_of_terminal(run, (int)info.ssi_signo))
        return;
    if (info.ssi_signo != SIGHUP || !run->part->can_reopen) {
        take_end_signal(run);
    } else if (!run->is_reopening) {
        run->is_reopening = true;
        keeper_order(run->part->keeper, KEEPER_REOPEN, 0);
    }
}

static void
take_key(struct run *run)
{
    int key = terminal_key(run->part->terminal);
    if (key >= 0 && keys_take(run->part->output, key))
        take_end_signal(run);
}

static void
lose_reader(struct run *run)
{
    run->shared.is_reader_gone = true;
    close_run(run);
    sink_drop(run->part->output->sink);
    supervise_begin_end(run);
    supervise_abandon_all(run);
}

static void
flush(struct run *run)
{
    struct sink *sink = run->part->output->sink;
    size_t before = sink->pending.len - sink->done;
    bool is_last = run->phase != TRACING || run->next_fd >= 0 || supervise_is_stopping(run);
    enum sink_state state = (is_last ? sink_flush : sink_pass)(sink, run->shared.diag);
    bool has_moved = sink->pending.len - sink->done < before;
    for (size_t i = 0; has_moved && i < run->nsessions; i++)
        session_put_off(run->sessions[i]);
    if (has_moved && clock_ms() < run->limit)
        run->deadline = clock_ms() + FLUSH_MS;
    if (state == SINK_GONE || state == SINK_FAILED)
        lose_reader(run);
    if (state == SINK_EMPTY && run->next_fd >= 0) {
        close(sink->fd);
        sink->fd = run->next_fd;
        run->next_fd = -1;
    }
}

/* A server that ends before it is traced holds the others up no longer. */
static bool
is_all_ready(const struct run *run)
{
    for (size_t i = 0; i < run->nsessions; i++)
        if (!session_is_ready(run->sessions[i]))
            return false;
    return run->shared.nstarting == 0 && run->shared.nlesser == 0 && run->shared.counts.servers > 0;
}

static void
check_begin(struct run *run)
{
    if (run->has_begun || supervise_is_stopping(run) || !is_all_ready(run))
        return;
    run->has_begun = true;
    if (run->shared.begin_nsecs != 0) {
        run->shared.begin_nsecs = clock_boot_nsecs();
        session_run_record(&run->shared, &(struct recording_block){.kind = RECORDING_BEGIN, .nsecs = run->shared.begin_nsecs});
    }
    diag_note(run->part->log, "tracing; Ctrl-C ends");
    notify_ready();
}

/* -k: when as many records are shown as were wanted, nothing more is. */
static void
check_count(struct run *run)
{
    if (!output_is_full(run->part->output) || run->is_full)
        return;
    run->is_full = true;
    supervise_begin_end(run);
    close_run(run);
    supervise_abandon_all(run);
}

static void
check_duration(struct run *run)
{
    if (run->part->duration_ms == 0 || !run->has_begun || supervise_is_stopping(run))
        return;
    if (run->end_ms == 0)
        run->end_ms = clock_ms() + (int64_t)run->part->duration_ms;
    if (clock_ms() >= run->end_ms)
        supervise_stop(run);
}

/* A recording that cannot go on ends the run, so that its gap does not go unseen. */
static void
check_recording(struct run *run)
{
    if (run->part->recording == NULL || !run->part->recording->has_failed || supervise_is_stopping(run))
        return;
    supervise_stop(run);
}

/* A reader may take its time, as a pager does, until the run was stopped. */
static void
check_ends(struct run *run)
{
    bool is_held_back = run->part->output->sink->is_blocked && run->shared.stop_nsecs == UINT64_MAX;
    for (size_t i = 0; i < run->nsessions; i++)
        session_check(run->sessions[i], is_held_back);
    if (is_held_back)
        run->deadline = clock_ms() + FLUSH_MS;
    if (run->phase == FLUSHING && clock_ms() >= run->deadline) {
        const struct sink *sink = run->part->output->sink;
        diag_note(run->part->log, "the reader of the output did not take its last %zu bytes", sink->pending.len - sink->done);
        run->phase = OVER;
    }
}

/* A keeper that takes no orders, as it was stopped, ends no pause either. */
static void
check_pauses(struct run *run)
{
    bool is_silent = run->asked_ms != 0 && clock_ms() >= run->asked_ms + ANSWER_MS, is_overdue = false;
    for (size_t i = 0; i < run->nsessions; i++) {
        if (!session_is_overdue(run->sessions[i]))
            continue;
        session_wait_for_pause(run->sessions[i], is_silent);
        is_overdue = true;
    }
    if (!is_overdue || run->asked_ms != 0)
        return;
    keeper_order(run->part->keeper, KEEPER_ANSWER, 0);
    run->asked_ms = clock_ms();
}

/* What is reported in the end is said at once where others are traced on. */
static void
tell_failure(struct run *run)
{
    const struct diag *diag = run->shared.diag;
    if (diag->status != DIAG_OK && !run->is_failure_told)
        diag_note(run->part->log, "%s", diag->message);
    run->is_failure_told = diag->status != DIAG_OK;
}

/* A server that has ended may be started again from the same file, so its bpftrace waits for that. It does no more where a
 * server of another file has come. */
static void
release_idle(struct run *run)
{
    bool has_successor = false;
    for (size_t i = 0; i < run->nsessions; i++)
        has_successor |= session_has_successor(run->sessions[i]);
    for (size_t i = 0; has_successor && i < run->nsessions; i++)
        if (session_is_idle(run->sessions[i]))
            session_release(run->sessions[i]);
}

static void
remove_done(struct run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->nsessions; i++) {
        if (session_is_done(run->sessions[i]))
            session_close(run->sessions[i]);
        else
            run->sessions[kept++] = run->sessions[i];
    }
    bool is_less = kept<run->nsessions, goes_on = kept> 0 || (run->part->follow && !supervise_is_stopping(run));
    run->nsessions = kept;
    if (is_less && goes_on)
        tell_failure(run);
}

/* Whether a server may still come that the run does not know of. */
static bool
is_open(const struct run *run)
{
    return (run->part->follow || run->is_waiting) && !supervise_is_stopping(run);
}

/* Whether more tracers are to come, as the keeper has not told yet how they started. */
static bool
is_starting(const struct run *run)
{
    bool is_expected = run->shared.nstarting > 0 || run->shared.nlesser > 0;
    return is_expected && (run->limit == 0 || clock_ms() < run->limit);
}

static void
change_phase(struct run *run)
{
    bool goes_on = is_starting(run) || is_open(run);
    if (run->phase == TRACING && run->nsessions == 0 && !goes_on) {
        supervise_begin_end(run);
        run->phase = FLUSHING;
        run->deadline = clock_ms() < run->limit ? clock_ms() + FLUSH_MS : run->limit + FLUSH_MS;
    }
    if (run->phase == FLUSHING && run->part->output->sink->pending.len == 0)
        run->phase = OVER;
}

enum { ON_SIGNAL, ON_KEEPER, ON_SINK, ON_TERMINAL, ON_SESSIONS };

/* While the reader is slow nothing more is read from bpftrace. Its buffer overflows then, and it counts what is lost. */
static size_t
fill_poll(const struct run *run, struct pollfd *fds)
{
    bool is_full = run->part->output->sink->is_blocked;
    fds[ON_SIGNAL] = (struct pollfd){run->signals, POLLIN, 0};
    fds[ON_KEEPER] = (struct pollfd){run->part->keeper->socket, POLLIN, 0};
    fds[ON_SINK] = (struct pollfd){run->shared.is_reader_gone ? -1 : run->part->output->sink->fd, is_full ? POLLOUT : 0, 0};
    fds[ON_TERMINAL] = (struct pollfd){terminal_poll_fd(run->part->terminal), POLLIN, 0};
    for (size_t i = 0; i < run->nsessions; i++)
        session_poll(run->sessions[i], &fds[ON_SESSIONS + i * SESSION_FILES], !is_full);
    return ON_SESSIONS + run->nsessions * SESSION_FILES;
}

/* When the servers' own counters are to be asked for: milliseconds of CLOCK_MONOTONIC; -1: they are not. */
static int64_t
count_ms(const struct run *run)
{
    uint64_t at = count_at(run), now = clock_boot_nsecs();
    if (at == UINT64_MAX || at == run->counted || !run->has_begun || supervise_is_stopping(run))
        return -1;
    if (run->counted == UINT64_MAX)
        return clock_ms(); /* what they have counted before the run */
    return clock_ms() + (at > now ? (int64_t)((at - now) / 1000000 + 1) : 0);
}

static void
check_counters(struct run *run)
{
    int64_t at = count_ms(run);
    if (at < 0 || at > clock_ms())
        return;
    run->counted = run->counted != UINT64_MAX ? count_at(run) : 0;
    ask_counters(run);
}

static int
poll_timeout(const struct run *run)
{
    int64_t first = run->phase == FLUSHING                           ? run->deadline
                    : run->end_ms > 0 && !supervise_is_stopping(run) ? run->end_ms
                    : run->limit != 0 && run->nsessions == 0         ? run->limit
                                                                     : -1;
    for (size_t i = 0; i < run->nsessions; i++) {
        int64_t deadline = session_deadline(run->sessions[i]);
        if (deadline >= 0 && (first < 0 || deadline < first))
            first = deadline;
    }
    int64_t count = count_ms(run);
    if (count >= 0 && (first < 0 || count < first))
        first = count;
    int64_t left = first - clock_ms();
    return first < 0 ? -1 : left < 0 ? 0 : (int)left;
}

static void
step(struct run *run)
{
    struct pollfd fds[ON_SESSIONS + MAX_SESSIONS * SESSION_FILES];
    size_t count = fill_poll(run, fds), nsessions = run->nsessions;
    if (poll(fds, count, poll_timeout(run)) < 0)
        return;
    if (fds[ON_SIGNAL].revents != 0)
        take_signal(run);
    for (size_t i = 0; i < nsessions; i++)
        session_read(run->sessions[i], &fds[ON_SESSIONS + i * SESSION_FILES]);
    if (fds[ON_TERMINAL].revents != 0)
        take_key(run);
    if (fds[ON_KEEPER].revents != 0)
        supervise_read_news(run);
    if (fds[ON_SINK].revents & (POLLERR | POLLHUP | POLLNVAL))
        lose_reader(run);
    flush(run);
    check_begin(run);
    check_count(run);
    check_duration(run);
    check_counters(run);
    check_recording(run);
    check_ends(run);
    check_pauses(run);
    release_idle(run);
    remove_done(run);
    if (run->phase != OVER)
        change_phase(run);
}

int
supervise_signals(bool has_terminal)
{
    sigset_t set;
    sigemptyset(&set);
    if (has_terminal) {
        sigaddset(&set, SIGTSTP);
        sigaddset(&set, SIGCONT);
    }
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* EPIPE tells more */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
supervise_run(const struct supervise *part, int signals, struct diag *diag)
{
    struct run run = {.part = part, .signals = signals, .counted = UINT64_MAX, .next_fd = -1};
    run.shared = (struct session_run){.keeper = part->keeper,
                                      .log = part->log,
                                      .output = part->output,
                                      .diag = diag,
                                      .recording = part->recording,
                                      .begin_nsecs = part->nservers > 1 ? UINT64_MAX : 0,
                                      .stop_nsecs = UINT64_MAX,
                                      .nstarting = part->nservers,
                                      .is_program_foreign = part->is_program_foreign,
                                      .put_off_ms = part->put_off_ms};
    run.is_waiting = part->waits;
    run.config = part->config;
    run.config.run = &run.shared;
    run.note = malloc(KEEPER_NOTE_SIZE);
    if (run.note == NULL)
        no_memory();
    diag->status = DIAG_OK;
    if (run.is_waiting)
        notify_ready(); /* a service is up that waits */
    while (run.phase != OVER)
        step(&run);
    if (run.is_waiting)
        diag_note(part->log, "ended while waiting; no server was traced");
    bool has_failed_to_begin = run.shared.counts.servers == 0 && diag->status != DIAG_OK;
    bool is_quiet_end = run.shared.is_reader_gone || has_failed_to_begin; /* as of `| head` */
    if (!is_quiet_end && !run.has_begun && !run.is_waiting)
        diag_note(part->log, "the run ended before tracing began; nothing was seen");
    if (!is_quiet_end)
        session_run_summarize(&run.shared);
    for (size_t i = 0; i < run.nsessions; i++)
        session_close(run.sessions[i]);
    free(run.note);
    return diag->status;
}
