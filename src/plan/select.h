#ifndef SELECT_H
#define SELECT_H

#include "plan/plan.h"

/* Which events of a plan are shown, if the plan was made for something else than what is asked for now: for what was recorded,
 * or for a program that was changed. */
struct select {
    const char *mode;            /* NULL: any */
    const char *const *patterns; /* as -t; none: the mode decides */
    size_t npatterns;
    const struct filter *filter; /* NULL: none */
    bool *was_used;              /* by pattern: it fits an event of a plan */
    size_t nplans, nfound;       /* plans that were looked at, and events of them that are of the mode */
};

/* Whether events of the probe are asked for. */
bool select_wants(struct select *select, const struct catalog_probe *probe);

/* By event of the plan. Memory is the arena's. */
const bool *select_events(struct select *select, const struct plan *plan, struct mem *mem);

/* The first pattern that fits no event; NULL: each fits one. */
const char *select_unused(const struct select *select);

#endif
