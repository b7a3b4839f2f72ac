#include "run/supervise.h"

#include "base/clock.h"
#include "base/no_memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { MAX_SESSIONS = 256 };

enum phase {
    TRACING,
    FLUSHING, /* no session is left. What has been read is written */
    OVER,
};

struct run {
    const struct supervise *part;
    struct session_run shared;
    struct session_config config;
    struct session *sessions[MAX_SESSIONS];
    size_t nsessions;
    enum phase phase;
    int64_t deadline;    /* of FLUSHING, in milliseconds of CLOCK_MONOTONIC */
    int64_t limit;       /* in the same: beyond it neither a slow reader nor the keeper put the end off; 0: no end has begun */
    char *note;          /* KEEPER_NOTE_SIZE bytes */
    int signals;
    int64_t end_ms;    /* --duration: when it is over; 0: tracing has not begun, or may last */
    bool is_full;      /* -k: as many records were shown as were wanted, and the sessions know */
    bool is_failure_told; /* while others are traced on */
    bool is_reopening; /* the keeper has been asked for the next file */
    int64_t asked_ms;  /* when the keeper was asked for an answer that has not come; 0: it was not */
    int next_fd;       /* the file that is written to when all is in this one; -1: none */
};

enum { FLUSH_MS = 1000, ANSWER_MS = 500 };

static void
stop_all(struct run *run)
{
    for (size_t i = 0; i < run->nsessions; i++)
        session_stop(run->sessions[i]);
}

static void
abandon_all(struct run *run)
{
    for (size_t i = 0; i < run->nsessions; i++)
        session_abandon(run->sessions[i]);
}

static void
begin_end(struct run *run)
{
    if (run->limit == 0)
        run->limit = clock_ms() + run->part->put_off_ms;
}

/* Ends the run: what happens later does not belong to it. */
static void
stop(struct run *run)
{
    begin_end(run);
    run->shared.stop_nsecs = clock_boot_nsecs();
    session_run_record_stop(&run->shared);
    stop_all(run);
}

static bool
is_stopping(const struct run *run)
{
    return run->shared.stop_nsecs != UINT64_MAX || run->shared.is_reader_gone;
}

static void
fail(struct run *run, const struct diag *diag)
{
    if (run->shared.diag->status == DIAG_OK)
        *run->shared.diag = *diag;
}

/* A server of the command line that cannot be traced ends the run. One that was found later (--follow) does not. Where only the
 * smaller program does not start, the others are traced on, and the error is reported in the end. */
static void
refuse(struct run *run, const struct keeper_news *news, const struct diag *diag)
{
    if (news->is_lesser) {
        run->shared.nlesser--;
        fail(run, diag);
        return;
    }
    if (run->shared.nstarting == 0) {
        diag_note(run->part->log, "pid %d is not traced: %s", news->server, diag->message);
        return;
    }
    run->shared.nstarting = 0;
    fail(run, diag);
    stop(run);
}

/* The session of a bpftrace that the keeper has started; NULL: it cannot be followed, and is killed. */
static struct session *
open_session(struct run *run, const struct keeper_news *news)
{
    struct diag diag;
    const struct session_start start = {news->server, news->tracer, news->files, news->text};
    struct session *session = NULL;
    if (run->nsessions < MAX_SESSIONS)
        session = session_open(&run->config, &start, &diag);
    else
        diag_set(&diag, DIAG_FAILED, "more than %d servers at once", MAX_SESSIONS);
    if (session != NULL)
        return session;
    struct keeper_files files = news->files;
    keeper_close_files(&files); /* which kills it */
    refuse(run, news, &diag);
    return NULL;
}

/* A run that is ending stops the session at once. */
static void
add_session(struct run *run, const struct keeper_news *news)
{
    struct session *session = open_session(run, news);
    if (session == NULL)
        return;
    if (news->is_lesser)
        run->shared.nlesser--;
    else if (run->shared.nstarting > 0)
        run->shared.nstarting--;
    else
        diag_note(run->part->log, "tracing pid %d (%s) too", news->server, session_command(session));
    run->sessions[run->nsessions++] = session;
    session_record_start(session, news->text);
    if (is_stopping(run))
        session_stop(session);
}

