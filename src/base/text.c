#include "base/text.h"

#include "base/mem.h"
#include "base/no_memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
text_keep(struct outbuf *out, struct mem *mem)
{
    const char *string = mem_strndup(mem, out->ptr, out->len);
    text_free(out);
    return string;
}

bool
text_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
text_is(struct slice a, const char *string)
{
    return text_equal(a, text_of(string));
}

const char *
text_find(struct slice text, const char *words)
{
    return text.len > 0 ? memmem(text.ptr, text.len, words, strlen(words)) : NULL;
}

bool
text_starts_with(struct slice text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && (len == 0 || memcmp(text.ptr, prefix, len) == 0);
}

bool
text_ends_with(struct slice text, const char *suffix)
{
    size_t len = strlen(suffix);
    return text.len >= len && (len == 0 || memcmp(text.ptr + text.len - len, suffix, len) == 0);
}

struct slice
text_trim_start(struct slice text, const char *blanks)
{
    while (text.len > 0 && memchr(blanks, *text.ptr, strlen(blanks)) != NULL)
        text_skip(&text, 1);
    return text;
}

struct slice
text_trim(struct slice text, const char *blanks)
{
    text = text_trim_start(text, blanks);
    while (text.len > 0 && memchr(blanks, text.ptr[text.len - 1], strlen(blanks)) != NULL)
        text.len--;
    return text;
}

bool
text_skip_prefix(struct slice *rest, const char *prefix)
{
    bool is_there = text_starts_with(*rest, prefix);
    if (is_there)
        text_skip(rest, strlen(prefix));
    return is_there;
}

struct slice
text_cut(struct slice *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct slice part = {rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len};
    text_skip(rest, part.len + (end != NULL));
    return part;
}

/* Not by text_cut, as it is called for each block of a recording. */
bool
text_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->ptr, '\n', rest->len);
    line->ptr = rest->ptr;
    line->len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    text_skip(rest, line->len + (end != NULL));
    return true;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool
text_word(struct slice *rest, struct slice *word)
{
    while (rest->len > 0 && is_blank(*rest->ptr))
        text_skip(rest, 1);
    word->ptr = rest->ptr;
    while (rest->len > 0 && !is_blank(*rest->ptr))
        rest->ptr++, rest->len--;
    word->len = (size_t)(rest->ptr - word->ptr);
    return word->len > 0;
}

bool
text_number(struct slice text, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (digit > 9 || digit > max || *number > max / 10 || *number * 10 > max - digit)
            return false;
        *number = *number * 10 + digit;
    }
    return text.len > 0;
}

static size_t
count_digits(struct slice text)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    return digits;
}

/* Cuts a number, with up to three digits behind a point, off the text. */
static bool
cut_thousandths(struct slice *text, uint64_t *thousandths)
{
    enum { MOST = 1000000 };
    uint64_t fraction = 0;
    size_t digits = count_digits(*text);
    if (!text_number((struct slice){text->ptr, digits}, MOST, thousandths))
        return false;
    text_skip(text, digits);
    *thousandths *= 1000;
    if (!text_skip_prefix(text, "."))
        return true;
    digits = count_digits(*text);
    if (digits > 3 || !text_number((struct slice){text->ptr, digits}, 999, &fraction))
        return false;
    text_skip(text, digits);
    for (; digits < 3; digits++)
        fraction *= 10;
    *thousandths += fraction;
    return true;
}

bool
text_duration(struct slice text, uint64_t *ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};
    uint64_t thousandths;
    if (!cut_thousandths(&text, &thousandths))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        *ms = thousandths * units[i].ms / 1000;
        if (text_is(text, units[i].name))
            return *ms > 0;
    }
    return false;
}

bool
text_is_name(struct slice text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (size_t i = 0; i < text.len; i++)
        if (memchr(letters, text.ptr[i], sizeof(letters) - 1) == NULL)
            return false;
    return text.len > 0;
}

uint64_t
text_hash(uint64_t hash, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * 1099511628211u;
    return hash;
}

void
text_grow(struct outbuf *out, size_t len)
{
    size_t cap = out->cap * 2 > out->len + len ? out->cap * 2 : out->len + len + 256;
    char *ptr = realloc(out->ptr, cap);
    if (ptr == NULL)
        no_memory();
    out->ptr = ptr;
    out->cap = cap;
}

void
text_put_u64(struct outbuf *out, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof(digits);
    for (; number >= 10; number /= 100)
        memcpy(digits + (at -= 2), pairs + number % 100 * 2, 2);
    if (number > 0 || at == sizeof(digits))
        digits[--at] = (char)('0' + number);
    text_put(out, (struct slice){digits + at, sizeof(digits) - at});
}

void
text_printf(struct outbuf *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t len = (size_t)vsnprintf(NULL, 0, format, args);
    vsnprintf(text_reserve(out, len + 1), len + 1, format, again);
    out->len += len;
    va_end(again);
    va_end(args);
}

void
text_free(struct outbuf *out)
{
    free(out->ptr);
    *out = (struct outbuf){0};
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t
text_utf8(struct slice text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text.ptr;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || text.len < len)
        return 0;
    *code = p[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return len;
}

void
text_put_hex(struct outbuf *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *at = text_reserve(out, bytes.len * 2);
    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = digits[(unsigned char)bytes.ptr[i] >> 4];
        *at++ = digits[bytes.ptr[i] & 15];
    }
    out->len += bytes.len * 2;
}

bool
text_is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void
put_hex(struct outbuf *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(out, "\\x%02x", (unsigned char)bytes.ptr[i]);
}

/* Whether each byte of the word is 0x20 to 0x7e, and neither a backslash nor `mark`. Borrows and carries begin only in bytes
 * that are not. */
static bool
is_plain_word(uint64_t word, char mark)
{
    const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    uint64_t is_low = word - ones * 0x20, is_high = (word + ones) | word;
    uint64_t is_backslash = (word ^ ones * '\\') - ones, is_mark = (word ^ ones * (unsigned char)mark) - ones;
    return ((is_low | is_high | is_backslash | is_mark) & high) == 0;
}

size_t
text_plain(struct slice text, char mark)
{
    size_t len = 0;
    for (uint64_t word; text.len >= sizeof(word); len += sizeof(word)) {
        bool is_last = len + sizeof(word) >= text.len;
        memcpy(&word, text.ptr + (is_last ? text.len - sizeof(word) : len), sizeof(word));
        if (!is_plain_word(word, mark))
            break;
        if (is_last)
            return text.len;
    }
    while (len < text.len && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7f && text.ptr[len] != '\\' && text.ptr[len] != mark)
        len++;
    return len;
}

struct slice
text_unsafe(struct slice text)
{
    for (size_t len; text.len > 0; text_skip(&text, len)) {
        uint32_t code;
        len = text_utf8(text, &code);
        if (len == 0 || (text_is_unsafe(code) && code != '\t'))
            return (struct slice){text.ptr, len == 0 ? 1 : len};
    }
    return text;
}

void
text_escape(struct outbuf *out, struct slice text)
{
    while (text.len > 0) {
        size_t len = text_plain(text, '\\');
        if (len > 0) {
            text_put(out, (struct slice){text.ptr, len});
        } else if (text.ptr[0] == '\\') {
            len = 1;
            text_puts(out, "\\\\");
        } else {
            uint32_t code;
            len = text_utf8(text, &code);
            if (len == 0 || text_is_unsafe(code))
                put_hex(out, (struct slice){text.ptr, len = len == 0 ? 1 : len});
            else
                text_put(out, (struct slice){text.ptr, len});
        }
        text_skip(&text, len);
    }
}

size_t
text_count_lines(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}
