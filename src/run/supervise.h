#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "run/session.h"

/* A run: the keeper that starts tracers, and where their records go. */
struct supervise {
    struct keeper *keeper;
    struct session_config config; /* its `run` is not set */
    struct output *output;
    const struct diag_log *log;
    struct recording *recording; /* NULL: none is made */
    size_t nservers;             /* that are traced from the beginning */
    bool follow;                 /* more may come */
    bool is_program_foreign;     /* as in session.h */
    bool can_reopen;             /* the output, on SIGHUP; otherwise that ends the run */
    uint64_t duration_ms;        /* since tracing began; 0: no end */
    int put_off_ms;              /* milliseconds: how long output that still comes may put the end off */
};

/* Blocks the signals that end a run; returns a file descriptor for supervise_run. Call it before anything is started. */
int supervise_signals(void);

/* Writes records until the run ends: by SIGINT or SIGTERM (a second one: at once), by the end of all servers, of bpftrace or of
 * the reader. The tracers are gone when this returns. Returns the exit status; unless it is 0, `diag` says why. */
int supervise_run(const struct supervise *run, int signals, struct diag *diag);

#endif
