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

static bool
has_text(const struct record *record, size_t value)
{
    return record->event != NULL && record->event->is_shown[value];
}

void
hold_put(struct outbuf *out, const struct record *record)
{
    const struct head head = {record->event, record->nsecs, record->tid, record->pid};
    size_t values = values_of(record->event);
    text_put(out, (struct slice){(const char *)&head, sizeof(head)});
    text_put(out, (struct slice){(const char *)record->values, values * sizeof(*record->values)});
    for (size_t i = 0; i < values; i++)
        if (has_text(record, i))
            text_put(out, record->values[i].text);
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
    memcpy(record->values, at + len, values * sizeof(*record->values));
    len += values * sizeof(*record->values);
    for (size_t i = 0; i < values; i++) {
        if (!has_text(record, i))
            continue;
        record->values[i].text.ptr = at + len;
        len += record->values[i].text.len;
    }
    return aligned(len);
}
