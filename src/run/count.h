#ifndef COUNT_H
#define COUNT_H

#include "catalog/structures.h"
#include "host/target.h"

/* Reads what the server counts by itself (counters.h) in its memory, where `places` (by enum structures_value) have it. Appends
 * that as counters_write has it; nothing where it is not what it is taken for. `is_of_run`: the server began during the run. A
 * process for it reads. */
void count_read(const struct target *target, const struct members_place *places, bool is_of_run, struct outbuf *out);

#endif
