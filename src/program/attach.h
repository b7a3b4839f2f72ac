#ifndef ATTACH_H
#define ATTACH_H

#include "plan/plan.h"

/* How bpftrace expressions read a probe's arguments. */
enum { ATTACH_MAX_ARGS = CATALOG_MAX_FIELDS };

struct attach_arguments {
    const char *expressions[ATTACH_MAX_ARGS];
    const char *statements; /* must stand before the expressions; "" for most probes */
};

/* An argument is argN where bpftrace can read it, and otherwise what the ELF note says of it; that is cheaper with some
 * bpftraces, but right only for this file, so that a program that is kept has argN. One that cannot be read at all is argN,
 * too; the plan has no field that needs it. `is_for_run`: the program is run once and not kept. Memory is the arena's. */
void attach_read(struct attach_arguments *arguments, const struct plan *plan, const struct plan_event *event, bool is_for_run,
                 struct mem *mem);

/* The expression for a number: an argument, or what stands behind where it points. */
const char *attach_number(const struct catalog_field *field, const char *argument, struct mem *mem);

/* The expression for the server's pid, as it is numbered where h2olog runs. */
const char *attach_pid(const struct plan *plan, struct mem *mem);

/* The same for the thread's id. */
const char *attach_tid(const struct plan *plan);

/* The probe as bpftrace names it, with a predicate where it would see other processes. By file the predicate asks the map of
 * templates/others.bt, which has the nonce in its name. */
const char *attach_point(const struct plan *plan, const struct catalog_probe *probe, const char *nonce, struct mem *mem);

/* The same for a function of the server, always with a predicate, as bpftrace 0.17 -p leaves those to any process. */
const char *attach_function(const struct plan *plan, const char *function, const char *nonce, struct mem *mem);

/* What stands at key 0 of that map: 63 bits of the nonce, as not every bpftrace reads a number of 64. */
uint64_t attach_mark(const char *nonce);

/* The expression for the thread of a record, with its process in the upper half where the program sees several. */
const char *attach_thread(const struct plan *plan);

/* Whether the program sees all processes of the server's file. */
bool attach_is_by_file(const struct plan *plan);

/* Whether a program by file can read all arguments of the plan. The sites of a probe are at other addresses in each process.
 * They are told apart by their places in a page, so those where an argument is in different places must differ in that. */
bool attach_fits_file(const struct plan *plan);

#endif
