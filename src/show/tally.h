#ifndef TALLY_H
#define TALLY_H

#include "show/exchange.h"
#include "show/histogram.h"

/* What is counted of some requests. Begin with {0}. */

enum { TALLY_CLASSES = 6, TALLY_PROTOCOLS = 4 };

/* What there is a histogram of. Times are in microseconds. */
enum tally_value { TALLY_TTFB, TALLY_DURATION, TALLY_BYTES, TALLY_REQUEST_BYTES, TALLY_VALUES };

struct tally {
    uint64_t requests;
    uint64_t classes[TALLY_CLASSES];       /* by the first digit of the status; 0: there was no response, or an odd one */
    uint64_t protocols[TALLY_PROTOCOLS];   /* by the major version; 0: it is not known */
    uint64_t unanswered;                   /* without a response */
    uint64_t incomplete;                   /* something may be missing of them */
    struct histogram values[TALLY_VALUES]; /* of those requests that have it */
};

/* A value of a request; false: it has none, or it is not known. */
bool tally_value_of(const struct exchange *exchange, enum tally_value value, uint64_t *number);

void tally_add(struct tally *tally, const struct exchange *exchange);
void tally_merge(struct tally *tally, const struct tally *other);
void tally_free(struct tally *tally);

#endif
