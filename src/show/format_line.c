#include "show/format_line.h"

#include "show/format_columns.h"

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

/* As the catalogue's "line" says. */
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
        if (fields[i] >= 0 && !record->values[fields[i]].is_null)
            put_value(out, record, fields[i]);
        else
            text_putc(out, '-');
        text_putc(out, ' ');
    }
}

/* Two columns, the tag, and "name=value". */
static void
put_named(const struct format *format, struct outbuf *out, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    const int fields[2] = {probe->field_of[CATALOG_CONN_ID], probe->field_of[CATALOG_REQ_ID]};
    put_columns(out, record, fields);
    text_puts(out, probe->tag);
    for (int i = 0; i < probe->nfields; i++) {
        if (i == fields[0] || i == fields[1] || !format_is_there(record, i) || i == record->event->time)
            continue;
        text_putc(out, ' ');
        text_puts(out, probe->fields[i].name);
        text_putc(out, '=');
        put_value(out, record, i);
        const char *label = format->options.names ? catalog_label(probe->fields[i].names, record->values[i].number) : NULL;
        if (label != NULL)
            text_printf(out, "(%s)", label);
    }
}

void
format_line(const struct format *format, struct outbuf *out, const struct record *record)
{
    if (record->event->probe->line != NULL)
        put_pieces(out, record);
    else
        put_named(format, out, record);
}

/* Where a word of the line stands, from 0. */
static struct paint_part
find_word(struct slice line, int index, enum paint_color color)
{
    struct slice rest = line, word = {line.ptr, 0};
    for (int i = 0; i <= index; i++)
        text_word(&rest, &word);
    size_t from = (size_t)(word.ptr - line.ptr);
    return (struct paint_part){from, from + word.len, color};
}

static enum paint_color
color_of_status(const struct record *record)
{
    int32_t status = (int32_t)record->values[record->event->probe->field_of[CATALOG_STATUS]].number;
    return status >= 500 ? PAINT_BAD : status >= 400 ? PAINT_ODD : PAINT_GOOD;
}

/* Events that tell of trouble. */
static bool
is_odd(const char *tag)
{
    static const char *const words[] = {"lost", "error", "reset", "fail", "close_send", "close_receive", "alert"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(tag, words[i]) != NULL)
            return true;
    return false;
}

void
format_paint(const struct format *format, struct outbuf *out, size_t from, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    const struct slice line = {out->ptr + from, out->len - from - 1};
    int tag = format_count_columns(format) + 2;
    struct paint_part part = find_word(line, tag, is_odd(probe->tag) ? PAINT_ODD : PAINT_PLAIN);
    if (probe->role == CATALOG_RESPONSE)
        part = (struct paint_part){part.from, line.len, color_of_status(record)};
    else if (probe->role == CATALOG_REQUEST_HEADER || probe->role == CATALOG_RESPONSE_HEADER)
        part = find_word(line, tag + 1, PAINT_DIM);
    paint_line(&format->paint, out, from, part);
}
