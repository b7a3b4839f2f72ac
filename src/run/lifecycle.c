#include "run/lifecycle.h"

#include "base/clock.h"
#include "host/process.h"
#include "host/signal_pipe.h"
#include "run/intake.h"
#include "run/last_words.h"
#include "run/servers.h"

#include <sys/wait.h>

/* ---- Actions: what is done when an event changes the state, before it changes. */

static void
do_nothing(struct session *session)
{
    (void)session;
}

/* The server's read-only pages are touched again: the kernel may have dropped some while bpftrace attached. */
static void
begin_running(struct session *session)
{
    session->life.is_ready = true;
    session->life.is_end_expected = false;
    for (size_t i = 0; i < session->servers.count; i++)
        lifecycle_begin_server(session, session->servers.items[i].pid);
}

static void
expect_end(struct session *session)
{
    session->life.end_nsecs = clock_boot_nsecs();
    session->life.is_end_expected = true;
}

static void
limit_put_off(struct session *session)
{
    if (session->life.put_off_limit == 0)
        session->life.put_off_limit = clock_ms() + session->run->put_off_ms;
}

/* Who stops a service sends SIGTERM to all processes of it. bpftrace drops then what it has not read yet. */
static void
take_early_end(struct session *session)
{
    struct session_life *life = &session->life;
    limit_put_off(session);
    if (life->is_end_expected || session->wait_status < 0 || !WIFEXITED(session->wait_status))
        return;
    life->is_end_expected = true;
    diag_note(session->run->log, "bpftrace has ended by itself; the last events of pid %d before the signal may be missing",
              session->server);
}

/* bpftrace is not told to stop, since it would drop what it has not read yet. Its heartbeats tell when everything up to the end
 * of the run is here. */
static void
await_complete(struct session *session)
{
    session->life.end_nsecs = session->run->stop_nsecs;
    limit_put_off(session);
}

/* One that ends already, and was not told to, was killed by others or has failed. The kernel may take seconds to detach its
 * probes, and nobody waits for that when the run ends. */
static void
kill_tracer(struct session *session)
{
    struct session_life *life = &session->life;
    bool has_tracer = session->files.tracer >= 0 && !life->is_told;
    life->is_end_expected = life->is_end_expected || !has_tracer || !process_is_ending(session->tracer);
    signal_pipe_send(session->files.kill);
}

/* The reader has all that was asked for, or everything has come. */
static void
dismiss_tracer(struct session *session)
{
    session->life.is_end_expected = true;
    kill_tracer(session);
}

static void
expect_tracers_end(struct session *session)
{
    session->life.is_end_expected = true;
}

/* What comes from now on happened after the end. */
static void
kill_complete(struct session *session)
{
    session->life.is_complete = true;
    dismiss_tracer(session);
}

static void
finish(struct session *session)
{
    bool is_tried_again = last_words_want_lesser(session) && session->run->stop_nsecs == UINT64_MAX;
    if (session->life.begin_nsecs == 0 && !is_tried_again)
        servers_tell_unseen(session);
    intake_finish(session);
}

/* A killed bpftrace needs nobody to wait for it. */
static void
leave_alone(struct session *session)
{
    diag_note(session->run->log,
              "the kernel is still detaching the probes of pid %d; bpftrace is killed, and goes by itself when that is done",
              session->server);
    finish(session);
}

/* ---- The table. */

/* How long a state may last, in milliseconds, before it is LATE; -1: for ever. Output from bpftrace starts the time of ENDING,
 * STOPPING and DRAINING anew. ENDING lasts long since the kernel takes up to 0.15 s to detach a probe site, and bpftrace cannot
 * end before. */
static const int patience_ms[SESSION_STATES] = {
    [SESSION_STARTING] = -1, [SESSION_RUNNING] = -1,    [SESSION_ENDING] = 60000, [SESSION_STOPPING] = 2000,
    [SESSION_KILLING] = 700, [SESSION_DRAINING] = 1000, [SESSION_DONE] = -1,
};