static struct session *
find_session(struct run *run, pid_t server, pid_t tracer)
{
    for (size_t i = 0; i < run->nsessions; i++)
        if (session_is_of(run->sessions[i], server, tracer))
            return run->sessions[i];
    return NULL;
}

static void
run_take_file(struct run *run, const struct keeper_news *news)
{
    run->is_reopening = false;
    if (news->files.out < 0)
        diag_note(run->part->log, "%s; writing goes on to the file of before", news->diag.message);
    else
        run->next_fd = news->files.out;
}

/* The root process is gone, and its tracers with it. */
static void
run_take_keepers_end(struct run *run)
{
    struct diag diag;
    diag_set(&diag, DIAG_FAILED, "h2olog's root process has ended; nothing is traced any more");
    fail(run, &diag);
    run->phase = OVER;
}

static void
run_take_news(struct run *run, const struct keeper_news *news)
{
    struct session *session = find_session(run, news->server, news->tracer);
    switch (news->kind) {
    case KEEPER_STARTED:
        add_session(run, news);
        break;
    case KEEPER_FAILED:
        refuse(run, news, &news->diag);
        break;
    case KEEPER_ENDED:
        if (session != NULL)
            session_tracer_ended(session, (int)news->number);
        break;
    case KEEPER_TOUCHED:
        if (session != NULL)
            session_announce(session, news->number);
        break;
    case KEEPER_OPENED:
        run_take_file(run, news);
        break;
    case KEEPER_ANSWERED:
        run->asked_ms = 0;
        break;
    case KEEPER_TERMINATED:
        if (!is_stopping(run))
            stop(run);
        break;
    case KEEPER_GONE:
        run_take_keepers_end(run);
        break;
    }
}

/* Reads one at a time, so that what a tracer has written is read before the news of its end. */
static void
read_news(struct run *run)
{
    struct keeper_news news;
    if (keeper_read(run->part->keeper, &news, run->note))
        run_take_news(run, &news);
}

/* The first signal stops the run, a second one ends it as it is. */
static void
run_take_end_signal(struct run *run)
{
    if (run->shared.stop_nsecs == UINT64_MAX) {
        stop(run);
    } else {
        run->phase = OVER;
        stop_all(run);
    }
}

static void
run_take_signal(struct run *run)
{
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo != SIGHUP || !run->part->can_reopen) {
        run_take_end_signal(run);
    } else if (!run->is_reopening) {
        run->is_reopening = true;
        keeper_order(run->part->keeper, KEEPER_REOPEN, 0);
    }
}

static void
lose_reader(struct run *run)
{
    run->shared.is_reader_gone = true;
    sink_drop(run->part->output->sink);
    begin_end(run);
    abandon_all(run);
}

