#ifndef TRACER_H
#define TRACER_H

#include "host/child.h"
#include "plan/plan.h"

/* Starts bpftrace with a program for a server. */

/* Whether the program is small enough, and bpftrace may open as many files as it needs. 0, or -1 with `diag` set. */
int tracer_check(const struct plan *plan, const struct outbuf *program, struct diag *diag);

/* `is_verbose`: it tells what the kernel's verifier says. 0, or -1 with `diag` set. */
int tracer_start(struct child *tracer, const struct plan *plan, const struct outbuf *program, bool is_verbose, struct mem *mem,
                 struct diag *diag);

#endif
