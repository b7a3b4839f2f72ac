#include "run/session.h"

#include "host/cause.h"
#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The reader is told of a recording that cannot be written by the end of the run. */
static void
put_block(struct session_run *run, struct recording_block block)
{
    if (run->recording != NULL && !run->recording->has_failed)
        recording_put(run->recording, &block, run->diag);
}

static void
record_block(struct session *session, enum recording_kind kind, struct slice bytes)
{
    put_block(session->run,
              (struct recording_block){.kind = kind, .server = session->id, .nsecs = session->now, .bytes = bytes});
}

void
session_record_start(struct session *session, struct slice note)
{
    struct outbuf out = {0};
    text_printf(&out, "%d\n", session->server);
    text_put(&out, note);
    session->now = clock_boot_nsecs();
    record_block(session, RECORDING_START, (struct slice){out.ptr, out.len});
    text_free(&out);
}

void
session_record_stop(struct session_run *run)
{
    put_block(run, (struct recording_block){.kind = RECORDING_STOP, .nsecs = run->stop_nsecs});
}

/* Actions. Each runs when its transition is taken, before the state changes. */

static void
nothing(struct session *session)
{
    (void)session;
}

static void
touch(struct session *session)
{
    session->is_ready = true;
    session->run->counts.servers++;
    if (session->run->keeper != NULL)
        keeper_ask(session->run->keeper, KEEPER_TOUCH, session->server);
}

static void
expect_end(struct session *session)
{
    diag_debug(session->run->log, 1, "process %d has ended", session->server);
    session->end_nsecs = clock_boot_nsecs();
    session->is_expected = true;
}

/* The signal's time is the end of the run. bpftrace would drop what it is reading when it is told to stop, so it is not: its
 * heartbeats tell when everything up to that time is here. */
static void
stop(struct session *session)
{
    session->end_nsecs = session->run->stop_nsecs;
    session->put_off_limit = clock_ms() + session->run->put_off_ms;
}

static void
kill_tracer(struct session *session)
{
    session->is_expected = true;
    keeper_ask(session->run->keeper, KEEPER_KILL, session->tracer);
}

/* What comes now is younger than the end. */
static void
kill_complete(struct session *session)
{
    session->is_complete = true;
    kill_tracer(session);
}

static void
begin_draining(struct session *session)
{
    session->put_off_limit = clock_ms() + session->run->put_off_ms;
}

static void
tell_patience(struct session *session)
{
    diag_note(session->run->log,
              "the kernel is detaching the probes, which takes a while for many; interrupt again to leave it alone");
}

static void take_item(struct session *session, struct decode_item *item);
static void emit_ready(struct session *session);

static void
tell_fault(const struct session *session, const struct decode_fault *fault)
{
    struct outbuf expected = {0};
    if (fault->event != NULL)
        decode_explain(&expected, session->plan, fault->event);
    else
        text_printf(&expected, "an event from 0 to %zx, or h, m, s or x", session->plan->nevents - 1);
    text_putc(&expected, '\0');
    diag_note(session->run->log, "record %lu (%s) does not decode; expected behind the nonce: %s", fault->number,
              fault->event != NULL ? fault->event->probe->type : "of no event", expected.ptr);
    text_free(&expected);
}

static void
count_damage(struct session *session)
{
    const struct decode_fault *fault;
    for (; session->run->is_program_foreign && (fault = decode_fault(session->decode, session->faults)) != NULL;
         session->faults++)
        tell_fault(session, fault);
    session->run->counts.damaged += decode_damaged(session->decode) - session->damaged;
    session->damaged = decode_damaged(session->decode);
}

/* What is not shown yet, since more may come of it, is shown now. */
static void
end_output(struct session *session)
{
    if (!session->run->is_reader_gone)
        output_end(session->run->output, session->server);
}

void
session_finish(struct session *session)
{
    struct decode_item item;
    record_block(session, RECORDING_END, session->is_complete ? text_of("complete") : (struct slice){0});
    while (decode_last(session->decode, &item))
        take_item(session, &item);
    bool was_cut_off =
        session->is_complete || output_is_full(session->run->output); /* in the midst of what is not wanted any more */
    if (!was_cut_off)
        count_damage(session);
    if (session->reorder != NULL) {
        reorder_flush(session->reorder);
        emit_ready(session);
    }
    end_output(session);
}

