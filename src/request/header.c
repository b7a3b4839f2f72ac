#include "request/header.h"

#include <string.h>

const uint64_t header_token_bits[2] = {0x03ff6cfa00000000 /* !#$%&'*+-. 0-9 */, 0x57ffffffc7fffffe /* A-Z ^_` a-z |~ */};

bool
header_is_token_byte(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (header_token_bits[byte / 64] >> byte % 64 & 1) != 0;
}

/* A pattern's parts before and behind its star. */
struct parts {
    struct slice head, tail;
    bool has_star;
};

static struct parts
split(const char *pattern)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL)
        return (struct parts){text_of(pattern), {0}, false};
    return (struct parts){{pattern, (size_t)(star - pattern)}, text_of(star + 1), true};
}

bool
header_is_pattern(const char *pattern)
{
    size_t stars = 0;
    for (const char *p = pattern; *p != '\0'; p++) {
        stars += *p == '*';
        if (!header_is_token_byte(*p) && *p != ':' && *p != '?')
            return false;
    }
    return *pattern != '\0' && stars <= 1 && strlen(pattern) <= 64;
}

/* How many of the next characters are compared in one go. */
static size_t
piece_size(struct slice part, size_t at)
{
    for (size_t size = 8; size > 1; size /= 2)
        if (part.len - at >= size && memchr(part.ptr + at, '?', size) == NULL)
            return size;
    return 1;
}

static bool
is_letter(unsigned char byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* Bit 0x20 makes letters small. It is set where the pattern has a letter: elsewhere it would make ^ and ~ equal, and the
 * program must find the same names as header_fits. */
static void
put_piece(struct outbuf *out, const char *bytes, size_t size, const char *address, size_t at)
{
    uint64_t small = 0, value = 0;
    for (size_t i = size; i-- > 0;) {
        unsigned char bit = is_letter((unsigned char)bytes[i]) ? 0x20 : 0;
        small = small << 8 | bit;
        value = value << 8 | (unsigned char)bytes[i] | bit;
    }
    text_printf(out, " && (%s%zu*)(%s + %zu) | %lu) == %lu", size == 8 ? "*(int" : "(int64)*(uint", size * 8, address, at,
                small, value);
}

static void
put_part(struct outbuf *out, struct slice part, const char *address, size_t from)
{
    for (size_t at = 0, size; at < part.len; at += size) {
        size = piece_size(part, at);
        if (part.ptr[at] != '?')
            put_piece(out, part.ptr + at, size, address, from + at);
    }
}

void
header_condition(struct outbuf *out, const char *pattern, const char *text, const char *len)
{
    struct parts parts = split(pattern);
    size_t least = parts.head.len + parts.tail.len;
    struct outbuf end = {0};
    text_printf(out, "(%s %s %zu", len, parts.has_star ? ">=" : "==", least);
    put_part(out, parts.head, text, 0);
    text_printf(&end, "%s + %s - %zu", text, len, parts.tail.len);
    text_putc(&end, '\0');
    put_part(out, parts.tail, end.ptr, 0);
    text_putc(out, ')');
    text_free(&end);
}

void
header_likely(struct outbuf *out, const char *pattern, const char *text, const char *len)
{
    struct parts parts = split(pattern);
    size_t size = piece_size(parts.head, 0);
    if (parts.has_star || size <= 1) {
        header_condition(out, pattern, text, len);
        return;
    }
    text_printf(out, "(%s == %zu", len, parts.head.len);
    put_piece(out, parts.head.ptr, size, text, 0);
    text_putc(out, ')');
}

void
header_prefix(struct outbuf *out, const char *prefix, const char *text)
{
    struct outbuf condition = {0};
    put_part(&condition, text_of(prefix), text, 0);
    text_put(out, (struct slice){condition.ptr + 4, condition.len - 4}); /* without the first " && " */
    text_free(&condition);
}

static unsigned char
small(unsigned char byte)
{
    return is_letter(byte) ? byte | 0x20 : byte;
}

static bool
part_fits(struct slice part, const char *name)
{
    for (size_t i = 0; i < part.len; i++)
        if (part.ptr[i] != '?' && small((unsigned char)part.ptr[i]) != small((unsigned char)name[i]))
            return false;
    return true;
}

const char *
header_in_request(const char *name)
{
    return strcasecmp(name, "host") == 0 ? ":authority" : name;
}

bool
header_fits(const char *pattern, struct slice name)
{
    struct parts parts = split(pattern);
    size_t least = parts.head.len + parts.tail.len;
    return name.len >= least && (parts.has_star || name.len == least) && part_fits(parts.head, name.ptr) &&
           part_fits(parts.tail, name.ptr + name.len - parts.tail.len);
}
