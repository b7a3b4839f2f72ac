#include "record/record_copy.h"

#include <string.h>

/* What a copy begins with. */
struct head {
    const struct plan_event *event;
    uint64_t nsecs, tid;
    pid_t pid;
};

/* A value. The bytes of its text stand behind it. */
struct kept {
    uint64_t number;
    uint32_t len;
    bool is_null, is_redacted;
};

static const struct plan_field of_loss[RECORD_LOSS_VALUES] = {{.index = RECORD_LOST}, {.index = RECORD_LOST_UNTIL}};

/* The fields whose values are set. */
static const struct plan_field *
shown(const struct plan_event *event, int *count)
{
    *count = event != NULL ? event->nshown : RECORD_LOSS_VALUES;
    return event != NULL ? event->shown : of_loss;
}

static size_t
aligned(size_t len)
{
    return (len + 15) & ~(size_t)15;
}

/* How many bytes the copy needs at most. */
static size_t
room(const struct record *record, const struct plan_field *values, int count)
{
    size_t len = sizeof(struct head) + (size_t)count * sizeof(struct kept) + 16;
    for (int i = 0; i < count; i++)
        len += record->values[values[i].index].text.len;
    return len;
}

static char *
put(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

void
record_copy_put(struct outbuf *out, const struct record *record)
{
    const struct head head = {record->event, record->nsecs, record->tid, record->pid};
    int count;
    const struct plan_field *values = shown(record->event, &count);
    char *start = text_reserve(out, room(record, values, count)), *at = put(start, &head, sizeof(head));
    for (int i = 0; i < count; i++) {
        const struct types_value *value = &record->values[values[i].index];
        const struct kept kept = {value->number, (uint32_t)value->text.len, value->is_null, value->is_redacted};
        at = put(at, &kept, sizeof(kept));
        if (value->text.len > 0)
            at = put(at, value->text.ptr, value->text.len);
    }
    out->len += aligned((size_t)(at - start));
}

size_t
record_copy_get(const char *start, struct record *record)
{
    struct head head;
    memcpy(&head, start, sizeof(head));
    record->event = head.event;
    record->nsecs = head.nsecs;
    record->tid = head.tid;
    record->pid = head.pid;
    const char *at = start + sizeof(head);
    int count;
    const struct plan_field *values = shown(head.event, &count);
    for (int i = 0; i < count; i++) {
        struct kept kept;
        memcpy(&kept, at, sizeof(kept));
        at += sizeof(kept);
        record->values[values[i].index] = (struct types_value){kept.number, {at, kept.len}, kept.is_null, kept.is_redacted};
        at += kept.len;
    }
    return aligned((size_t)(at - start));
}

int
record_field(const struct record *record, const char *name)
{
    const struct catalog_probe *probe = record->event->probe;
    for (int i = 0; i < probe->nfields; i++)
        if (record->event->is_shown[i] && strcmp(probe->fields[i].name, name) == 0)
            return i;
    return -1;
}
