#include "run/session.h"

#include "host/cause.h"
#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The reader is told of a recording that cannot be written by the end of the run. */
static void
put_block(struct tracee_run *run, struct recording_block block)
{
    if (run->recording != NULL && !run->recording->has_failed)
        recording_put(run->recording, &block, run->diag);
}

static void
record_block(struct tracee *tracee, enum recording_kind kind, struct slice bytes)
{
    put_block(tracee->run, (struct recording_block){.kind = kind, .server = tracee->id, .nsecs = tracee->now, .bytes = bytes});
}

void
tracee_record_start(struct tracee *tracee, struct slice note)
{
    struct outbuf out = {0};
    text_printf(&out, "%d\n", tracee->server);
    text_put(&out, note);
    tracee->now = clock_boot_nsecs();
    record_block(tracee, RECORDING_START, (struct slice){out.ptr, out.len});
    text_free(&out);
}

void
tracee_record_stop(struct tracee_run *run)
{
    put_block(run, (struct recording_block){.kind = RECORDING_STOP, .nsecs = run->stop_nsecs});
}

/* Actions. Each runs when its transition is taken, before the state changes. */

static void
nothing(struct tracee *tracee)
{
    (void)tracee;
}

static void
touch(struct tracee *tracee)
{
    tracee->is_ready = true;
    tracee->run->counts.servers++;
    if (tracee->run->keeper != NULL)
        keeper_ask(tracee->run->keeper, KEEPER_TOUCH, tracee->server);
}

static void
expect_end(struct tracee *tracee)
{
    diag_debug(tracee->run->log, 1, "process %d has ended", tracee->server);
    tracee->end_nsecs = clock_boot_nsecs();
    tracee->is_expected = true;
}

/* The signal's time is the end of the run. bpftrace would drop what it is reading when it is told to stop, so it is not: its
 * heartbeats tell when everything up to that time is here. */
static void
stop(struct tracee *tracee)
{
    tracee->end_nsecs = tracee->run->stop_nsecs;
    tracee->put_off_limit = clock_ms() + tracee->run->put_off_ms;
}

static void
kill_tracer(struct tracee *tracee)
{
    tracee->is_expected = true;
    keeper_ask(tracee->run->keeper, KEEPER_KILL, tracee->tracer);
}

/* What comes now is younger than the end. */
static void
kill_complete(struct tracee *tracee)
{
    tracee->is_complete = true;
    kill_tracer(tracee);
}

static void
begin_draining(struct tracee *tracee)
{
    tracee->put_off_limit = clock_ms() + tracee->run->put_off_ms;
}

static void
tell_patience(struct tracee *tracee)
{
    diag_note(tracee->run->log,
              "the kernel is detaching the probes, which takes a while for many; interrupt again to leave it alone");
}

static void take_item(struct tracee *tracee, struct decode_item *item);
static void emit_ready(struct tracee *tracee);

static void
tell_fault(const struct tracee *tracee, const struct decode_fault *fault)
{
    struct outbuf expected = {0};
    if (fault->event != NULL)
        decode_explain(&expected, tracee->plan, fault->event);
    else
        text_printf(&expected, "an event from 0 to %zx, or h, m, s or x", tracee->plan->nevents - 1);
    text_putc(&expected, '\0');
    diag_note(tracee->run->log, "record %lu (%s) does not decode; expected behind the nonce: %s", fault->number,
              fault->event != NULL ? fault->event->probe->type : "of no event", expected.ptr);
    text_free(&expected);
}

static void
count_damage(struct tracee *tracee)
{
    for (; tracee->run->is_program_foreign && tracee->faults < tracee->decode->nfaults; tracee->faults++)
        tell_fault(tracee, &tracee->decode->faults[tracee->faults]);
    tracee->run->counts.damaged += tracee->decode->damaged - tracee->damaged;
    tracee->damaged = tracee->decode->damaged;
}

