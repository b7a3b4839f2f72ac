#ifndef QUERY_WHERE_H
#define QUERY_WHERE_H

#include "request/redact.h"
#include "show/query.h"

/* The part of a query that the program decides, as a bpftrace expression in the variables of whole_program.h. It holds for all
 * requests that the query fits, and for those that it takes header fields, regular expressions and the like to tell, which
 * query_fits then does. NULL: it would hold for all. The arena's. */
const char *query_where(const struct query *query, const struct redact *redact, size_t text_limit, struct mem *mem);

/* Appends "the program decides TEST, TEST; h2olog decides TEST", for people. */
void query_put_halves(const struct query *query, const struct redact *redact, size_t text_limit, struct outbuf *out);

#endif
