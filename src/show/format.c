#include "show/format.h"

#include "base/clock.h"

#include <string.h>

static const struct format_row {
    const char *name;
    format_function *put, *put_loss;
} formats[] = {
    {"line", format_line, NULL}, /* a line is an event */
    {"json", format_json, format_json_loss},
};

bool
format_init(struct format *format, const char *name, struct format_options options)
{
    *format = (struct format){.options = options, .seq = 1, .paint = {.terminal = -1}};
    format->realtime_offset = clock_realtime_offset();
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(formats[i].name, name) == 0)
            format->row = &formats[i];
    return format->row != NULL;
}

bool
format_is_json(const struct format *format)
{
    return format->row->put_loss != NULL;
}

/* Bytes have a limit of their own and say so. */
int
format_count_cut(const struct record *record)
{
    int count = 0;
    for (int i = 0; record->event != NULL && i < record->event->layout.ntexts; i++) {
        int field = record->event->layout.texts[i];
        count +=
            !record->values[field].is_null && types_is_cut(record->event->probe->fields[field].type, &record->values[field]);
    }
    return count;
}

int
format_record(struct format *format, struct outbuf *out, const struct record *record)
{
    format_function *put = record->event != NULL ? format->row->put : format->row->put_loss;
    if (put == NULL)
        return 0;
    size_t from = out->len;
    put(format, out, record);
    text_putc(out, '\n');
    if (put == format_line && (format->paint.has_colors || format->paint.terminal >= 0))
        format_paint(format, out, from, record);
    format->seq++;
    return format_count_cut(record);
}

bool
format_is_there(const struct record *record, int field)
{
    return record->event->is_shown[field] &&
           !(record->event->probe->fields[field].is_optional && record->values[field].is_null);
}