/* What is not shown yet, since more may come of it, is shown now. */
static void
end_output(struct tracee *tracee)
{
    if (!tracee->run->is_reader_gone)
        output_end(tracee->run->output, tracee->server);
}

void
tracee_finish(struct tracee *tracee)
{
    struct decode_item item;
    record_block(tracee, RECORDING_END, tracee->is_complete ? text_of("complete") : (struct slice){0});
    while (decode_last(tracee->decode, &item))
        take_item(tracee, &item);
    bool was_cut_off =
        tracee->is_complete || output_is_full(tracee->run->output); /* in the midst of what is not wanted any more */
    if (!was_cut_off)
        count_damage(tracee);
    if (tracee->order != NULL) {
        order_flush(tracee->order);
        emit_ready(tracee);
    }
    end_output(tracee);
}

/* How long a state may last before it is LATE; with output from bpftrace ENDING, STOPPING and DRAINING begin anew. Detaching
 * takes the kernel up to 0.15 s a probe site, and bpftrace cannot die before. */
static const int patience_ms[TRACEE_STATES] = {
    [TRACEE_STARTING] = -1,  [TRACEE_RUNNING] = -1,    [TRACEE_ENDING] = 60000, [TRACEE_STOPPING] = 1000,
    [TRACEE_KILLING] = 5000, [TRACEE_DRAINING] = 1000, [TRACEE_DONE] = -1,
};

static const struct transition {
    void (*action)(struct tracee *tracee); /* NULL: the event means nothing in this state */
    enum tracee_state next;
} transitions[TRACEE_STATES][TRACEE_EVENTS] = {
    [TRACEE_STARTING] =
        {
            [TRACEE_READY] = {touch, TRACEE_RUNNING},
            [TRACEE_SIGNALLED] = {kill_tracer, TRACEE_KILLING},
            [TRACEE_SERVER_ENDED] = {expect_end, TRACEE_ENDING},
            [TRACEE_TRACER_ENDED] = {begin_draining, TRACEE_DRAINING},
            [TRACEE_READER_GONE] = {kill_tracer, TRACEE_KILLING},
        },
    [TRACEE_RUNNING] =
        {
            [TRACEE_SIGNALLED] = {stop, TRACEE_STOPPING},
            [TRACEE_SERVER_ENDED] = {expect_end, TRACEE_ENDING},
            [TRACEE_TRACER_ENDED] = {begin_draining, TRACEE_DRAINING},
            [TRACEE_READER_GONE] = {kill_tracer, TRACEE_KILLING},
        },
    [TRACEE_ENDING] =
        {
            [TRACEE_SIGNALLED] = {kill_tracer, TRACEE_KILLING},
            [TRACEE_COMPLETE] = {kill_complete, TRACEE_KILLING},
            [TRACEE_TRACER_ENDED] = {begin_draining, TRACEE_DRAINING},
            [TRACEE_READER_GONE] = {kill_tracer, TRACEE_KILLING},
            [TRACEE_LATE] = {kill_tracer, TRACEE_KILLING},
        },
    [TRACEE_STOPPING] =
        {
            [TRACEE_SIGNALLED] = {kill_tracer, TRACEE_DONE},
            [TRACEE_COMPLETE] = {kill_complete, TRACEE_KILLING},
            [TRACEE_TRACER_ENDED] = {begin_draining, TRACEE_DRAINING},
            [TRACEE_READER_GONE] = {kill_tracer, TRACEE_KILLING},
            [TRACEE_LATE] = {kill_tracer, TRACEE_KILLING},
        },
    [TRACEE_KILLING] =
        {
            [TRACEE_SIGNALLED] = {nothing, TRACEE_DONE},
            [TRACEE_TRACER_ENDED] = {begin_draining, TRACEE_DRAINING},
            [TRACEE_LATE] = {tell_patience, TRACEE_KILLING},
        },
    [TRACEE_DRAINING] =
        {
            [TRACEE_SIGNALLED] = {nothing, TRACEE_DONE},
            [TRACEE_OUTPUT_ENDED] = {tracee_finish, TRACEE_DONE},
            [TRACEE_READER_GONE] = {nothing, TRACEE_DONE},
            [TRACEE_LATE] = {tracee_finish, TRACEE_DONE}, /* somebody else holds the pipe */
        },
};

