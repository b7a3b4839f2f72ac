#ifndef BUFFERS_H
#define BUFFERS_H

#include "plan/layout.h"

/* How the memory that a request may take is shared out: between bpftrace's buffers for what is printed, and maps, which the
 * kernel takes as a whole before the first record, with what bpftrace reads of one of them at a time. */

/* Entries of each map: bpftrace gives all maps as many. */
unsigned buffers_map_keys(const struct layout *layout, const struct bpftrace_row *row, const struct request *request);

/* For a plan whose events are all there. `cpus`: those that are online. */
struct bpftrace_memory buffers_of(const struct layout *layout, const struct bpftrace_row *row, const struct request *request,
                                  unsigned cpus);

#endif
