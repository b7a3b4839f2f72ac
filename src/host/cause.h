#ifndef CAUSE_H
#define CAUSE_H

#include "base/diag.h"

/* What bpftrace says when it cannot start, and what to do. */
struct cause {
    const char *words; /* of its line */
    enum diag_status status;
    const char *advice;
    bool is_refusal; /* of the program, as too large; a lesser one may be taken */
};

/* The line of bpftrace's errors that tells most goes to `found`. NULL: none is known, and `found` is the first one that says
 * something, or empty. */
const struct cause *cause_find(struct slice errors, struct slice *found);

#endif