/* How long a state may last before it is LATE; with output from bpftrace ENDING, STOPPING and DRAINING begin anew. Detaching
 * takes the kernel up to 0.15 s a probe site, and bpftrace cannot die before. */
static const int patience_ms[SESSION_STATES] = {
    [SESSION_STARTING] = -1,  [SESSION_RUNNING] = -1,    [SESSION_ENDING] = 60000, [SESSION_STOPPING] = 1000,
    [SESSION_KILLING] = 5000, [SESSION_DRAINING] = 1000, [SESSION_DONE] = -1,
};

static const struct transition {
    void (*action)(struct session *session); /* NULL: the event means nothing in this state */
    enum session_state next;
} transitions[SESSION_STATES][SESSION_EVENTS] = {
    [SESSION_STARTING] =
        {
            [SESSION_READY] = {touch, SESSION_RUNNING},
            [SESSION_SIGNALLED] = {kill_tracer, SESSION_KILLING},
            [SESSION_SERVER_ENDED] = {expect_end, SESSION_ENDING},
            [SESSION_TRACER_ENDED] = {begin_draining, SESSION_DRAINING},
            [SESSION_READER_GONE] = {kill_tracer, SESSION_KILLING},
        },
    [SESSION_RUNNING] =
        {
            [SESSION_SIGNALLED] = {stop, SESSION_STOPPING},
            [SESSION_SERVER_ENDED] = {expect_end, SESSION_ENDING},
            [SESSION_TRACER_ENDED] = {begin_draining, SESSION_DRAINING},
            [SESSION_READER_GONE] = {kill_tracer, SESSION_KILLING},
        },
    [SESSION_ENDING] =
        {
            [SESSION_SIGNALLED] = {kill_tracer, SESSION_KILLING},
            [SESSION_COMPLETE] = {kill_complete, SESSION_KILLING},
            [SESSION_TRACER_ENDED] = {begin_draining, SESSION_DRAINING},
            [SESSION_READER_GONE] = {kill_tracer, SESSION_KILLING},
            [SESSION_LATE] = {kill_tracer, SESSION_KILLING},
        },
    [SESSION_STOPPING] =
        {
            [SESSION_SIGNALLED] = {kill_tracer, SESSION_DONE},
            [SESSION_COMPLETE] = {kill_complete, SESSION_KILLING},
            [SESSION_TRACER_ENDED] = {begin_draining, SESSION_DRAINING},
            [SESSION_READER_GONE] = {kill_tracer, SESSION_KILLING},
            [SESSION_LATE] = {kill_tracer, SESSION_KILLING},
        },
    [SESSION_KILLING] =
        {
            [SESSION_SIGNALLED] = {nothing, SESSION_DONE},
            [SESSION_TRACER_ENDED] = {begin_draining, SESSION_DRAINING},
            [SESSION_LATE] = {tell_patience, SESSION_KILLING},
        },
    [SESSION_DRAINING] =
        {
            [SESSION_SIGNALLED] = {nothing, SESSION_DONE},
            [SESSION_OUTPUT_ENDED] = {session_finish, SESSION_DONE},
            [SESSION_READER_GONE] = {nothing, SESSION_DONE},
            [SESSION_LATE] = {session_finish, SESSION_DONE}, /* somebody else holds the pipe */
        },
};

static void explain(struct session *session);

void
session_happen(struct session *session, enum session_event event)
{
    const struct transition *transition = &transitions[session->state][event];
    if (transition->action == NULL)
        return;
    bool is_told = session->state == SESSION_KILLING && transition->next == SESSION_KILLING;
    transition->action(session);
    session->state = transition->next;
    session->deadline = patience_ms[session->state] < 0 || is_told ? -1 : clock_ms() + patience_ms[session->state];
    if (session->state == SESSION_DONE && !session->is_expected)
        explain(session);
}

