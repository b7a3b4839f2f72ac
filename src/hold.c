#include "hold.h"

#include <string.h>

/* What stands before the values. */
struct head {
    const struct plan_event *event;
    uint64_t nsecs, tid;
    pid_t pid;
};

static size_t
aligned(size_t len)
{
    return (len + 15) & ~(size_t)15;
}

/* A loss has one value. */
static size_t
values_of(const struct plan_event *event)
{
    return event != NULL ? (size_t)event->probe->nfields : 1;
}

/* Most values have no address behind the rest. */
enum { PLAIN = offsetof(struct types_value, address) };

static bool
has_address(const struct record *record, size_t value)
{
    return record->event != NULL && record->event->probe->fields[value].type->wire == TYPES_ADDRESS;
}

static bool
has_text(const struct record *record, size_t value)
{
    return record->event != NULL && record->event->is_shown[value];
}

static void
put_bytes(struct outbuf *out, const void *bytes, size_t len)
{
    text_put(out, (struct slice){bytes, len});
}

void
hold_put(struct outbuf *out, const struct record *record)
{
    const struct head head = {record->event, record->nsecs, record->tid, record->pid};
    size_t values = values_of(record->event);
    put_bytes(out, &head, sizeof(head));
    for (size_t i = 0; i < values; i++) {
        put_bytes(out, &record->values[i], PLAIN);
        if (has_address(record, i))
            put_bytes(out, record->values[i].address, sizeof(record->values[i].address));
        if (has_text(record, i))
            text_put(out, record->values[i].text);
    }
    text_reserve(out, 16);
    out->len = aligned(out->len);
}

size_t
hold_get(const char *at, struct record *record)
{
    struct head head;
    memcpy(&head, at, sizeof(head));
    size_t values = values_of(head.event), len = sizeof(head);
    record->event = head.event;
    record->nsecs = head.nsecs;
    record->tid = head.tid;
    record->pid = head.pid;
    for (size_t i = 0; i < values; i++) {
        struct types_value *value = &record->values[i];
        memcpy(value, at + len, PLAIN);
        len += PLAIN;
        if (has_address(record, i)) {
            memcpy(value->address, at + len, sizeof(value->address));
            len += sizeof(value->address);
        }
        if (!has_text(record, i))
            continue;
        value->text.ptr = at + len;
        len += value->text.len;
    }
    return aligned(len);
}