static void
flush(struct run *run)
{
    struct sink *sink = run->part->output->sink;
    size_t before = sink->pending.len - sink->done;
    bool is_last = run->phase != TRACING || run->next_fd >= 0 || is_stopping(run);
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

/* -k: when as many records are shown as were wanted, nothing more is. */
static void
check_count(struct run *run)
{
    if (!output_is_full(run->part->output) || run->is_full)
        return;
    run->is_full = true;
    begin_end(run);
    if (run->shared.stop_nsecs == UINT64_MAX)
        run->shared.stop_nsecs = clock_boot_nsecs();
    session_run_record_stop(&run->shared);
    abandon_all(run);
}

static void
check_duration(struct run *run)
{
    if (run->part->duration_ms == 0 || run->shared.counts.servers == 0 || is_stopping(run))
        return;
    if (run->end_ms == 0)
        run->end_ms = clock_ms() + (int64_t)run->part->duration_ms;
    if (clock_ms() >= run->end_ms)
        stop(run);
}

/* A recording that cannot go on ends the run, so that its gap does not go unseen. */
static void
check_recording(struct run *run)
{
    if (run->part->recording == NULL || !run->part->recording->has_failed || is_stopping(run))
        return;
    stop(run);
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
    bool is_less = kept<run->nsessions, goes_on = kept> 0 || (run->part->follow && !is_stopping(run));
    run->nsessions = kept;
    if (is_less && goes_on)
        tell_failure(run);
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
    bool goes_on = is_starting(run) || (run->part->follow && !is_stopping(run));
    if (run->phase == TRACING && run->nsessions == 0 && !goes_on) {
        run->phase = FLUSHING;
        run->deadline = clock_ms() + FLUSH_MS;
        begin_end(run);
    }
    if (run->phase == FLUSHING && run->part->output->sink->pending.len == 0)
        run->phase = OVER;
}

enum { ON_SIGNAL, ON_KEEPER, ON_SINK, ON_SESSIONS };

/* While the reader is slow nothing more is read from bpftrace. Its buffer overflows then, and it counts what is lost. */
static size_t
fill_poll(const struct run *run, struct pollfd *fds)
{
    bool is_full = run->part->output->sink->is_blocked;
    fds[ON_SIGNAL] = (struct pollfd){run->signals, POLLIN, 0};
    fds[ON_KEEPER] = (struct pollfd){run->part->keeper->socket, POLLIN, 0};
    fds[ON_SINK] = (struct pollfd){run->shared.is_reader_gone ? -1 : run->part->output->sink->fd, is_full ? POLLOUT : 0, 0};
    for (size_t i = 0; i < run->nsessions; i++)
        session_poll(run->sessions[i], &fds[ON_SESSIONS + i * SESSION_FILES], !is_full);
    return ON_SESSIONS + run->nsessions * SESSION_FILES;
}

static int
poll_timeout(const struct run *run)
{
    int64_t first = run->phase == FLUSHING                   ? run->deadline
                    : run->end_ms > 0 && !is_stopping(run)   ? run->end_ms
                    : run->limit != 0 && run->nsessions == 0 ? run->limit
                                                             : -1;
    for (size_t i = 0; i < run->nsessions; i++) {
        int64_t deadline = session_deadline(run->sessions[i]);
        if (deadline >= 0 && (first < 0 || deadline < first))
            first = deadline;
    }
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
        run_take_signal(run);
    for (size_t i = 0; i < nsessions; i++)
        session_read(run->sessions[i], &fds[ON_SESSIONS + i * SESSION_FILES]);
    if (fds[ON_KEEPER].revents != 0)
        read_news(run);
    if (fds[ON_SINK].revents & (POLLERR | POLLHUP | POLLNVAL))
        lose_reader(run);
    flush(run);
    check_count(run);
    check_duration(run);
    check_recording(run);
    check_ends(run);
    check_pauses(run);
    remove_done(run);
    if (run->phase != OVER)
        change_phase(run);
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
supervise_run(const struct supervise *part, int signals, struct diag *diag)
{
    struct run run = {.part = part, .signals = signals, .next_fd = -1};
    run.shared = (struct session_run){.keeper = part->keeper,
                                      .log = part->log,
                                      .output = part->output,
                                      .diag = diag,
                                      .recording = part->recording,
                                      .stop_nsecs = UINT64_MAX,
                                      .nstarting = part->nservers,
                                      .is_program_foreign = part->is_program_foreign,
                                      .put_off_ms = part->put_off_ms};
    run.config = part->config;
    run.config.run = &run.shared;
    run.note = malloc(KEEPER_NOTE_SIZE);
    if (run.note == NULL)
        no_memory();
    diag->status = DIAG_OK;
    while (run.phase != OVER)
        step(&run);
    bool is_quiet_end = run.shared.is_reader_gone || run.shared.counts.servers == 0; /* as of `| head`, or of an error */
    if (!is_quiet_end)
        session_run_summarize(&run.shared);
    for (size_t i = 0; i < run.nsessions; i++)
        session_close(run.sessions[i]);
    free(run.note);
    return diag->status;
}
