#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "child.h"
#include "format.h"
#include "order.h"
#include "sink.h"

/* A run: a started bpftrace, and what becomes of its output. */
struct supervise {
    struct child *child;
    const struct target *target;
    struct decode *decode;
    struct order *order; /* NULL: records come in order */
    struct sink *sink;
    const struct diag_log *log;
    struct format *format;
    int put_off_ms; /* milliseconds: how long output that still comes may put the end of the run off */
};

/* Blocks the signals that end a run; returns a file descriptor for supervise_run. Call it before the child is started. */
int supervise_signals(void);

/* Writes records until the run ends: by SIGINT or SIGTERM (a second one: at once), by the end of the server, of bpftrace or of
 * the reader. bpftrace is gone when this returns. Returns the exit status; unless it is 0, `diag` says why. */
int supervise_run(struct supervise *run, int signals, struct diag *diag);

#endif
