#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "host/terminal.h"
#include "run/session.h"

/* What a run needs: the keeper that starts the tracers, and where their records go. */
struct supervise {
    struct keeper *keeper;
    struct session_config config; /* its `run` is not set */
    struct output *output;
    struct terminal *terminal; /* whose keys change the output */
    const struct diag_log *log;
    struct recording *recording; /* NULL: none is made */
    size_t nservers;             /* whose tracers the keeper starts at once */
    bool follow;                 /* more may come */
    bool waits;                  /* for the first of them: `nservers` is 0 */
    bool is_program_foreign;     /* as in session_run.h */
    bool can_reopen;             /* the output, on SIGHUP; otherwise that ends the run */
    uint64_t duration_ms;        /* since tracing began; 0: no end */
    int put_off_ms;              /* as in session_run.h */
};

/* Blocks the signals that end a run; and, if there may be keys, those that stop it and let it go on. Returns a file descriptor
 * for supervise_run. To be called before anything is started. */
int supervise_signals(bool has_terminal);

/* Writes records until the run ends: by SIGINT or SIGTERM (a second one: at once), by the end of all servers, of bpftrace or of
 * the reader. The tracers have ended by then, or are being killed: keeper_stop ends what is left. Returns the exit status;
 * unless it is 0, `diag` says why. */
int supervise_run(const struct supervise *run, int signals, struct diag *diag);

#endif
