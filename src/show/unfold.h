#ifndef UNFOLD_H
#define UNFOLD_H

#include "show/exchange.h"

/* Whole requests that were read in the server's structures, as whole.h sends them, become exchanges as those of probes: with a
 * record of the request's line, of its response's, and of each pseudo header field. */

/* Adds the record, one of whole.h or a header field between them, to the exchange of its request. */
void unfold_add(struct exchange *exchange, const struct record *record);

/* All records of the request have come: makes of them those of an exchange, and notes what is missing. */
void unfold(struct exchange *exchange);

/* Whether the record is of a request that comes whole: one of whole.h, or a header field between them. */
static inline bool
unfold_is_whole(const struct record *record)
{
    return record->event->whole != NULL;
}

#endif
