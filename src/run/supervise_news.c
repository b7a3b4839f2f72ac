#include "base/clock.h"
#include "base/writable.h"
#include "run/supervise.h"
#include "run/supervise_struct.h"

#include <unistd.h>

static void
fail(struct run *run, const struct diag *diag)
{
    if (run->shared.diag->status == DIAG_OK)
        *run->shared.diag = *diag;
}

/* A server of the command line that cannot be traced ends the run. One that was found later (--follow) does not, nor one that
 * has ended while the first is waited for. Where only the smaller program does not start, the others are traced on, and the
 * error is reported in the end. */
static void
refuse(struct run *run, const struct keeper_news *news, const struct diag *diag)
{
    if (news->is_lesser) {
        run->shared.nlesser--;
        fail(run, diag);
        return;
    }
    bool is_passing = run->shared.nstarting == 0 && !(run->is_waiting && diag->status != DIAG_NOTHING);
    if (is_passing) {
        diag_note(run->part->log, "pid %d is not traced: %s", news->server, diag->message);
        return;
    }
    run->shared.nstarting = 0;
    run->is_waiting = false;
    fail(run, diag);
    supervise_stop(run);
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
    run->is_waiting = false;
    run->sessions[run->nsessions++] = session;
    session_record_start(session, news->text);
    session_introduce(session);
    if (supervise_is_stopping(run))
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

/* A server that another one's tracer sees, too. That tracer may have ended meanwhile. */
static void
join_session(struct run *run, struct session *session, const struct keeper_news *news)
{
    int pidfd = news->files.out;
    struct diag diag;
    if (run->shared.nstarting > 0)
        run->shared.nstarting--;
    if (session == NULL)
        child_close(&pidfd);
    else if (session_join(session, news->server, pidfd, news->text, &diag) != 0)
        diag_note(run->part->log, "pid %d is not traced: %s", news->server, diag.message);
}

static void
take_file(struct run *run, const struct keeper_news *news)
{
    run->is_reopening = false;
    if (news->files.out < 0)
        diag_note(run->part->log, "%s; writing goes on to the file of before", news->diag.message);
    else
        writable_make_own(run->next_fd = news->files.out);
}

/* The root process is gone, and its tracers with it. */
static void
take_keepers_end(struct run *run)
{
    struct diag diag;
    diag_set(&diag, DIAG_FAILED, "h2olog's root process has ended; nothing is traced any more");
    fail(run, &diag);
    run->phase = OVER;
}

static void
take_news(struct run *run, const struct keeper_news *news)
{
    struct session *session = find_session(run, news->server, news->tracer);
    switch (news->kind) {
    case KEEPER_STARTED:
        add_session(run, news);
        break;
    case KEEPER_FAILED:
        refuse(run, news, &news->diag);
        break;
    case KEEPER_JOINED:
        join_session(run, session, news);
        break;
    case KEEPER_REFUSED:
        for (size_t i = 0; i < run->nsessions; i++)
            session_refuse(run->sessions[i], news->server, news->number != 0);
        break;
    case KEEPER_ENDED:
        if (session != NULL)
            session_tracer_ended(session, (int)news->number);
        break;
    case KEEPER_TOUCHED:
        if (session != NULL)
            session_announce(session, news->server, news->number);
        break;
    case KEEPER_COUNTED:
        if (session != NULL)
            session_count(session, news->server, news->text, clock_boot_nsecs());
        break;
    case KEEPER_OPENED:
        take_file(run, news);
        break;
    case KEEPER_ANSWERED:
        run->asked_ms = 0;
        break;
    case KEEPER_TERMINATED:
        if (!supervise_is_stopping(run))
            supervise_stop(run);
        break;
    case KEEPER_GONE:
        take_keepers_end(run);
        break;
    }
}

void
supervise_read_news(struct run *run)
{
    struct keeper_news news;
    if (keeper_read(run->part->keeper, &news, run->note))
        take_news(run, &news);
}
