#include "run/intake.h"

#include "base/clock.h"
#include "run/servers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
intake_record(struct session *session, enum recording_kind kind, struct slice bytes)
{
    session_run_record(session->run, &(struct recording_block){
                                         .kind = kind, .server = session->id, .nsecs = session->intake.now, .bytes = bytes});
}

/* ---- From records to the output. */

/* The program does not read a value that is to be redacted. This removes it once more, in case the program has read it all the
 * same. A name that was cut might be one of those: its value is removed, too. */
static void
remove_redacted(const struct plan *plan, struct record *record)
{
    for (int i = 0; record->event != NULL && i < record->event->probe->nfields; i++) {
        const struct catalog_field *field = &record->event->probe->fields[i];
        if (!record->event->is_shown[i] || !plan_is_redactable(plan, record->event, i))
            continue;
        const struct types_value *name = field->named_by >= 0 ? &record->values[field->named_by] : NULL;
        if (name == NULL || name->text.len < name->number || redact_fits(plan->redact, name->text)) {
            record->values[i].text.len = 0;
            record->values[i].is_redacted = true;
        }
    }
}

/* The program has filtered already, but header names only by their beginning. */
static bool
is_shown(const struct session *session, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    return (session->is_wanted == NULL || session->is_wanted[record->event - session->plan.events]) &&
           filter_fits(&session->plan.request->filter, probe, record->values) &&
           filter_fits(session->filter, probe, record->values);
}

/* Between the run's beginning and its end. A loss is of it as soon as the session has begun. */
static bool
is_of_run(const struct session *session, const struct record *record)
{
    return servers_have_begun(session, record->event != NULL ? record->nsecs : UINT64_MAX) &&
           record->nsecs <= session->run->stop_nsecs;
}

static void
emit(struct session *session, struct record *record)
{
    struct session_run *run = session->run;
    if (!is_of_run(session, record) || run->is_reader_gone || output_is_full(run->output))
        return;
    if (record->event != NULL && !is_shown(session, record))
        return;
    if (session->plan.redact != NULL)
        remove_redacted(&session->plan, record);
    if (record->event == NULL) {
        servers_lose(session, record);
        return;
    }
    if (record->pid == 0)
        record->pid = session->server;
    output_record(run->output, record);
}

static void
emit_ready(struct session *session)
{
    struct record record;
    while (reorder_next(session->intake.reorder, &record))
        emit(session, &record);
}

/* `now` is 0 for a record that had to wait in a map. */
static void
intake_take_record(struct session *session, struct record *record, uint64_t now)
{
    if (session->intake.reorder == NULL) {
        emit(session, record);
        return;
    }
    reorder_add(session->intake.reorder, record, now);
    emit_ready(session);
}

/* ---- What else bpftrace prints. */

/* Everything up to `complete` has come. */
static unsigned
pass_on(struct session *session, uint64_t complete)
{
    if (session->intake.reorder != NULL)
        emit_ready(session);
    servers_tick(session, complete);
    return complete >= session->life.end_nsecs ? INTAKE_COMPLETE : 0;
}

/* A bpftrace that has read everything goes to sleep, and the server has to wake it for its next event. That is more than half
 * of what printing an event costs the server. A bpftrace that is paused is not woken. Nothing is shown later for it: records
 * are shown with the next heartbeat, and the pause ends before. */
static void
pause_tracer(struct session *session)
{
    enum { FRESH_NS = 10 * 1000 * 1000 };
    struct session_intake *intake = &session->intake;
    bool is_up_to_date = intake->now <= intake->newest + FRESH_NS; /* one that is not has no sleep to lose */
    bool is_tracing = session->life.state == SESSION_STARTING || session->life.state == SESSION_RUNNING;
    if (session->run->keeper == NULL || !is_tracing || !is_up_to_date || plan_has_batches(&session->plan))
        return;
    keeper_order(session->run->keeper, KEEPER_PAUSE, session->tracer);
    intake->newest = 0;
    intake->paused = clock_ms();
}

static unsigned
intake_take_tick(struct session *session, const struct decode_item *item)
{
    struct session_intake *intake = &session->intake;
    struct session_life *life = &session->life;
    intake->paused = 0;
    pause_tracer(session);
    uint64_t complete =
        intake->reorder != NULL ? reorder_tick(intake->reorder, item->number, item->nsecs, intake->now) : item->nsecs;
    if (life->begin_nsecs == 0 && item->nsecs >= life->first_nsecs) {
        life->begin_nsecs = item->nsecs;
        servers_tell_gaps(session);
    }
    return (life->begin_nsecs != 0 ? INTAKE_READY : 0) | pass_on(session, complete);
}

