#include "format.h"

void
format_line(struct outbuf *out, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    for (size_t i = 0; i < probe->npieces; i++) {
        const struct catalog_piece *piece = &probe->line[i];
        if (piece->field < 0) {
            text_put(out, piece->literal);
            continue;
        }
        const struct types_row *type = probe->fields[piece->field].type;
        type->put_line(out, type, &record->values[piece->field]);
    }
    text_putc(out, '\n');
}
