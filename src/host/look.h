#ifndef LOOK_H
#define LOOK_H

#include "host/process.h"

/* The processes of one time, from which those of a later time can be told. */
struct look {
    struct process *items; /* by pid, as they were added */
    size_t count;
    struct mem mem;
};

/* Whether the process was there, and ran the same program. The kernel lists processes by pid; where it does not, some were not.
 * `at` is 0 for the first one that is asked for; others follow in the order of their pids. */
bool look_has(const struct look *look, size_t *at, const struct process *process);

void look_add(struct look *look, const struct process *process);

/* Takes the process out, as if it had not been there. */
void look_remove(struct look *look, pid_t pid);
void look_free(struct look *look);

#endif
