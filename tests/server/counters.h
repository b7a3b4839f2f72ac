/* What h2o counts by itself, as far as h2olog reads it: in its variable `conf`, and in a context for each of two threads. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* Adds to what the thread (0 or 1) has counted; the server's own ones mean the same for both. The names are those of h2o's
 * members. false: there is none of that name. */
bool counters_add(struct text name, unsigned thread, uint64_t number);

#endif