void
session_begin(struct session *session)
{
    session->state = SESSION_STARTING;
    session->deadline = -1;
    session->end_nsecs = UINT64_MAX;
    session->id = session->run->nservers++;
}

void
session_end(struct session *session)
{
    child_close(&session->server_fd);
    child_close(&session->out);
    child_close(&session->err);
    text_free(&session->errors);
}

/* The program does not read what is to be redacted. Should it have done so, or should the name not be known whole, the value
 * goes no further. */
static void
hold_back(const struct plan *plan, struct record *record)
{
    for (int i = 0; record->event != NULL && i < record->event->probe->nfields; i++) {
        const struct catalog_field *field = &record->event->probe->fields[i];
        if (!record->event->is_shown[i] || !plan_is_redactable(plan, field))
            continue;
        const struct types_value *name = &record->values[field->named_by];
        if (name->text.len < name->number || redact_fits(plan->redact, name->text)) {
            record->values[i].text.len = 0;
            record->values[i].is_redacted = true;
        }
    }
}

/* The program has filtered already, but for header names not exactly. */
static bool
is_shown(const struct session *session, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    return (session->is_wanted == NULL || session->is_wanted[record->event - session->plan->events]) &&
           filter_fits(&session->plan->request->filter, probe, record->values) &&
           filter_fits(session->filter, probe, record->values);
}

static void
emit(struct session *session, struct record *record)
{
    struct session_run *run = session->run;
    if (record->nsecs > run->stop_nsecs || run->is_reader_gone || output_is_full(run->output))
        return;
    if (record->event != NULL && !is_shown(session, record))
        return;
    if (session->plan->redact != NULL)
        hold_back(session->plan, record);
    record->pid = session->server;
    output_record(run->output, record);
}

static void
emit_ready(struct session *session)
{
    struct record record;
    while (reorder_next(session->reorder, &record))
        emit(session, &record);
}

/* `now` is 0 for what had to wait in a map. */
static void
take_record(struct session *session, struct record *record, uint64_t now)
{
    if (session->reorder == NULL) {
        emit(session, record);
        return;
    }
    reorder_add(session->reorder, record, now);
    emit_ready(session);
}

/* All up to `complete` has come. */
static void
pass_on(struct session *session, uint64_t complete)
{
    if (session->reorder != NULL)
        emit_ready(session);
    if (!session->run->is_reader_gone)
        output_tick(session->run->output, session->server, complete);
    if (complete >= session->end_nsecs)
        session_happen(session, SESSION_COMPLETE);
}

/* A bpftrace that has read everything sleeps, and the server has to wake it for its next event: more than half of what printing
 * it costs. One that is paused is not woken. It shows nothing before its next heartbeat anyway, and has gone on by then. */
static void
pace(struct session *session)
{
    enum { FRESH = 10 * 1000 * 1000 }; /* nsecs; one that is not up to date has no sleep to lose */
    bool is_fresh = session->now <= session->newest + FRESH;
    if (session->run->keeper == NULL || session->state != SESSION_RUNNING || !is_fresh || plan_has_batches(session->plan))
        return;
    keeper_ask(session->run->keeper, KEEPER_PAUSE, session->tracer);
    session->newest = 0;
}

static void
take_tick(struct session *session, const struct decode_item *item)
{
    session_happen(session, SESSION_READY);
    pace(session);
    pass_on(session,
            session->reorder != NULL ? reorder_tick(session->reorder, item->number, item->nsecs, session->now) : item->nsecs);
}

/* What stands before a number of lost events. */
static const char *
at_least(const struct session_run *run)
{
    return run->counts.misses_losses ? "at least " : "";
}

/* The loss stands in the stream where it was told of. */
static void
take_loss(struct session *session, uint64_t lost)
{
    struct record record = {.nsecs = session->reorder != NULL ? reorder_newest(session->reorder) : session->now};
    record.values[0].number = lost;
    session->run->counts.lost += lost;
    session->run->counts.misses_losses |= session->plan->tracer->row->misses_losses;
    if (!format_is_json(session->run->output->format))
        diag_note(session->run->log, "%s%lu events were lost here: they came faster than bpftrace reads them",
                  at_least(session->run), lost);
    take_record(session, &record, session->now);
}

