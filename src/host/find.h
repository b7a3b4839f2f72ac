#ifndef FIND_H
#define FIND_H

#include "host/process.h"
#include "host/target.h"

/* The pid of the only process on the host with h2o's probes; a forked child of the same executable is not a server of its own.
 * 0, or -1 with `diag` set: none (DIAG_NOTHING), or several, which are listed (DIAG_USAGE). */
int find_server(pid_t *pid, struct mem *mem, struct diag *diag);

/* Whether the process runs the executable of `target`, or the one that has taken its name in the same file system, and is not a
 * child of such a process: those are helpers that the server has forked. */
bool find_is_successor(const struct target *target, const struct process *process);

#endif