void
intake_lose(struct session *session, uint64_t lost)
{
    const struct session_intake *intake = &session->intake;
    struct session_run *run = session->run;
    if (session->life.begin_nsecs == 0 || intake->now < run->begin_nsecs)
        return;
    uint64_t from = intake->reorder != NULL ? reorder_released(intake->reorder) : 0;
    struct record record = {.nsecs = from != 0 ? from : intake->now};
    record.values[RECORD_LOST].number = lost;
    record.values[RECORD_LOST_UNTIL].number = intake->now;
    run->counts.lost += lost;
    run->counts.misses_losses |= session->plan.bpftrace->row.misses_losses;
    if (!format_is_json(run->output->format))
        diag_note(run->log,
                  "%s%lu events were lost here: they came faster than bpftrace reads them; --buffer gives them more room",
                  session_run_at_least(run), lost);
    intake_take_record(session, &record, intake->now);
}

void
intake_debug_line(const struct session *session, struct slice line)
{
    char quoted[1024];
    diag_debug(session->run->log, 3, "bpftrace: %s", diag_quote(quoted, sizeof(quoted), line));
}

/* A line on stdout that is no record. Who has changed the program may have put it there in order to read it. */
static void
intake_take_own_line(const struct session *session, struct slice line)
{
    char quoted[1024];
    if (session->run->is_program_foreign)
        diag_note(session->run->log, "the program says: %s", diag_quote(quoted, sizeof(quoted), line));
    else
        intake_debug_line(session, line);
}

/* ---- From bytes to items. */

static void
intake_take_decoded(struct session *session, struct decode_item *item)
{
    session->intake.newest = item->record.nsecs;
    session->intake.is_believed |= item->record.event->whole != NULL;
    intake_take_record(session, &item->record, item->is_batched ? 0 : session->intake.now);
}

/* Requests within the server, as of its mruby handlers, are doubted too, so a few mean nothing where others were good. */
static unsigned
intake_doubt(struct session *session)
{
    enum { MOST_DOUBTS = 8 };
    struct session_intake *intake = &session->intake;
    return ++intake->doubts == MOST_DOUBTS && !intake->is_believed ? INTAKE_DOUBTFUL : 0;
}

/* What is no record. Returns bits of intake_news. */
static unsigned
intake_take_other(struct session *session, const struct decode_item *item)
{
    struct session_intake *intake = &session->intake;
    if (item->kind == DECODE_TICK)
        return intake_take_tick(session, item);
    if (item->kind == DECODE_BATCH)
        return pass_on(session, reorder_batch(intake->reorder, item->nsecs, intake->now));
    if (item->kind == DECODE_DOUBT)
        return intake_doubt(session);
    if (item->kind == DECODE_LOST)
        intake_lose(session, item->number);
    if (item->kind == DECODE_NOTICE)
        intake_take_own_line(session, item->text);
    return 0;
}

static unsigned
intake_take_item(struct session *session, struct decode_item *item)
{
    if (item->kind != DECODE_RECORD)
        return intake_take_other(session, item);
    intake_take_decoded(session, item);
    return 0;
}

static void
tell_fault(const struct session *session, const struct decode_fault *fault)
{
    struct outbuf expected = {0};
    if (fault->event != NULL)
        decode_explain(&expected, &session->plan, fault->event);
    else
        text_printf(&expected, "an event from 0 to %zx, or h, m, s or x", session->plan.nevents - 1);
    text_putc(&expected, '\0');
    diag_note(session->run->log, "record %lu (%s) does not decode; expected behind the nonce: %s", fault->number,
              fault->event != NULL ? fault->event->probe->type : "of no event", expected.ptr);
    text_free(&expected);
}

static void
count_damage(struct session *session)
{
    struct session_intake *intake = &session->intake;
    const struct decode_fault *fault;
    for (; session->run->is_program_foreign && (fault = decode_fault(intake->decode, intake->faults)) != NULL; intake->faults++)
        tell_fault(session, fault);
    session->run->counts.damaged += decode_damaged(intake->decode) - intake->damaged;
    intake->damaged = decode_damaged(intake->decode);
}

/* ---- Processes of the server's file that nobody has seen yet. */

static bool
is_of_stranger(const struct session *session, const struct decode_item *item)
{
    return item->kind == DECODE_RECORD && item->record.pid != 0 && !servers_has(session, item->record.pid);
}