static void
take_notice(const struct session *session, struct slice line)
{
    char quoted[1024];
    diag_debug(session->run->log, 3, "bpftrace: %s", diag_quote(quoted, sizeof(quoted), line));
}

/* A line on stdout that is no record. Of a program that somebody has changed it is what was wanted. */
static void
take_own_line(const struct session *session, struct slice line)
{
    char quoted[1024];
    if (session->run->is_program_foreign)
        diag_note(session->run->log, "the program says: %s", diag_quote(quoted, sizeof(quoted), line));
    else
        take_notice(session, line);
}

static void
take_item(struct session *session, struct decode_item *item)
{
    switch (item->kind) {
    case DECODE_RECORD:
        session->newest = item->record.nsecs;
        take_record(session, &item->record, item->is_batched ? 0 : session->now);
        break;
    case DECODE_TICK:
        take_tick(session, item);
        break;
    case DECODE_BATCH:
        pass_on(session, reorder_batch(session->reorder, item->nsecs, session->now));
        break;
    case DECODE_LOST:
        take_loss(session, item->number);
        break;
    case DECODE_NOTICE:
        take_own_line(session, item->text);
        break;
    }
}

void
session_wait_longer(struct session *session)
{
    if (session->state == SESSION_ENDING || session->state == SESSION_STOPPING || session->state == SESSION_DRAINING)
        session->deadline = clock_ms() + patience_ms[session->state];
}

/* Somebody who is not bpftrace may hold its pipe and go on for ever. */
void
session_put_off(struct session *session)
{
    bool is_limited = session->state == SESSION_STOPPING || session->state == SESSION_DRAINING;
    if (!is_limited || clock_ms() < session->put_off_limit)
        session_wait_longer(session);
}

static void
take_filled(struct session *session, size_t len)
{
    struct decode_item item;
    decode_fill(session->decode, len);
    while (decode_next(session->decode, &item))
        take_item(session, &item);
    count_damage(session);
}

void
session_take_output(struct session *session, struct slice bytes, uint64_t nsecs)
{
    session->now = nsecs;
    while (bytes.len > 0) {
        size_t room;
        char *ptr = decode_room(session->decode, &room);
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(ptr, bytes.ptr, len);
        take_filled(session, len);
        bytes.ptr += len;
        bytes.len -= len;
    }
}

void
session_read_output(struct session *session)
{
    size_t room;
    char *ptr = decode_room(session->decode, &room);
    ssize_t got = read(session->out, ptr, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        child_close(&session->out);
        return;
    }
    session->now = clock_boot_nsecs();
    record_block(session, RECORDING_OUT, (struct slice){ptr, (size_t)got});
    take_filled(session, (size_t)got);
    session_put_off(session);
}

/* "Lost N events" stands on stderr from 0.24 on. */
static void
read_error_line(struct session *session, struct slice line)
{
    take_notice(session, line);
    struct slice rest = line, word[2];
    uint64_t lost;
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_is(word[0], "Lost") &&
        text_number(word[1], UINT64_MAX, &lost))
        take_loss(session, lost);
}

/* The last words tell why it failed; 16 KiB of them are kept. */
static void
forget_errors(struct session *session)
{
    enum { KEPT = 16 * 1024 };
    if (session->errors.len <= 2 * KEPT)
        return;
    size_t gone = session->errors.len - KEPT;
    memmove(session->errors.ptr, session->errors.ptr + gone, KEPT);
    session->errors.len = KEPT;
    session->error_line = session->error_line > gone ? session->error_line - gone : 0;
}

void
session_take_errors(struct session *session, struct slice bytes, uint64_t nsecs)
{
    struct outbuf *errors = &session->errors;
    const char *end;
    session->now = nsecs;
    if (bytes.len == 0)
        return;
    text_put(errors, bytes);
    while ((end = memchr(errors->ptr + session->error_line, '\n', errors->len - session->error_line)) != NULL) {
        const char *start = errors->ptr + session->error_line;
        read_error_line(session, (struct slice){start, (size_t)(end - start)});
        session->error_line = (size_t)(end + 1 - errors->ptr);
    }
    forget_errors(session);
}

