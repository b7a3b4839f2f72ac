#include "show/format_json.h"

#include "base/json.h"

void
format_json_time(const struct format *format, struct outbuf *out, uint64_t nsecs)
{
    text_put_u64(out, wall_time(&format->wall, nsecs) / 1000000);
}

/* Milliseconds since 1970: the server's own time where the event carries one, else when it was seen. What h2o does outside of a
 * loop of its own over packets, it does at 0. */
static void
put_time(const struct format *format, struct outbuf *out, const struct record *record)
{
    const int time = record->event->time;
    text_puts(out, "{\"at\": ");
    if (time < 0 || record->values[time].number == 0) {
        format_json_time(format, out, record->nsecs);
        return;
    }
    const struct types_row *type = record->event->probe->fields[time].type;
    type->put_json(out, type, &record->values[time]);
}

void
format_json_member(struct outbuf *out, const char *name, const char *suffix)
{
    text_puts(out, ", ");
    json_key(out, name, suffix);
}

void
format_json_companions(const struct format *format, struct outbuf *out, const struct record *record, int index,
                       const char *name)
{
    const struct catalog_field *field = &record->event->probe->fields[index];
    const struct types_value *value = &record->values[index];
    if (types_needs_hex(field->type, value)) {
        format_json_member(out, name, "_hex");
        json_hex_string(out, value->text);
    }
    if (value->is_redacted) {
        format_json_member(out, name, "_redacted");
        text_putc(out, '1');
        format_json_member(out, name, "_len");
        text_put_u64(out, value->number);
    }
    if (types_is_cut(field->type, value) && plan_length_field(record->event, field) < 0) {
        format_json_member(out, name, "_len");
        if (field->type->wire == TYPES_CSTR)
            text_puts(out, "null"); /* nobody knows */
        else
            text_put_u64(out, value->number);
    }
    const char *label = format->options.names ? catalog_label(field->names, value->number) : NULL;
    if (label != NULL) {
        format_json_member(out, name, "_name");
        json_string(out, text_of(label));
    }
}

static void
put_field(const struct format *format, struct outbuf *out, const struct record *record, int index)
{
    const struct catalog_field *field = &record->event->probe->fields[index];
    const struct types_value *value = &record->values[index];
    text_put(out, record->event->keys[index]);
    if (value->is_null) {
        text_puts(out, "null");
        return;
    }
    field->type->put_json(out, field->type, value);
    if (field->type->wire != TYPES_NUMBER || format->options.names)
        format_json_companions(format, out, record, index, field->name);
}

static void
put_pid(struct outbuf *out, pid_t pid)
{
    text_puts(out, ", \"pid\": ");
    text_put_u64(out, (uint64_t)pid);
}

static void
put_all_extra(const struct format *format, struct outbuf *out, const struct record *record)
{
    if (record->event != NULL) {
        text_puts(out, ", \"provider\": \"");
        text_puts(out, record->event->probe->provider);
        text_putc(out, '"');
    }
    put_pid(out, record->pid);
    if (record->event != NULL) {
        text_puts(out, ", \"tid\": ");
        text_put_u64(out, record->tid);
    }
    text_puts(out, ", \"seq\": ");
    text_put_u64(out, format->seq);
    text_puts(out, ", \"nsecs\": ");
    text_put_u64(out, record->nsecs);
}

static void
put_extra(const struct format *format, struct outbuf *out, const struct record *record)
{
    if (*format->sample != '\0')
        text_puts(out, format->sample);
    if (format->options.extra)
        put_all_extra(format, out, record);
    else if (format->options.has_servers)
        put_pid(out, record->pid);
}

void
format_json(const struct format *format, struct outbuf *out, const struct record *record)
{
    const struct plan_event *event = record->event;
    put_time(format, out, record);
    text_put(out, event->type_key);
    for (int i = 0; i < event->nshown; i++)
        if (event->shown[i].index != event->time && format_is_there(record, event->shown[i].index))
            put_field(format, out, record, event->shown[i].index);
    put_extra(format, out, record);
    text_putc(out, '}');
}

/* The beginning of what h2olog says by itself. */
static void
begin_own(const struct format *format, struct outbuf *out, uint64_t nsecs, const char *type)
{
    text_putc(out, '{');
    json_key(out, "at", "");
    format_json_time(format, out, nsecs);
    text_printf(out, ", \"type\": \"%s\"", type);
}

void
format_json_loss(const struct format *format, struct outbuf *out, const struct record *record)
{
    begin_own(format, out, record->nsecs, "h2olog-event-lost");
    text_puts(out, ", \"lost\": ");
    text_put_u64(out, record->values[RECORD_LOST].number);
    put_extra(format, out, record);
    text_putc(out, '}');
}

void
format_json_gap(const struct format *format, struct outbuf *out, const struct gap *gap)
{
    begin_own(format, out, gap->to, "h2olog-gap");
    put_pid(out, gap->pid);
    text_puts(out, ", \"from\": ");
    format_json_time(format, out, gap->from);
    text_puts(out, ", \"to\": ");
    format_json_time(format, out, gap->to);
    if (format->options.extra)
        text_printf(out, ", \"seq\": %lu, \"nsecs\": %lu", format->seq, gap->to);
    text_putc(out, '}');
}
