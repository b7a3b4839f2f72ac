#ifndef CAUSE_H
#define CAUSE_H

#include "base/diag.h"

/* A reason why bpftrace cannot start, and what the user can do. */
struct cause {
    const char *words; /* that stand in the line of bpftrace's errors */
    enum diag_status status;
    const char *advice;
    bool is_refusal; /* the kernel refused the program as too large; it may take a lesser one */
};

/* Finds the cause in what bpftrace wrote to stderr. `found` becomes the line that names it. NULL: no cause is known; `found` is
 * then the first line that is not empty, or empty. */
const struct cause *cause_find(struct slice errors, struct slice *found);

#endif
