#ifndef WIRE_H
#define WIRE_H

#include "base/text.h"

/* The words that frames are made of; decode.h has the frames. A frame that the program prints has a blank before each word and
 * hexadecimal numbers, as "NONCE 1 a3 7f value". An entry of a map, as bpftrace prints it, has a comma and a blank between
 * words and decimal numbers, as "1, 163, 127, value". */

/* The word that begins every frame: 16 hexadecimal digits and a NUL. */
enum { WIRE_NONCE_SIZE = 17 };

enum wire_state {
    WIRE_GOOD,
    WIRE_SHORT,  /* the input ends before the frame does */
    WIRE_DAMAGED /* something else stands there than is expected */
};

/* What is left of the input. The byte at `end` can be read and is a NUL, so that a number ends there.
 *
 * Reading stops at the first word that is not as it should be: `state` then says why, and stays so. Whatever is read after it
 * is 0 or empty. So a frame can be read straight down, and `state` be looked at where it matters. */
struct wire {
    const char *at, *end;
    bool is_map; /* an entry of a map */
    enum wire_state state;
};

/* Nothing more can be read, unless that was so already. */
void wire_fail(struct wire *wire, enum wire_state why);

/* What every record needs many times is inline. */

/* `len` bytes of the input. */
static inline struct slice
wire_bytes(struct wire *wire, size_t len)
{
    if ((size_t)(wire->end - wire->at) < len) {
        wire_fail(wire, WIRE_SHORT);
        return (struct slice){0};
    }
    struct slice bytes = {wire->at, len};
    wire->at += len;
    return bytes;
}

/* The input does not go on with `expected`: it is short if it is the beginning of it. */
void wire_mismatch(struct wire *wire, struct slice expected);

/* Exactly these bytes. */
static inline void
wire_literal(struct wire *wire, const char *literal)
{
    struct slice expected = text_of(literal);
    if ((size_t)(wire->end - wire->at) < expected.len || memcmp(wire->at, expected.ptr, expected.len) != 0)
        wire_mismatch(wire, expected);
    else
        wire->at += expected.len;
}

/* What stands before a word. */
static inline void
wire_separator(struct wire *wire)
{
    if (wire->is_map)
        wire_literal(wire, ", ");
    else
        wire_literal(wire, " ");
}

/* By byte: a hexadecimal digit's value; -1: it is none. */
extern const signed char wire_digit_values[256];

static inline int
wire_digit(char byte)
{
    return wire_digit_values[(unsigned char)byte];
}

/* There are no digits, or more than a number has, or the input ends behind them, where more may follow. Returns 0. */
uint64_t wire_bad_number(struct wire *wire, bool is_too_long);

/* The value, if the digits from `start` to `at` are a number; it has `most` digits at most. */
static inline uint64_t
wire_end_number(struct wire *wire, const char *start, const char *at, size_t most, uint64_t value)
{
    size_t count = (size_t)(at - start);
    wire->at = at;
    return count - 1 < most && at < wire->end ? value : wire_bad_number(wire, count > most);
}

static inline uint64_t
wire_hexadecimal(struct wire *wire)
{
    enum { MOST = 16 }; /* digits of UINT64_MAX */
    const char *at = wire->at;
    uint64_t value = 0;
    for (int digit; (digit = wire_digit(*at)) >= 0; at++)
        value = value << 4 | (uint64_t)digit;
    return wire_end_number(wire, wire->at, at, MOST, value);
}

/* bpftrace prints some as signed. */
static inline uint64_t
wire_decimal(struct wire *wire)
{
    enum { MOST = 20 }; /* digits of UINT64_MAX */
    bool is_negative = *wire->at == '-';
    const char *start = wire->at + is_negative, *at = start;
    uint64_t value = 0;
    for (unsigned digit; (digit = (unsigned)*at - '0') <= 9; at++)
        value = value * 10 + digit;
    return wire_end_number(wire, start, at, MOST, is_negative ? 0 - value : value);
}

/* The digits of a number, at most 64 bits. */
static inline uint64_t
wire_digits(struct wire *wire)
{
    return wire->is_map ? wire_decimal(wire) : wire_hexadecimal(wire);
}

/* What stands before a word, and a number. */
static inline uint64_t
wire_number(struct wire *wire)
{
    wire_separator(wire);
    return wire_digits(wire);
}

/* What stands before a word, and `len` bytes of the input. */
static inline struct slice
wire_text(struct wire *wire, size_t len)
{
    wire_separator(wire);
    return wire_bytes(wire, len);
}

/* A text of `most` bytes at most. Behind it stand a separator and `mark`, which are read too. */
struct slice wire_until(struct wire *wire, struct slice mark, size_t most);

/* The same, with what stands before a word. */
static inline struct slice
wire_text_until(struct wire *wire, struct slice mark, size_t most)
{
    wire_separator(wire);
    return wire_until(wire, mark, most);
}

/* A blank, and `len` bytes as "61 00 62", which are written to `bytes`. For no bytes it is the blank alone. */
void wire_hex(struct wire *wire, size_t len, char *bytes);

#endif