void
intake_ask(struct session *session)
{
    struct session_intake *intake = &session->intake;
    intake->asked = intake->item.record.pid;
    intake->asked_ms = clock_ms();
    if (session->run->keeper != NULL)
        keeper_order(session->run->keeper, KEEPER_JUDGE, intake->asked);
}

/* A record of a process that is not to be shown. Of one that had ended before it was known whose it was, it is lost. */
static void
pass_over(const struct session *session, const struct record *record, bool is_gone)
{
    if (is_gone && is_of_run(session, record) && is_shown(session, record))
        session->run->counts.lost++;
}

/* A record of a process that is none of the servers, as far as is known. */
static void
take_of_stranger(struct session *session, const struct record *record)
{
    const struct session_other *other = servers_refused(session, record->pid, record->nsecs);
    if (other == NULL)
        intake_ask(session);
    else
        pass_over(session, record, other->is_gone);
}

/* Goes on until the keeper has to be asked. */
static unsigned
intake_decode(struct session *session)
{
    struct session_intake *intake = &session->intake;
    unsigned news = 0;
    while (intake->asked == 0 && decode_next(intake->decode, &intake->item))
        if (!is_of_stranger(session, &intake->item))
            news |= intake_take_item(session, &intake->item);
        else
            take_of_stranger(session, &intake->item.record);
    count_damage(session);
    return news;
}

static unsigned
go_on(struct session *session)
{
    struct session_intake *intake = &session->intake;
    intake->asked = 0;
    unsigned news = intake_decode(session);
    struct outbuf later = intake->later;
    intake->later = (struct outbuf){0};
    if (later.len > 0)
        news |= intake_take(session, (struct slice){later.ptr, later.len}, intake->now);
    text_free(&later);
    return news;
}

unsigned
intake_judge(struct session *session, pid_t pid)
{
    if (session->intake.asked != pid)
        return 0;
    unsigned news = intake_take_item(session, &session->intake.item);
    return news | go_on(session);
}

unsigned
intake_refuse(struct session *session, bool is_gone)
{
    const struct session_intake *intake = &session->intake;
    servers_refuse(session, intake->asked, intake->item.record.nsecs, is_gone);
    if (is_gone)
        diag_note(session->run->log,
                  "process %d of the server's file ended before anybody could look at it; its events are lost", intake->asked);
    pass_over(session, &intake->item.record, is_gone);
    return go_on(session);
}

/* Decodes `len` bytes that stand where decode_room said. */
static unsigned
intake_take_filled(struct session *session, size_t len)
{
    if (session->life.first_nsecs == 0)
        session->life.first_nsecs = session->intake.now;
    decode_fill(session->intake.decode, len);
    return intake_decode(session);
}

unsigned
intake_take(struct session *session, struct slice bytes, uint64_t nsecs)
{
    unsigned news = 0;
    session->intake.now = nsecs;
    while (bytes.len > 0) {
        if (session->intake.asked != 0) {
            text_put(&session->intake.later, bytes);
            return news;
        }
        size_t room;
        char *ptr = decode_room(session->intake.decode, &room);
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(ptr, bytes.ptr, len);
        news |= intake_take_filled(session, len);
        bytes.ptr += len;
        bytes.len -= len;
    }
    return news;
}

unsigned
intake_read(struct session *session, bool *has_come)
{
    size_t room;
    char *ptr = decode_room(session->intake.decode, &room);
    ssize_t got = read(session->files.out, ptr, room);
    *has_come = got > 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        child_close(&session->files.out);
        return 0;
    }
    session->intake.now = clock_boot_nsecs();
    session_run_watch_clock(session->run, session->intake.now);
    intake_record(session, RECORDING_OUT, (struct slice){ptr, (size_t)got});
    return intake_take_filled(session, (size_t)got);
}

/* ---- The end. */

void
intake_finish(struct session *session)
{
    struct session_intake *intake = &session->intake;
    struct decode_item item;
    bool is_complete = session->life.is_complete;
    while (intake->asked != 0) /* nobody answers any more */
        intake_refuse(session, false);
    intake_record(session, RECORDING_END, is_complete ? text_of("complete") : (struct slice){0});
    while (decode_last(intake->decode, &item))
        intake_take_item(session, &item);
    bool is_rest_unwanted = is_complete || output_is_full(session->run->output); /* where it is cut off, that is no damage */
    if (!is_rest_unwanted)
        count_damage(session);
    if (intake->reorder != NULL) {
        reorder_flush(intake->reorder);
        emit_ready(session);
    }
    servers_finish(session);
}
