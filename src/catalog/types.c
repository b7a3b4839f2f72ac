#include "catalog/types.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void
line_number(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    bool is_negative = type->is_signed && (int64_t)value->number < 0;
    if (is_negative)
        text_putc(out, '-');
    text_put_u64(out, is_negative ? 0 - value->number : value->number);
}

#define json_put_number line_number

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
line_cut(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    if (!types_is_cut(type, value))
        return;
    if (type->wire == TYPES_CSTR) {
        text_puts(out, "\\[cut]"); /* its length is not known */
        return;
    }
    text_puts(out, "\\[");
    text_put_u64(out, value->number - value->text.len);
    text_puts(out, " bytes cut]");
}

static void
line_text(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    if (value->is_redacted) {
        text_printf(out, "\\[%lu bytes redacted]", value->number);
        return;
    }
    text_escape(out, value->text);
    line_cut(out, type, value);
}

static void
json_text(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    (void)type;
    if (value->is_redacted)
        text_puts(out, "null");
    else
        json_string(out, value->text);
}

static void
line_hex(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    text_put_hex(out, value->text);
    line_cut(out, type, value);
}

static void
json_hex(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    (void)type;
    json_hex_string(out, value->text);
}

/* A preview is always cut, so no mark says so. */
static void
line_preview(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    (void)type;
    text_put_hex(out, value->text);
}

#define json_preview json_hex

/* The words are as the server's memory holds them; h2olog runs on the same machine. */
int
types_address(const uint64_t words[TYPES_ADDRESS_WORDS], char text[TYPES_ADDRESS_TEXT], unsigned *port)
{
    unsigned char bytes[24];
    uint32_t low[2] = {(uint32_t)words[0], (uint32_t)words[1]};
    memcpy(bytes, low, 8);
    memcpy(bytes + 8, &words[2], 16);
    uint16_t family, network_port;
    memcpy(&family, bytes, 2);
    memcpy(&network_port, bytes + 2, 2);
    *port = ntohs(network_port);
    *text = '\0';
    if (family == AF_INET || family == AF_INET6)
        inet_ntop(family, bytes + (family == AF_INET ? 4 : 8), text, TYPES_ADDRESS_TEXT);
    return family;
}

/* "127.0.0.1:443", "[::1]:443"; other families "family 1". */
static void
line_address(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    (void)type;
    uint64_t words[TYPES_ADDRESS_WORDS];
    char text[TYPES_ADDRESS_TEXT];
    unsigned port;
    memcpy(words, value->text.ptr, sizeof(words));
    int family = types_address(words, text, &port);
    if (*text == '\0')
        text_printf(out, "family %d", family);
    else
        text_printf(out, family == AF_INET ? "%s:%u" : "[%s]:%u", text, port);
}

static void
json_address(struct outbuf *out, const struct types_row *type, const struct types_value *value)
{
    text_putc(out, '"');
    line_address(out, type, value);
    text_putc(out, '"');
}

static const struct types_row rows[] = {
#define TYPE(name, wire, bits, is_signed, needs_len, limit, put_line, put_json, meaning) \
    {#name, TYPES_##wire, bits, is_signed, needs_len, limit, put_line, put_json, meaning},
#include "catalog/types.def"
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

const struct types_row *
types_integer(int size, bool is_signed)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].wire == TYPES_NUMBER && rows[i].bits == size * 8 && rows[i].is_signed == is_signed)
            return &rows[i];
    return NULL;
}

bool
types_is_http_version(const struct types_row *type)
{
    return type->put_line == line_http_version;
}

bool
types_needs_hex(const struct types_row *type, const struct types_value *value)
{
    if (type->wire != TYPES_TEXT && type->wire != TYPES_CSTR)
        return false;
    struct slice rest = value->text;
    for (uint32_t code; rest.len > 0;) {
        size_t len = text_plain(rest, '\\');
        len = len > 0 ? len : text_utf8(rest, &code);
        if (len == 0)
            return true;
        rest.ptr += len;
        rest.len -= len;
    }
    return false;
}

bool
types_is_cut(const struct types_row *type, const struct types_value *value)
{
    bool has_bytes = type->wire == TYPES_TEXT || type->wire == TYPES_CSTR || type->wire == TYPES_BYTES;
    return value->text.len < value->number && has_bytes && !value->is_redacted && type->put_line != line_preview;
}
