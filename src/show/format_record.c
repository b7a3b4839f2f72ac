#include "show/format_record.h"

#include "show/format_columns.h"
#include "show/format_json.h"
#include "show/format_line.h"

int
format_record(struct format *format, struct outbuf *out, const struct record *record)
{
    size_t from = out->len;
    if (format->is_json)
        (record->event != NULL ? format_json : format_json_loss)(format, out, record);
    else if (record->event == NULL)
        return 0;
    else {
        format_put_columns(format, out, record->nsecs, record->pid);
        format_line(format, out, record);
    }
    text_putc(out, '\n');
    if (!format->is_json && (format->paint.has_colors || format->paint.terminal >= 0))
        format_paint(format, out, from, record);
    format->seq++;
    return format_count_cut(record);
}

void
format_gap(struct format *format, struct outbuf *out, const struct gap *gap)
{
    format_json_gap(format, out, gap);
    text_putc(out, '\n');
    format->seq++;
}
