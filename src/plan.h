#ifndef PLAN_H
#define PLAN_H

#include "catalog.h"
#include "target.h"
#include "tracer.h"

/* A text is traced up to this many bytes; README documents it. */
enum { PLAN_TEXT_LIMIT = 8192, PLAN_MAX_TEXTS = 2 };

/* A probe that will be attached. Its id on the wire is its index in the plan. */
struct plan_event {
    const struct catalog_probe *probe;
    int texts[PLAN_MAX_TEXTS]; /* indexes of its TEXT fields, in order */
    int ntexts;
};

/* What will be traced and how. */
struct plan {
    struct plan_event *events;
    size_t nevents;
    struct slice left_out; /* a line for each probe that was asked for but cannot be traced, and why */
    const struct target *target; /* NULL: no process, only a program to print */
    const struct tracer *tracer;
    unsigned chunk; /* bytes of a text in one printf */
    unsigned limit; /* bytes of a text that are sent at most: PLAN_TEXT_LIMIT, rounded up to whole chunks */
};

/* Chooses the probes of `group` that the target has. None at all is an error. 0, or -1 with `diag` set. */
int plan_make(struct plan *plan, const struct catalog *catalog, const struct target *target, const struct tracer *tracer,
              const char *group, struct mem *mem, struct diag *diag);

#endif
