#include "show/query.h"

#include "show/query_node.h"

#include <ctype.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Numbers are compared as these. */
_Static_assert(LDBL_MANT_DIG >= 64, "a long double holds every integer of 64 bits");

/* ---- What can be asked for. */

static bool
status_of(const struct exchange *exchange, long double *number)
{
    *number = exchange->status;
    return exchange->responded != 0;
}

static bool
version_of(const struct exchange *exchange, long double *number)
{
    *number = (long double)((exchange->http_version >> 8) * 10 + (exchange->http_version & 0xff)) / 10;
    return exchange->http_version != 0;
}

static bool
conn_of(const struct exchange *exchange, long double *number)
{
    *number = exchange->conn_id;
    return true;
}

static bool
req_of(const struct exchange *exchange, long double *number)
{
    *number = exchange->req_id;
    return true;
}

/* In nanoseconds. */
static bool
ttfb_of(const struct exchange *exchange, long double *number)
{
    *number = (int64_t)(exchange->responded - exchange->requested);
    return exchange->requested != 0 && exchange->responded != 0;
}

static bool
incomplete_of(const struct exchange *exchange, long double *number)
{
    *number = exchange->incomplete;
    return exchange->incomplete != 0;
}

const struct query_field query_fields[QUERY_FIELDS] = {
    {"status", status_of, false, NULL}, {"version", version_of, false, NULL},
    {"ttfb", ttfb_of, true, NULL},      {"conn", conn_of, false, NULL},
    {"req", req_of, false, NULL},       {"method", NULL, false, ":method"},
    {"scheme", NULL, false, ":scheme"}, {"authority", NULL, false, ":authority"},
    {"path", NULL, false, ":path"},     {"incomplete", incomplete_of, false, NULL},
};

bool
query_number(struct slice text, long double *number, struct slice *rest)
{
    char copy[64], *end;
    if (text.len == 0 || text.len >= sizeof(copy) || !isdigit((unsigned char)*text.ptr))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    size_t len = strspn(copy, "0123456789.");
    copy[len] = '\0'; /* strtold would read on, as in 0x10 and 1e9 */
    *number = strtold(copy, &end);
    *rest = (struct slice){text.ptr + len, text.len - len};
    return *end == '\0';
}

/* ---- Asking. */

static bool
is_so(const struct query_node *node, long double number)
{
    switch (node->comparison->relation) {
    case EQUAL:
        return number == node->number;
    case LESS:
        return number < node->number;
    case LESS_OR_EQUAL:
        return number <= node->number;
    case GREATER:
        return number > node->number;
    case GREATER_OR_EQUAL:
        return number >= node->number;
    }
    return false;
}

static bool
value_fits(const struct query_node *node, const struct types_value *value)
{
    long double number;
    struct slice rest;
    if (node->comparison == NULL)
        return true;
    if (value->is_redacted)
        return false;
    if (node->comparison->of == REGEX)
        return regex_fits(node->regex, value->text);
    if (value->number != value->text.len)
        return false; /* what is missing of it is not known */
    if (node->comparison->of == TEXT)
        return text_equal(value->text, node->text);
    return query_number(value->text, &number, &rest) && rest.len == 0 && is_so(node, number);
}

static bool
any_header_fits(const struct query_node *node, const struct exchange *exchange)
{
    struct record record;
    const struct types_value *value;
    for (size_t at = 0; (value = exchange_header(exchange, node->header.role, node->header.name, &at, &record)) != NULL;)
        if (value_fits(node, value))
            return true;
    return false;
}

static bool
number_fits(const struct query_node *node, const struct exchange *exchange)
{
    long double number;
    return node->field->number(exchange, &number) && (node->comparison == NULL || is_so(node, number));
}

static bool
test_fits(const struct query_node *node, const struct exchange *exchange)
{
    bool is_number = node->field != NULL && node->field->number != NULL;
    bool fits = is_number ? number_fits(node, exchange) : any_header_fits(node, exchange);
    return node->comparison != NULL && node->comparison->is_negated ? !fits : fits;
}

static bool
node_fits(const struct query_node *node, const struct exchange *exchange)
{
    switch (node->kind) {
    case OR:
        return node_fits(node->left, exchange) || node_fits(node->right, exchange);
    case AND:
        return node_fits(node->left, exchange) && node_fits(node->right, exchange);
    case NOT:
        return !node_fits(node->left, exchange);
    case TEST:
        return test_fits(node, exchange);
    }
    return false;
}

bool
query_fits(const struct query *query, const struct exchange *exchange)
{
    return node_fits(query->root, exchange);
}

void
query_free(struct query *query)
{
    for (size_t i = 0; i < query->nregexes; i++)
        regex_free(query->regexes[i]);
    query->nregexes = 0;
}
