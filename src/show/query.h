#ifndef QUERY_H
#define QUERY_H

#include "show/exchange.h"
#include "base/regex.h"

/* Which requests are wanted:
 *
 *   or    := and { "or" and }
 *   and   := not { "and" not }
 *   not   := "not" not | "(" or ")" | FIELD [ OPERATOR VALUE ]
 *
 * FIELD: status, version, ttfb, duration, bytes, request_bytes, conn, req, port, incomplete (numbers); method, scheme,
 * authority, host, path, address, sni, req.NAME, resp.NAME (texts). Those of duration to port but conn and req, and address and
 * sni, are there if requests are read in the server's structures. OPERATOR: == != < <= > >= (numbers), eq ne (texts), ~ !~
 * (texts and regular expressions). VALUE: a number, with us, ms or s behind it for a time; a text in "" or '', or without when
 * it has no blank and no parenthesis.
 *
 * `incomplete` is there where something may be missing, and is the sum of the parts of exchange.h.
 *
 * A field alone asks whether it is there. If there are several header fields of a name, one of them must fit. !=, ne and !~ fit
 * whenever ==, eq and ~ do not, so they fit a field that is not there. No other operator does. */
struct query {
    struct query_node *root;
    struct exchange_fields asked;
    bool wants_sni;
    const char *needs_whole; /* a field that only the server's structures have; NULL: it asks for none */
    struct regex **regexes;
    size_t nregexes;
};

/* Memory is the arena's, and what query_free frees, after an error too. 0, or -1 with `diag` set. */
int query_parse(struct query *query, const char *text, struct mem *mem, struct diag *diag);
void query_free(struct query *query);

bool query_fits(const struct query *query, const struct exchange *exchange);

#endif