void
session_read_errors(struct session *session)
{
    char bytes[4096];
    ssize_t got = read(session->err, bytes, sizeof(bytes));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        child_close(&session->err);
        return;
    }
    session->now = clock_boot_nsecs();
    record_block(session, RECORDING_ERR, (struct slice){bytes, (size_t)got});
    session_take_errors(session, (struct slice){bytes, (size_t)got}, session->now);
}

void
session_bury(struct session *session, int wait_status)
{
    session->wait_status = wait_status;
    session_happen(session, SESSION_TRACER_ENDED);
}

void
session_announce(const struct session *session, uint64_t bytes)
{
    diag_debug(session->run->log, 1, "tracing pid %d (%s), probes attached: %zu, pages made readable: %lu KiB", session->server,
               session->command, session->plan->nevents, bytes / 1024);
}

void
session_summarize(const struct session_run *run)
{
    const struct output *output = run->output;
    const struct session_counts *counts = &run->counts;
    uint64_t given_up = view_given_up(output->view);
    if (given_up > 0)
        diag_note(run->log, "%lu texts were too much work for a regular expression and count as not matching", given_up);
    if (output->view->is_grouped)
        diag_note(run->log, "%lu requests, %lu of them unanswered, %lu given up; %s%lu lost, %lu damaged, %lu values cut",
                  output->shown, output->unanswered, output->group.given_up, at_least(run), counts->lost, counts->damaged,
                  output->cut);
    else
        diag_note(run->log, "%lu events; %s%lu lost, %lu damaged, %lu values cut", output->shown, at_least(run), counts->lost,
                  counts->damaged, output->cut);
}

void
session_check_deadline(struct session *session)
{
    if (session->deadline >= 0 && clock_ms() >= session->deadline)
        session_happen(session, SESSION_LATE);
}

/* Whether a lesser program is tried, which it is once, and not when the run is ending. */
static bool
try_lesser(const struct session *session, const struct cause *cause)
{
    struct session_run *run = session->run;
    bool is_refusal = cause != NULL && cause->is_refusal && !session->is_ready;
    bool is_ending = run->stop_nsecs != UINT64_MAX || run->is_reader_gone;
    if (!is_refusal || is_ending || session->is_lesser || run->keeper == NULL || run->is_program_foreign)
        return false;
    diag_note(run->log,
              "the program for pid %d is refused as too large; trying a smaller one, which shows %d bytes of a text at most",
              session->server, BPFTRACE_LESSER_LIMIT);
    run->nlesser++;
    keeper_ask(run->keeper, KEEPER_START_LESSER, session->server);
    return true;
}

/* Sets the run's `diag`, as bpftrace ended of its own accord. The first error is the one that is reported in the end. */
static void
explain(struct session *session)
{
    struct diag *diag = session->run->diag;
    struct slice line = {0};
    const struct cause *cause = cause_find((struct slice){session->errors.ptr, session->errors.len}, &line);
    const char *when = session->is_ready ? "before it was told to" : "before it could trace";
    char quoted[512];
    if (try_lesser(session, cause) || diag->status != DIAG_OK)
        return;
    diag_quote(quoted, sizeof(quoted), line);
    if (WIFSIGNALED(session->wait_status)) {
        diag_set(diag, DIAG_FAILED, "bpftrace was killed by signal %d (%s); nothing is traced any more",
                 WTERMSIG(session->wait_status), strsignal(WTERMSIG(session->wait_status)));
        diag->status = DIAG_SIGNALLED + WTERMSIG(session->wait_status);
    } else if (cause != NULL)
        diag_set(diag, cause->status, "bpftrace ended %s: %s; %s", when, quoted, cause->advice);
    else
        diag_set(diag, DIAG_FAILED, "bpftrace ended %s, with status %d and without a word; h2olog -ddd shows more", when,
                 WEXITSTATUS(session->wait_status));
}
