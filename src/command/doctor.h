#ifndef DOCTOR_H
#define DOCTOR_H

#include "plan/plan.h"

/* What --doctor looks at. */
struct doctor {
    const char *bpftrace; /* NULL: the first on PATH */
    pid_t pid;            /* of the server; 0: the only one, if there is one */
    const struct catalog *catalog;
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

/* Whether this bpftrace attaches to h2olog's own probe, h2olog:doctor, and sees it fire. */
struct doctor_finding doctor_attach(struct doctor *doctor);

#endif
