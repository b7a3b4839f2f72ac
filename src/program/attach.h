#ifndef ATTACH_H
#define ATTACH_H

#include "plan/plan.h"

/* How bpftrace expressions read a probe's arguments. */
struct attach_arguments {
    const char *expressions[USDT_MAX_ARGS];
    const char *statements; /* must stand before the expressions; "" for most probes */
};

/* An argument is argN where bpftrace can read it, and otherwise what the ELF note says of it.
 * One that cannot be read at all is argN, too; the plan has no field that needs it. Memory is the arena's. */
void attach_read(struct attach_arguments *arguments, const struct plan *plan, const struct plan_event *event, struct mem *mem);

/* The expression for a number: an argument, or what stands behind where it points. */
const char *attach_number(const struct catalog_field *field, const char *argument, struct mem *mem);

/* The probe as bpftrace names it, with a predicate where a pid is needed. */
const char *attach_point(const struct plan *plan, const struct catalog_probe *probe, struct mem *mem);

#endif
