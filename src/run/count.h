#ifndef COUNT_H
#define COUNT_H

#include "catalog/structures.h"
#include "host/target.h"

/* Reads what the server counts by itself (counters.h) in its memory, where `places` (by enum structures_value) have it. Appends
 * that as counters_write has it; nothing where it is not what it is taken for. A process for it reads. */
void count_read(const struct target *target, const struct members_place *places, struct outbuf *out);

#endif
