#ifndef QUERY_H
#define QUERY_H

#include "show/exchange.h"
#include "base/regex.h"

/* What of requests is wanted:
 *
 *   or    := and { "or" and }
 *   and   := not { "and" not }
 *   not   := "not" not | "(" or ")" | FIELD [ OPERATOR VALUE ]
 *
 * FIELD: status, version, ttfb, conn, req (numbers); method, scheme, authority, path, req.NAME, resp.NAME (texts).
 * OPERATOR: == != < <= > >= (numbers), eq ne (texts), ~ !~ (texts and regular expressions).
 * VALUE: a number, with us, ms or s behind it for ttfb; a text in "" or '', or without when it has no blank and no parenthesis.
 *
 * A field alone asks whether it is there. Of several header fields of a name one must fit. !=, ne and !~ are the contrary of
 * ==, eq and ~, so what is not there fits them, and no other operator. */
struct query {
    struct query_node *root;
    struct exchange_fields asked;
    struct regex **regexes;
    size_t nregexes;
};

/* Memory is the arena's, but for regexes: query_free frees what they hold, after an error too. 0, or -1 with `diag` set. */
int query_parse(struct query *query, const char *text, struct mem *mem, struct diag *diag);
void query_free(struct query *query);

bool query_fits(const struct query *query, const struct exchange *exchange);

#endif
