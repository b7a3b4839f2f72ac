#include "format.h"

#include <string.h>

static void
put_value(struct outbuf *out, const struct record *record, int field)
{
    const struct types_row *type = record->event->probe->fields[field].type;
    const struct types_value *value = &record->values[field];
    if (!record->event->is_shown[field])
        text_putc(out, '-');
    else if (value->is_null)
        text_puts(out, "null");
    else
        type->put_line(out, type, value);
}

static void
put_pieces(struct outbuf *out, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    for (size_t i = 0; i < probe->npieces; i++) {
        if (probe->line[i].field < 0)
            text_put(out, probe->line[i].literal);
        else
            put_value(out, record, probe->line[i].field);
    }
}

static void
put_columns(struct outbuf *out, const struct record *record, const int fields[2])
{
    for (int i = 0; i < 2; i++) {
        if (fields[i] >= 0)
            put_value(out, record, fields[i]);
        else
            text_putc(out, '-');
        text_putc(out, ' ');
    }
}

static void
put_usual(const struct format *format, struct outbuf *out, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    const int fields[2] = {catalog_column(probe, 0), catalog_column(probe, 1)};
    put_columns(out, record, fields);
    text_puts(out, probe->tag);
    for (int i = 0; i < probe->nfields; i++) {
        if (i == fields[0] || i == fields[1] || !format_is_there(record, i) || format_is_time(&probe->fields[i]))
            continue;
        text_printf(out, " %s=", probe->fields[i].name);
        put_value(out, record, i);
        const char *label = format->options.names ? catalog_label(probe->fields[i].names, record->values[i].number) : NULL;
        if (label != NULL)
            text_printf(out, "(%s)", label);
    }
}

void
format_line(struct format *format, struct outbuf *out, const struct record *record)
{
    if (format->options.extra) {
        text_put_u64(out, (uint64_t)record->pid);
        text_putc(out, ' ');
    }
    if (record->event->probe->line != NULL)
        put_pieces(out, record);
    else
        put_usual(format, out, record);
}
