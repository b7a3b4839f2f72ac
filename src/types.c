#include "types.h"

static void
line_number(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    bool is_negative = type->is_signed && (int64_t)value->number < 0;
    if (is_negative)
        text_putc(out, '-');
    text_put_u64(out, is_negative ? 0 - value->number : value->number);
}

/* major * 256 + minor */
static void
line_http_version(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    (void)type;
    text_puts(out, "HTTP/");
    text_put_u64(out, value->number >> 8);
    text_putc(out, '.');
    text_put_u64(out, value->number & 0xff);
}

static void
line_text(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    (void)type;
    text_escape(out, value->text);
    if (value->text.len < value->number) {
        text_puts(out, "\\[");
        text_put_u64(out, value->number - value->text.len);
        text_puts(out, " bytes cut]");
    }
}

static const struct types_row rows[] = {
#define TYPE(name, wire, bits, is_signed, needs_len, put_line) {#name, TYPES_##wire, bits, is_signed, needs_len, put_line},
#include "types.def"
#undef TYPE
};

const struct types_row *
types_find(struct slice name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (text_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

uint64_t
types_number(const struct types_row *type, uint64_t number)
{
    int unused = 64 - type->bits;
    if (type->is_signed)
        return (uint64_t)((int64_t)(number << unused) >> unused);
    return number << unused >> unused;
}
