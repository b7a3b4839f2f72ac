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
    int64_t ns = 0;
    bool is_there = exchange_ttfb_ns(exchange, &ns);
    *number = ns;
    return is_there;
}

static bool
incomplete_of(const struct exchange *exchange, long double *number)
{
    *number = exchange->incomplete;
    return exchange->incomplete != 0;
}

static bool
whole_of(const struct exchange *exchange, int field, long double *number)
{
    uint64_t found;
    bool is_there = exchange_number(exchange, field, &found);
    *number = found;
    return is_there;
}

static bool
bytes_of(const struct exchange *exchange, long double *number)
{
    return whole_of(exchange, WHOLE_BYTES, number);
}

static bool
request_bytes_of(const struct exchange *exchange, long double *number)
{
    return whole_of(exchange, WHOLE_REQUEST_BYTES, number);
}

/* In nanoseconds. */
static bool
duration_of(const struct exchange *exchange, long double *number)
{
    int64_t usec = 0;
    bool is_there = exchange_between(exchange, WHOLE_BEGIN_AT, WHOLE_RESPONSE_END_AT, &usec);
    *number = (long double)usec * 1000;
    return is_there;
}

static bool
port_of(const struct exchange *exchange, long double *number)
{
    char address[TYPES_ADDRESS_TEXT];
    unsigned port = 0;
    bool is_there = exchange_address(exchange, address, &port);
    *number = port;
    return is_there;
}

static bool
address_of(const struct exchange *exchange, char buffer[QUERY_TEXT], struct slice *text)
{
    unsigned port;
    bool is_there = exchange_address(exchange, buffer, &port);
    *text = text_of(is_there ? buffer : "");
    return is_there;
}

static bool
sni_of(const struct exchange *exchange, char buffer[QUERY_TEXT], struct slice *text)
{
    (void)buffer;
    *text = text_of(exchange->whole.sni);
    return text->len > 0;
}

/* The authority without its port. */
static bool
host_of(const struct exchange *exchange, char buffer[QUERY_TEXT], struct slice *text)
{
    (void)buffer;
    struct record record;
    size_t at = 0;
    const struct types_value *value = exchange_header(exchange, CATALOG_REQUEST_HEADER, text_of(":authority"), &at, &record);
    if (value == NULL || value->is_redacted)
        return false;
    *text = exchange_host(value->text);
    return text->len < value->text.len || value->number == value->text.len; /* or the end of it is missing */
}

const struct query_field query_fields[QUERY_FIELDS] = {
    {.name = "status", .number = status_of},
    {.name = "version", .number = version_of},
    {.name = "ttfb", .number = ttfb_of, .is_time = true},
    {.name = "duration", .number = duration_of, .is_time = true, .is_whole = true},
    {.name = "bytes", .number = bytes_of, .is_whole = true},
    {.name = "request_bytes", .number = request_bytes_of, .is_whole = true},
    {.name = "conn", .number = conn_of},
    {.name = "req", .number = req_of},
    {.name = "method", .header = ":method"},
    {.name = "scheme", .header = ":scheme"},
    {.name = "authority", .header = ":authority"},
    {.name = "host", .header = ":authority", .text = host_of},
    {.name = "path", .header = ":path"},
    {.name = "address", .text = address_of, .is_whole = true, .is_address = true},
    {.name = "port", .number = port_of, .is_whole = true},
    {.name = "sni", .text = sni_of, .is_whole = true},
    {.name = "incomplete", .number = incomplete_of},
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
text_fits(const struct query_node *node, const struct exchange *exchange)
{
    char buffer[QUERY_TEXT];
    struct types_value value = {0};
    bool is_there = node->field->text(exchange, buffer, &value.text);
    if (is_there && node->is_network)
        return condition_address_fits(&node->network, buffer);
    value.number = value.text.len;
    return is_there && value_fits(node, &value);
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
    bool is_text = node->field != NULL && node->field->text != NULL;
    bool fits = is_number ? number_fits(node, exchange) : is_text ? text_fits(node, exchange) : any_header_fits(node, exchange);
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
