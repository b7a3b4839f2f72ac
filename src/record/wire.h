#ifndef WIRE_H
#define WIRE_H

#include "base/text.h"

/* The words that frames are made of; decode.h has the frames. A frame that the program prints has a blank before each word and
 * hexadecimal numbers, as "NONCE 1 a3 7f value"; one that bpftrace prints of a map has a comma and a blank between words and
 * decimal numbers, as "1, 163, 127, value". */

/* The word that begins every frame: 16 hexadecimal digits and a NUL. */
enum { WIRE_NONCE_SIZE = 17 };

enum wire_result {
    WIRE_DONE,
    WIRE_SKIP,   /* taken, and nothing comes of it */
    WIRE_MORE,   /* the input ends before the frame does */
    WIRE_DAMAGED /* it is not as it should be */
};

/* What is left of the input; `at` goes forward only. The byte at `end` can be read and is a NUL: no word has one of those where
 * a digit may stand. What every record needs many times is inline. */
struct wire {
    const char *at, *end;
    bool is_map;
};

/* Each of these returns WIRE_DONE, WIRE_MORE or WIRE_DAMAGED; only in the first case `at` is at what follows. */

/* `len` bytes, to which `text` then points. */
static inline enum wire_result
wire_bytes(struct wire *wire, size_t len, struct slice *text)
{
    if ((size_t)(wire->end - wire->at) < len)
        return WIRE_MORE;
    *text = (struct slice){wire->at, len};
    wire->at += len;
    return WIRE_DONE;
}

/* Why these bytes do not stand here. */
enum wire_result wire_mismatch(const struct wire *wire, struct slice expected);

/* Exactly these bytes. */
static inline enum wire_result
wire_literal(struct wire *wire, const char *literal)
{
    struct slice expected = text_of(literal);
    if ((size_t)(wire->end - wire->at) < expected.len || memcmp(wire->at, expected.ptr, expected.len) != 0)
        return wire_mismatch(wire, expected);
    wire->at += expected.len;
    return WIRE_DONE;
}

/* What stands before a word. */
static inline enum wire_result
wire_separator(struct wire *wire)
{
    return wire->is_map ? wire_literal(wire, ", ") : wire_literal(wire, " ");
}

/* By byte: a digit's value plus one, so that what is none is 0. */
extern const signed char wire_digit_values[256];

/* -1: it is no hexadecimal digit. */
static inline int
wire_digit(char byte)
{
    return wire_digit_values[(unsigned char)byte] - 1;
}

/* Whether the digits from `start` to `at`, of which a number has `most`, are one. */
static inline enum wire_result
wire_end_number(struct wire *wire, const char *start, const char *at, size_t most)
{
    size_t count = (size_t)(at - start);
    wire->at = at;
    if (count - 1 < most && at < wire->end)
        return WIRE_DONE;
    return at == wire->end && count <= most ? WIRE_MORE : WIRE_DAMAGED;
}

static inline enum wire_result
wire_hexadecimal(struct wire *wire, uint64_t *number)
{
    enum { MOST = 16 }; /* digits of UINT64_MAX */
    const char *at = wire->at;
    uint64_t value = 0;
    for (int digit; (digit = wire_digit(*at)) >= 0; at++)
        value = value << 4 | (uint64_t)digit;
    *number = value;
    return wire_end_number(wire, wire->at, at, MOST);
}

/* bpftrace prints some as signed. */
static inline enum wire_result
wire_decimal(struct wire *wire, uint64_t *number)
{
    enum { MOST = 20 }; /* digits of UINT64_MAX */
    bool is_negative = *wire->at == '-';
    const char *start = wire->at + is_negative, *at = start;
    uint64_t value = 0;
    for (unsigned digit; (digit = (unsigned)*at - '0') <= 9; at++)
        value = value * 10 + digit;
    *number = is_negative ? 0 - value : value;
    return wire_end_number(wire, start, at, MOST);
}

/* The digits of a number, at most 64 bits. WIRE_MORE where the input ends, as more digits may follow. */
static inline enum wire_result
wire_digits(struct wire *wire, uint64_t *number)
{
    return wire->is_map ? wire_decimal(wire, number) : wire_hexadecimal(wire, number);
}

/* What stands before a word, and a number. */
static inline enum wire_result
wire_number(struct wire *wire, uint64_t *number)
{
    enum wire_result result = wire_separator(wire);
    return result == WIRE_DONE ? wire_digits(wire, number) : result;
}

enum wire_result wire_numbers(struct wire *wire, uint64_t *numbers, int count);

/* What stands before a word, and `len` bytes, to which `text` then points. */
static inline enum wire_result
wire_text(struct wire *wire, size_t len, struct slice *text)
{
    enum wire_result result = wire_separator(wire);
    return result == WIRE_DONE ? wire_bytes(wire, len, text) : result;
}

/* What stands before a word, and `most` bytes at most that end with what stands before a word and with `mark`. */
enum wire_result wire_text_until(struct wire *wire, struct slice mark, size_t most, struct slice *text);

/* A blank and `len` bytes as "61 00 62", or the blank alone; writes them to `bytes`. */
enum wire_result wire_hex(struct wire *wire, size_t len, char *bytes);

#endif
