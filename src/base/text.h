#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns; any byte may occur, there is no NUL at the end. */
struct slice {
    const char *ptr;
    size_t len;
};

/* Append-only bytes. Start it as `struct outbuf out = {0}`; it grows to its high-water mark and is reused. */
struct outbuf {
    char *ptr;
    size_t len, cap;
};

struct mem;

/* The bytes as a string of the arena. The buffer is freed. */
const char *text_keep(struct outbuf *out, struct mem *mem);

bool text_equal(struct slice a, struct slice b);
bool text_is(struct slice a, const char *string);

/* Where `words` stand in it first; NULL: nowhere. */
const char *text_find(struct slice text, const char *words);

bool text_starts_with(struct slice text, const char *prefix);
bool text_ends_with(struct slice text, const char *suffix);

/* The text without the characters of `blanks` at its start, or at both ends. */
struct slice text_trim_start(struct slice text, const char *blanks);
struct slice text_trim(struct slice text, const char *blanks);

/* Drops the first `len` bytes of `rest`, which has so many. */
static inline void
text_skip(struct slice *rest, size_t len)
{
    rest->ptr += len;
    rest->len -= len;
}

/* Drops `prefix` from the start of `rest`. false: it does not stand there, and nothing is dropped. */
bool text_skip_prefix(struct slice *rest, const char *prefix);

/* Cuts what stands before the first `separator` off `rest`, and drops the separator. Without one all is cut off. */
struct slice text_cut(struct slice *rest, char separator);

/* Cuts the first line (without its LF) off `rest`. false: nothing is left. */
bool text_line(struct slice *rest, struct slice *line);

/* Cuts the next word off `rest`; blanks and tabs separate words. false: no word is left. */
bool text_word(struct slice *rest, struct slice *word);

/* A whole decimal number, 0 to `max`. false: `text` is something else. */
bool text_number(struct slice text, uint64_t max, uint64_t *number);

/* A time that is not 0, in milliseconds: "500ms", "1.5s", "5m", "1h"; a number alone is seconds. false: `text` is none. */
bool text_duration(struct slice text, uint64_t *ms);

/* Whether it is letters, digits and _ only, one at least. */
bool text_is_name(struct slice text);

/* FNV-1a. Begin with TEXT_HASH, and go on with what was returned. */
#define TEXT_HASH 14695981039346656037u
uint64_t text_hash(uint64_t hash, struct slice bytes);

/* Makes `len` more bytes fit. */
void text_grow(struct outbuf *out, size_t len);

/* The functions that every record needs many times are inline. */

/* Room for `len` more bytes, at out->ptr + out->len. */
static inline char *
text_reserve(struct outbuf *out, size_t len)
{
    if (out->cap - out->len < len)
        text_grow(out, len);
    return out->ptr + out->len;
}

static inline void
text_put(struct outbuf *out, struct slice text)
{
    if (text.len == 0)
        return;
    memcpy(text_reserve(out, text.len), text.ptr, text.len);
    out->len += text.len;
}

static inline void
text_putc(struct outbuf *out, char byte)
{
    *text_reserve(out, 1) = byte;
    out->len++;
}

static inline struct slice
text_of(const char *string)
{
    return (struct slice){string, strlen(string)};
}

static inline void
text_puts(struct outbuf *out, const char *string)
{
    text_put(out, text_of(string));
}

void text_put_u64(struct outbuf *out, uint64_t number);
void text_printf(struct outbuf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct outbuf *out);

/* How many LFs there are. */
size_t text_count_lines(struct slice text);

/* Appends untrusted bytes in a form that is safe on a terminal and can be undone: control bytes (C0, DEL, and C1 also as
 * U+0080 to U+009F), U+2028, U+2029, bidirectional controls and what is not valid UTF-8 as \xHH byte by byte, a backslash as
 * two. No other backslash is ever written, so `\[` can mark what h2olog adds itself. */
void text_escape(struct outbuf *out, struct slice text);

/* The first bytes of the text that text_escape would write as \xHH, tabs aside; empty: there are none. */
struct slice text_unsafe(struct slice text);

/* How many bytes at the start of `text` are printable ASCII, and neither a backslash nor `mark`, an ASCII character. */
size_t text_plain(struct slice text, char mark);

/* The bytes as lower-case hexadecimal digits. */
void text_put_hex(struct outbuf *out, struct slice bytes);

/* Characters that move the cursor, end a line or turn the direction of writing: a client must not do that to the reader. */
bool text_is_unsafe(uint32_t code);

/* The length in bytes of the UTF-8 sequence at the start of `text` (not empty) and its code point; 0 if it is not valid. */
size_t text_utf8(struct slice text, uint32_t *code);

#endif
