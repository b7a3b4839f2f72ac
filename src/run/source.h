#ifndef SOURCE_H
#define SOURCE_H

#include "catalog/structures.h"
#include "host/bpftrace.h"
#include "host/target.h"
#include "request/request.h"

/* Where whole requests come from: the server's structures, or its probes. */

/* What that is decided by. */
struct source {
    const struct request *request;
    const struct structures *structures;
    const struct bpftrace *bpftrace;
    const struct diag_log *log;
    size_t first_layout; /* of those that are known: the first one to try; 0: the binary's own comes before */
};

/* Opens a server as target_open does, and decides. 0, or -1 with `diag` set: there is nothing that the request could be
 * answered from. */
int source_open(const struct source *source, struct target *target, pid_t pid, struct mem *mem, struct diag *diag);

#endif
