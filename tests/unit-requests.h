#ifndef UNIT_REQUESTS_H
#define UNIT_REQUESTS_H

#include "show/exchange.h"
#include "unit-fixture.h"

/* A plan for probes like those of h2o that tell of requests, and one that tells of something else. */
void requests_plan(struct fixture *fixture);

/* The record of a line as h2olog prints it: "1 3 RxHeader name value", or "1 - close" or "1 - other"; of the server 7, `ms`
 * milliseconds after the clock began, and thread `tid`. Its texts are the line's. */
void requests_record(const struct fixture *fixture, struct record *record, const char *line, uint64_t ms, uint64_t tid);

/* The exchange of these lines, each a millisecond after the one before, beginning with 1,000. */
void requests_exchange(const struct fixture *fixture, struct exchange *exchange, const char *const *lines, size_t count);

#endif
