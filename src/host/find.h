#ifndef FIND_H
#define FIND_H

#include "base/diag.h"
#include "base/mem.h"

#include <sys/types.h>

/* The pid of the only process on the host with h2o's probes; a helper that a server has forked is none of its own. Processes of
 * users who would make the search last are passed over, and an error says so. 0, or -1 with `diag` set: none (DIAG_NOTHING), or
 * several, which are listed (DIAG_USAGE). */
int find_server(pid_t *pid, struct mem *mem, struct diag *diag);

#endif
