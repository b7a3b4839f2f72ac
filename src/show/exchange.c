#include "show/exchange.h"

#include <string.h>
#include <strings.h>

/* By bit of `enum exchange_part`. */
enum { PARTS = 4 };
static const char *const part_names[PARTS] = {"request", "request-headers", "response", "response-headers"};

/* Larger buffers are not kept for the next exchange. */
enum { KEPT = 64 * 1024 };

void
exchange_ask(struct exchange_fields *fields, struct exchange_field field, struct mem *mem)
{
    fields->items = mem_grow(mem, fields->items, fields->count, sizeof(field));
    fields->items[fields->count++] = field;
}

void
exchange_touch(struct exchange *exchange, const struct record *record)
{
    if (exchange->begun == 0)
        exchange->begun = record->nsecs;
    exchange->last = record->nsecs;
}

void
exchange_add(struct exchange *exchange, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    exchange_touch(exchange, record);
    if (probe->role == CATALOG_REQUEST) {
        exchange->requested = record->nsecs;
        exchange->http_version = record->values[probe->field_of[CATALOG_HTTP_VERSION]].number;
    } else if (probe->role == CATALOG_RESPONSE) {
        exchange->responded = record->nsecs;
        exchange->status = (int32_t)record->values[probe->field_of[CATALOG_STATUS]].number;
    }
    if (probe->role == CATALOG_RESPONSE || probe->role == CATALOG_RESPONSE_HEADER)
        exchange->tid = record->tid;
    record_copy_put(&exchange->records, record);
}

void
exchange_clear(struct exchange *exchange)
{
    struct outbuf records = exchange->records;
    if (records.cap > KEPT)
        text_free(&records);
    records.len = 0;
    *exchange = (struct exchange){.records = records};
}

bool
exchange_next(const struct exchange *exchange, size_t *at, struct record *record)
{
    if (*at >= exchange->records.len)
        return false;
    *at += record_copy_get(exchange->records.ptr + *at, record);
    return true;
}

bool
exchange_is_named(const struct record *record, struct slice name)
{
    const struct types_value *found = &record->values[record->event->probe->field_of[CATALOG_HEADER_NAME]];
    return found->number == name.len && found->text.len == name.len && strncasecmp(found->text.ptr, name.ptr, name.len) == 0;
}

const struct types_value *
exchange_header(const struct exchange *exchange, enum catalog_role role, struct slice name, size_t *at, struct record *record)
{
    while (exchange_next(exchange, at, record)) {
        const struct catalog_probe *probe = record->event->probe;
        if (probe->role != role)
            continue;
        if (exchange_is_named(record, name))
            return &record->values[probe->field_of[CATALOG_HEADER_VALUE]];
    }
    return NULL;
}

void
exchange_put_incomplete(const struct exchange *exchange, struct outbuf *out, const char *separator)
{
    const char *before = "";
    for (int i = 0; i < PARTS; i++) {
        if ((exchange->incomplete >> i & 1) == 0)
            continue;
        text_puts(out, before);
        text_puts(out, part_names[i]);
        before = separator;
    }
}

bool
exchange_number(const struct exchange *exchange, int field, uint64_t *number)
{
    *number = exchange->whole.numbers[field];
    return exchange->whole.is_there && *number != WHOLE_UNKNOWN;
}

bool
exchange_between(const struct exchange *exchange, int from, int until, int64_t *usec)
{
    uint64_t begin, end;
    *usec = 0;
    bool is_there = exchange_number(exchange, from, &begin) && exchange_number(exchange, until, &end) && begin != 0 && end != 0;
    if (is_there)
        *usec = (int64_t)(end - begin);
    return is_there;
}

bool
exchange_address(const struct exchange *exchange, char text[TYPES_ADDRESS_TEXT], unsigned *port)
{
    if (!exchange->whole.is_there)
        return false;
    types_address(exchange->whole.address, text, port);
    return *text != '\0';
}

bool
exchange_ttfb_ns(const struct exchange *exchange, int64_t *ns)
{
    bool is_there = exchange->requested != 0 && exchange->responded != 0;
    if (!exchange->whole.is_there) {
        *ns = (int64_t)(exchange->responded - exchange->requested);
        return is_there;
    }
    /* h2o notes a start of the response, too, when it gives a request up. */
    is_there = exchange_between(exchange, WHOLE_BEGIN_AT, WHOLE_RESPONSE_START_AT, ns) && exchange->responded != 0;
    *ns *= 1000;
    return is_there;
}

bool
exchange_ttfb(const struct exchange *exchange, double *ms)
{
    int64_t ns = 0;
    bool is_there = exchange_ttfb_ns(exchange, &ns);
    *ms = (double)ns / 1e6;
    return is_there;
}

struct slice
exchange_host(struct slice authority)
{
    bool is_in_brackets = authority.len > 0 && *authority.ptr == '[';
    const char *from = is_in_brackets ? memchr(authority.ptr, ']', authority.len) : authority.ptr;
    const char *end = from != NULL ? memchr(from, ':', authority.len - (size_t)(from - authority.ptr)) : NULL;
    return end == NULL ? authority : (struct slice){authority.ptr, (size_t)(end - authority.ptr)};
}
