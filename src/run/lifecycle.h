#ifndef LIFECYCLE_H
#define LIFECYCLE_H

#include "run/session_struct.h"

/* From the start of bpftrace to its end: which state a session is in, what happens to it, and what is done then. */

enum lifecycle_event {
    LIFECYCLE_READY,        /* everything is attached */
    LIFECYCLE_STOPPED,      /* the run was */
    LIFECYCLE_COMPLETE,     /* everything up to the end has come */
    LIFECYCLE_SERVER_ENDED, /* the traced process */
    LIFECYCLE_TRACER_ENDED, /* bpftrace */
    LIFECYCLE_OUTPUT_ENDED, /* nobody holds bpftrace's pipes any more */
    LIFECYCLE_UNWANTED,     /* the reader is gone, or has all that was asked for */
    LIFECYCLE_LATE,         /* the state has lasted longer than it may */
    LIFECYCLE_EVENTS,
};

/* The state before anything has happened. */
void lifecycle_begin(struct session *session);

/* A server is traced. */
void lifecycle_begin_server(struct session *session, pid_t server);

/* Does what the event asks for in this state and goes to the next state. What means nothing in a state does nothing. At the end
 * of a bpftrace that was not told to end the run's `diag` is set. */
void lifecycle_happen(struct session *session, enum lifecycle_event event);

/* The deadline begins anew: within the limit for the end, or without it. */
void lifecycle_put_off(struct session *session);
void lifecycle_wait_longer(struct session *session);

/* Passes the deadline on as an event. */
void lifecycle_check_deadline(struct session *session);

#endif