static void explain(struct tracee *tracee);

void
tracee_happen(struct tracee *tracee, enum tracee_event event)
{
    const struct transition *transition = &transitions[tracee->state][event];
    if (transition->action == NULL)
        return;
    bool is_told = tracee->state == TRACEE_KILLING && transition->next == TRACEE_KILLING;
    transition->action(tracee);
    tracee->state = transition->next;
    tracee->deadline = patience_ms[tracee->state] < 0 || is_told ? -1 : clock_ms() + patience_ms[tracee->state];
    if (tracee->state == TRACEE_DONE && !tracee->is_expected)
        explain(tracee);
}

void
tracee_begin(struct tracee *tracee)
{
    tracee->state = TRACEE_STARTING;
    tracee->deadline = -1;
    tracee->end_nsecs = UINT64_MAX;
    tracee->id = tracee->run->nservers++;
}

void
tracee_end(struct tracee *tracee)
{
    child_close(&tracee->server_fd);
    child_close(&tracee->out);
    child_close(&tracee->err);
    text_free(&tracee->errors);
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
is_shown(const struct tracee *tracee, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    return (tracee->is_wanted == NULL || tracee->is_wanted[record->event - tracee->plan->events]) &&
           filter_fits(&tracee->plan->request->filter, probe, record->values) &&
           filter_fits(tracee->filter, probe, record->values);
}

static void
emit(struct tracee *tracee, struct record *record)
{
    struct tracee_run *run = tracee->run;
    if (record->nsecs > run->stop_nsecs || run->is_reader_gone || output_is_full(run->output))
        return;
    if (record->event != NULL && !is_shown(tracee, record))
        return;
    if (tracee->plan->redact != NULL)
        hold_back(tracee->plan, record);
    record->pid = tracee->server;
    output_record(run->output, record);
}

static void
emit_ready(struct tracee *tracee)
{
    struct record record;
    while (order_next(tracee->order, &record))
        emit(tracee, &record);
}

/* `now` is 0 for what had to wait in a map. */
static void
take_record(struct tracee *tracee, struct record *record, uint64_t now)
{
    if (tracee->order == NULL) {
        emit(tracee, record);
        return;
    }
    order_add(tracee->order, record, now);
    emit_ready(tracee);
}

/* All up to `complete` has come. */
static void
pass_on(struct tracee *tracee, uint64_t complete)
{
    if (tracee->order != NULL)
        emit_ready(tracee);
    if (!tracee->run->is_reader_gone)
        output_tick(tracee->run->output, tracee->server, complete);
    if (complete >= tracee->end_nsecs)
        tracee_happen(tracee, TRACEE_COMPLETE);
}

/* A bpftrace that has read everything sleeps, and the server has to wake it for its next event: more than half of what printing
 * it costs. One that is paused is not woken. It shows nothing before its next heartbeat anyway, and has gone on by then. */
static void
pace(struct tracee *tracee)
{
    enum { FRESH = 10 * 1000 * 1000 }; /* nsecs; one that is not up to date has no sleep to lose */
    bool is_fresh = tracee->now <= tracee->newest + FRESH;
    if (tracee->run->keeper == NULL || tracee->state != TRACEE_RUNNING || !is_fresh || plan_has_batches(tracee->plan))
        return;
    keeper_ask(tracee->run->keeper, KEEPER_PAUSE, tracee->tracer);
    tracee->newest = 0;
}

static void
take_tick(struct tracee *tracee, const struct decode_item *item)
{
    tracee_happen(tracee, TRACEE_READY);
    pace(tracee);
    pass_on(tracee, tracee->order != NULL ? order_tick(tracee->order, item->number, item->nsecs, tracee->now) : item->nsecs);
}

/* What stands before a number of lost events. */
static const char *
at_least(const struct tracee_run *run)
{
    return run->counts.misses_losses ? "at least " : "";
}

/* The loss stands in the stream where it was told of. */
static void
take_loss(struct tracee *tracee, uint64_t lost)
{
    struct record record = {.nsecs = tracee->order != NULL ? tracee->order->newest : tracee->now};
    record.values[0].number = lost;
    tracee->run->counts.lost += lost;
    tracee->run->counts.misses_losses |= tracee->plan->tracer->row->misses_losses;
    if (!format_is_json(tracee->run->output->format))
        diag_note(tracee->run->log, "%s%lu events were lost here: they came faster than bpftrace reads them",
                  at_least(tracee->run), lost);
    take_record(tracee, &record, tracee->now);
}

static void
take_notice(const struct tracee *tracee, struct slice line)
{
    char quoted[1024];
    diag_debug(tracee->run->log, 3, "bpftrace: %s", diag_quote(quoted, sizeof(quoted), line));
}

/* A line on stdout that is no record. Of a program that somebody has changed it is what was wanted. */
static void
take_own_line(const struct tracee *tracee, struct slice line)
{
    char quoted[1024];
    if (tracee->run->is_program_foreign)
        diag_note(tracee->run->log, "the program says: %s", diag_quote(quoted, sizeof(quoted), line));
    else
        take_notice(tracee, line);
}

static void
take_item(struct tracee *tracee, struct decode_item *item)
{
    switch (item->kind) {
    case DECODE_RECORD:
        tracee->newest = item->record.nsecs;
        take_record(tracee, &item->record, item->is_batched ? 0 : tracee->now);
        break;
    case DECODE_TICK:
        take_tick(tracee, item);
        break;
    case DECODE_BATCH:
        pass_on(tracee, order_batch(tracee->order, item->nsecs, tracee->now));
        break;
    case DECODE_LOST:
        take_loss(tracee, item->number);
        break;
    case DECODE_NOTICE:
        take_own_line(tracee, item->text);
        break;
    }
}

void
tracee_wait_longer(struct tracee *tracee)
{
    if (tracee->state == TRACEE_ENDING || tracee->state == TRACEE_STOPPING || tracee->state == TRACEE_DRAINING)
        tracee->deadline = clock_ms() + patience_ms[tracee->state];
}

/* Somebody who is not bpftrace may hold its pipe and go on for ever. */
void
tracee_put_off(struct tracee *tracee)
{
    bool is_limited = tracee->state == TRACEE_STOPPING || tracee->state == TRACEE_DRAINING;
    if (!is_limited || clock_ms() < tracee->put_off_limit)
        tracee_wait_longer(tracee);
}

static void
take_filled(struct tracee *tracee, size_t len)
{
    struct decode_item item;
    decode_fill(tracee->decode, len);
    while (decode_next(tracee->decode, &item))
        take_item(tracee, &item);
    count_damage(tracee);
}

void
tracee_take_output(struct tracee *tracee, struct slice bytes, uint64_t nsecs)
{
    tracee->now = nsecs;
    while (bytes.len > 0) {
        size_t room;
        char *ptr = decode_room(tracee->decode, &room);
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(ptr, bytes.ptr, len);
        take_filled(tracee, len);
        bytes.ptr += len;
        bytes.len -= len;
    }
}

void
tracee_read_output(struct tracee *tracee)
{
    size_t room;
    char *ptr = decode_room(tracee->decode, &room);
    ssize_t got = read(tracee->out, ptr, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        child_close(&tracee->out);
        return;
    }
    tracee->now = clock_boot_nsecs();
    record_block(tracee, RECORDING_OUT, (struct slice){ptr, (size_t)got});
    take_filled(tracee, (size_t)got);
    tracee_put_off(tracee);
}

/* "Lost N events" stands on stderr from 0.24 on. */
static void
read_error_line(struct tracee *tracee, struct slice line)
{
    take_notice(tracee, line);
    struct slice rest = line, word[2];
    uint64_t lost;
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_is(word[0], "Lost") &&
        text_number(word[1], UINT64_MAX, &lost))
        take_loss(tracee, lost);
}

