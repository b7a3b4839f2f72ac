#ifndef DOCTOR_H
#define DOCTOR_H

#include "catalog/structures.h"
#include "plan/plan.h"

/* An idle machine in an emulator has needed 30 s to attach. */
enum { DOCTOR_PATIENCE_MS = 120000 };

/* What --doctor looks at. */
struct doctor {
    const char *bpftrace_path; /* NULL: the first on PATH */
    bool is_forced;            /* --force */
    pid_t pid;                 /* of the server; 0: the only one, if there is one */
    const struct catalog *catalog;
    const struct structures *structures;
    enum request_transport transport; /* the one to try; REQUEST_AUTO: the one that h2olog would choose */
    int patience_ms;                  /* how long bpftrace may take to attach; 0: DOCTOR_PATIENCE_MS */
    bool is_json;
    struct mem *mem;
    struct bpftrace bpftrace; /* set by the check of bpftrace; not set: there is none */
};

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_NOTE, /* may matter, or could not be found out */
    DOCTOR_PROBLEM,
};

/* What a check has found, in words without a full stop. The advice says what to do; NULL: nothing. */
struct doctor_finding {
    enum doctor_state state;
    const char *detail, *advice;
};

/* Appends a line a check ("problem  NAME  DETAIL", and the advice below), or an object a line with "check", "state", "detail"
 * and "advice", and a last one that sums up. DIAG_OK: tracing will work; DIAG_MACHINE, DIAG_NOTHING: the machine or the server
 * are in the way. */
enum diag_status doctor_examine(struct doctor *doctor, struct outbuf *out);

/* Traces h2olog's own probe, h2olog:doctor, with the program that h2olog makes for it: whether bpftrace loads and attaches it,
 * and whether it shows what was fired. */
struct doctor_finding doctor_attach(struct doctor *doctor);

#endif
