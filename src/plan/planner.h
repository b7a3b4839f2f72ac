#ifndef PLANNER_H
#define PLANNER_H

#include "plan/plan.h"

/* A plan that is being made. Only planner.c and plan_whole.c read this. */
struct planner {
    struct plan *plan;
    const struct catalog *catalog;
    const struct request *request;
    bool *was_used; /* by pattern: it fits something that can be traced */
    struct outbuf left_out, warnings;
    struct mem *mem;
    struct diag *diag;
};

/* Makes the event of a probe, with the fields that are shown. `literally`: a pattern without a glob names the probe. 0, or -1
 * with the planner's `diag` set. */
int planner_make_event(struct planner *planner, struct plan_event *event, const struct catalog_probe *probe,
                       const struct usdt_probe *usdt, bool literally);

/* Plans whole requests from the server's structures, instead of probes. The same. */
int planner_plan_whole(struct planner *planner);

#endif
