#include "show/exchange.h"

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
exchange_add(struct exchange *exchange, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    if (exchange->records.len == 0)
        exchange->begun = record->nsecs;
    exchange->last = record->nsecs;
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
exchange_ttfb(const struct exchange *exchange, double *ms)
{
    if (exchange->requested == 0 || exchange->responded == 0)
        return false;
    *ms = (double)(int64_t)(exchange->responded - exchange->requested) / 1e6;
    return true;
}
