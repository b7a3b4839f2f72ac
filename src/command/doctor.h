#ifndef DOCTOR_H
#define DOCTOR_H

#include "plan/plan.h"

/* An emulated machine was seen to need 30 s for attaching, and was idle. */
enum { DOCTOR_PATIENCE_MS = 120000 };

/* What --doctor looks at. */
struct doctor {
    const char *bpftrace; /* NULL: the first on PATH */
    pid_t pid;            /* of the server; 0: the only one, if there is one */
    const struct catalog *catalog;
    enum request_transport transport; /* that is tried; open: what h2olog would choose */
    int patience_ms;               /* so long bpftrace may take to attach; 0: DOCTOR_PATIENCE_MS */
    bool is_json;
    struct mem *mem;
    struct bpftrace tracer; /* found on the way; no row: there is none */
};

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_NOTE, /* may matter, or could not be found out */
    DOCTOR_PROBLEM,
};

/* What a check came to: words for people, without a full stop; no advice: nothing is to be done. */
struct doctor_finding {
    enum doctor_state state;
    const char *detail, *advice;
};

/* Appends a line a check ("problem  NAME  DETAIL", and the advice below), or an object a line with "check", "state", "detail"
 * and "advice", and a last one that sums up. DIAG_OK: tracing will work; DIAG_MACHINE, DIAG_NOTHING: the machine or the server
 * are in the way. */
enum diag_status doctor_examine(struct doctor *doctor, struct outbuf *out);

/* Whether the program that h2olog makes for its own probe, h2olog:doctor, is loaded and attached by this bpftrace, and what is
 * seen is what was fired. */
struct doctor_finding doctor_attach(struct doctor *doctor);

#endif
