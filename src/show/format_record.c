#include "show/format_record.h"

#include "show/format_json.h"
#include "show/format_line.h"

int
format_record(struct format *format, struct outbuf *out, const struct record *record)
{
    size_t from = out->len;
    if (format->is_json)
        (record->event != NULL ? format_json : format_json_loss)(format, out, record);
    else if (record->event != NULL)
        format_line(format, out, record);
    else
        return 0;
    text_putc(out, '\n');
    if (!format->is_json && (format->paint.has_colors || format->paint.terminal >= 0))
        format_paint(format, out, from, record);
    format->seq++;
    return format_count_cut(record);
}
