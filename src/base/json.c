#include "base/json.h"

static void
put_escaped(struct outbuf *out, uint32_t code)
{
    if (code > 0xffff) {
        code -= 0x10000;
        text_printf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
    } else {
        text_printf(out, "\\u%04x", code);
    }
}

static void
put_character(struct outbuf *out, struct slice bytes, uint32_t code)
{
    if (code == '"' || code == '\\') {
        text_putc(out, '\\');
        text_putc(out, (char)code);
    } else if (text_is_unsafe(code)) {
        put_escaped(out, code);
    } else {
        text_put(out, bytes);
    }
}

void
json_string(struct outbuf *out, struct slice text)
{
    text_putc(out, '"');
    while (text.len > 0) {
        size_t len = text_plain(text, '"');
        text_put(out, (struct slice){text.ptr, len});
        text_skip(&text, len);
        if (text.len == 0)
            break;
        uint32_t code;
        len = text_utf8(text, &code);
        if (len == 0)
            text_puts(out, "\xef\xbf\xbd");
        else
            put_character(out, (struct slice){text.ptr, len}, code);
        text_skip(&text, len == 0 ? 1 : len);
    }
    text_putc(out, '"');
}

void
json_hex_string(struct outbuf *out, struct slice bytes)
{
    text_putc(out, '"');
    text_put_hex(out, bytes);
    text_putc(out, '"');
}

void
json_key(struct outbuf *out, const char *name, const char *suffix)
{
    text_putc(out, '"');
    text_puts(out, name);
    text_puts(out, suffix);
    text_puts(out, "\": ");
}