/* The last words tell why it failed; 16 KiB of them are kept. */
static void
forget_errors(struct tracee *tracee)
{
    enum { KEPT = 16 * 1024 };
    if (tracee->errors.len <= 2 * KEPT)
        return;
    size_t gone = tracee->errors.len - KEPT;
    memmove(tracee->errors.ptr, tracee->errors.ptr + gone, KEPT);
    tracee->errors.len = KEPT;
    tracee->error_line = tracee->error_line > gone ? tracee->error_line - gone : 0;
}

void
tracee_take_errors(struct tracee *tracee, struct slice bytes, uint64_t nsecs)
{
    struct outbuf *errors = &tracee->errors;
    const char *end;
    tracee->now = nsecs;
    if (bytes.len == 0)
        return;
    text_put(errors, bytes);
    while ((end = memchr(errors->ptr + tracee->error_line, '\n', errors->len - tracee->error_line)) != NULL) {
        const char *start = errors->ptr + tracee->error_line;
        read_error_line(tracee, (struct slice){start, (size_t)(end - start)});
        tracee->error_line = (size_t)(end + 1 - errors->ptr);
    }
    forget_errors(tracee);
}

void
tracee_read_errors(struct tracee *tracee)
{
    char bytes[4096];
    ssize_t got = read(tracee->err, bytes, sizeof(bytes));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        child_close(&tracee->err);
        return;
    }
    tracee->now = clock_boot_nsecs();
    record_block(tracee, RECORDING_ERR, (struct slice){bytes, (size_t)got});
    tracee_take_errors(tracee, (struct slice){bytes, (size_t)got}, tracee->now);
}