static const struct transition {
    void (*action)(struct session *session); /* NULL: the event means nothing in this state */
    enum session_state next;
} transitions[SESSION_STATES][LIFECYCLE_EVENTS] = {
    [SESSION_STARTING] =
        {
            [LIFECYCLE_READY] = {begin_running, SESSION_RUNNING},
            [LIFECYCLE_STOPPED] = {kill_tracer, SESSION_KILLING},
            [LIFECYCLE_SERVER_ENDED] = {expect_end, SESSION_ENDING},
            [LIFECYCLE_TRACER_ENDED] = {limit_put_off, SESSION_DRAINING},
            [LIFECYCLE_UNWANTED] = {dismiss_tracer, SESSION_KILLING},
        },
    [SESSION_RUNNING] =
        {
            [LIFECYCLE_STOPPED] = {await_complete, SESSION_STOPPING},
            [LIFECYCLE_SERVER_ENDED] = {expect_end, SESSION_ENDING},
            [LIFECYCLE_TRACER_ENDED] = {limit_put_off, SESSION_DRAINING},
            [LIFECYCLE_UNWANTED] = {dismiss_tracer, SESSION_KILLING},
        },
    [SESSION_ENDING] =
        {
            [LIFECYCLE_STOPPED] = {kill_tracer, SESSION_KILLING},
            [LIFECYCLE_COMPLETE] = {kill_complete, SESSION_KILLING},
            [LIFECYCLE_TRACER_ENDED] = {limit_put_off, SESSION_DRAINING},
            [LIFECYCLE_UNWANTED] = {dismiss_tracer, SESSION_KILLING},
            [LIFECYCLE_LATE] = {kill_tracer, SESSION_KILLING},
        },
    [SESSION_STOPPING] =
        {
            [LIFECYCLE_STOPPED] = {kill_tracer, SESSION_DONE},
            [LIFECYCLE_SERVER_ENDED] = {expect_tracers_end, SESSION_STOPPING},
            [LIFECYCLE_COMPLETE] = {kill_complete, SESSION_KILLING},
            [LIFECYCLE_TRACER_ENDED] = {take_early_end, SESSION_DRAINING},
            [LIFECYCLE_UNWANTED] = {dismiss_tracer, SESSION_KILLING},
            [LIFECYCLE_LATE] = {kill_tracer, SESSION_KILLING},
        },
    [SESSION_KILLING] =
        {
            [LIFECYCLE_STOPPED] = {do_nothing, SESSION_DONE},
            [LIFECYCLE_TRACER_ENDED] = {limit_put_off, SESSION_DRAINING},
            [LIFECYCLE_LATE] = {leave_alone, SESSION_DONE},
        },
    [SESSION_DRAINING] =
        {
            [LIFECYCLE_STOPPED] = {do_nothing, SESSION_DONE},
            [LIFECYCLE_OUTPUT_ENDED] = {finish, SESSION_DONE},
            [LIFECYCLE_UNWANTED] = {do_nothing, SESSION_DONE},
            [LIFECYCLE_LATE] = {finish, SESSION_DONE}, /* another process holds the pipe */
        },
};

void
lifecycle_begin_server(struct session *session, pid_t server)
{
    session->run->counts.servers++;
    if (session->run->keeper != NULL)
        keeper_order(session->run->keeper, KEEPER_TOUCH, server);
}

void
lifecycle_begin(struct session *session)
{
    session->life = (struct session_life){.state = SESSION_STARTING, .deadline = -1, .end_nsecs = UINT64_MAX};
}

void
lifecycle_happen(struct session *session, enum lifecycle_event event)
{
    struct session_life *life = &session->life;
    const struct transition *transition = &transitions[life->state][event];
    if (transition->action == NULL)
        return;
    transition->action(session);
    life->state = transition->next;
    life->deadline = patience_ms[life->state] < 0 ? -1 : clock_ms() + patience_ms[life->state];
    if (life->state == SESSION_DONE && !life->is_end_expected)
        last_words_explain(session);
}

void
lifecycle_wait_longer(struct session *session)
{
    struct session_life *life = &session->life;
    if (life->state == SESSION_ENDING || life->state == SESSION_STOPPING || life->state == SESSION_DRAINING)
        life->deadline = clock_ms() + patience_ms[life->state];
}

/* The limit is for a process that is not bpftrace, holds its pipe and writes on for ever. */
void
lifecycle_put_off(struct session *session)
{
    const struct session_life *life = &session->life;
    bool is_limited = life->state == SESSION_STOPPING || life->state == SESSION_DRAINING;
    if (!is_limited || clock_ms() < life->put_off_limit)
        lifecycle_wait_longer(session);
}

void
lifecycle_check_deadline(struct session *session)
{
    if (session->life.deadline >= 0 && clock_ms() >= session->life.deadline)
        lifecycle_happen(session, LIFECYCLE_LATE);
}
