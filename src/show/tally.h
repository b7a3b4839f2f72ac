#ifndef TALLY_H
#define TALLY_H

#include "show/exchange.h"
#include "show/histogram.h"

/* What is counted of some requests. Begin with {0}. */

enum { TALLY_CLASSES = 6, TALLY_PROTOCOLS = 4 };

/* What there is a histogram of. Times are in microseconds. Those behind TALLY_OF_REQUESTS are none of requests. */
enum tally_value {
    TALLY_TTFB,
    TALLY_DURATION,
    TALLY_BYTES,
    TALLY_REQUEST_BYTES,
    TALLY_RTT,
    TALLY_OF_REQUESTS,
    TALLY_CWND = TALLY_OF_REQUESTS,
    TALLY_VALUES
};

struct tally {
    uint64_t requests;
    uint64_t classes[TALLY_CLASSES];       /* by the first digit of the status; 0: there was no response, or an odd one */
    uint64_t protocols[TALLY_PROTOCOLS];   /* by the major version; 0: it is not known */
    uint64_t unanswered;                   /* without a response */
    uint64_t incomplete;                   /* something may be missing of them */
    struct histogram values[TALLY_VALUES]; /* of those requests that have it */
};

/* The names, as "duration" and "HTTP/2"; and whether a value is a time. */
extern const char *const tally_value_names[TALLY_VALUES], *const tally_protocol_names[TALLY_PROTOCOLS];
bool tally_is_time(enum tally_value value);

/* Requests that were answered with 4xx or 5xx. */
uint64_t tally_errors(const struct tally *tally);

void tally_add(struct tally *tally, const struct exchange *exchange);
void tally_merge(struct tally *tally, const struct tally *other);
void tally_free(struct tally *tally);

#endif