void
tracee_bury(struct tracee *tracee, int wait_status)
{
    tracee->wait_status = wait_status;
    tracee_happen(tracee, TRACEE_TRACER_ENDED);
}

void
tracee_announce(const struct tracee *tracee, uint64_t bytes)
{
    diag_debug(tracee->run->log, 1, "tracing pid %d (%s), probes attached: %zu, pages made readable: %lu KiB", tracee->server,
               tracee->command, tracee->plan->nevents, bytes / 1024);
}

void
tracee_summarize(const struct tracee_run *run)
{
    const struct output *output = run->output;
    const struct tracee_counts *counts = &run->counts;
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
tracee_check_deadline(struct tracee *tracee)
{
    if (tracee->deadline >= 0 && clock_ms() >= tracee->deadline)
        tracee_happen(tracee, TRACEE_LATE);
}

/* Sets the run's `diag`, as bpftrace ended of its own accord. The first error is the one that is reported in the end. */
static void
explain(struct tracee *tracee)
{
    struct diag *diag = tracee->run->diag;
    struct slice line = {0};
    const struct cause *cause = cause_find((struct slice){tracee->errors.ptr, tracee->errors.len}, &line);
    const char *when = tracee->is_ready ? "before it was told to" : "before it could trace";
    char quoted[512];
    if (diag->status != DIAG_OK)
        return;
    diag_quote(quoted, sizeof(quoted), line);
    if (WIFSIGNALED(tracee->wait_status)) {
        diag_set(diag, DIAG_FAILED, "bpftrace was killed by signal %d (%s); nothing is traced any more",
                 WTERMSIG(tracee->wait_status), strsignal(WTERMSIG(tracee->wait_status)));
        diag->status = DIAG_SIGNALLED + WTERMSIG(tracee->wait_status);
    } else if (cause != NULL)
        diag_set(diag, cause->status, "bpftrace ended %s: %s; %s", when, quoted, cause->advice);
    else
        diag_set(diag, DIAG_FAILED, "bpftrace ended %s, with status %d and without a word; h2olog -ddd shows more", when,
                 WEXITSTATUS(tracee->wait_status));
}
