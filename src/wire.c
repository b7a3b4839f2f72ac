#include "wire.h"

#include <string.h>

/* The value of a digit plus one, so that what is none is 0. */
static const unsigned char digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static int
digit(char c)
{
    return digits[(unsigned char)c] - 1;
}

static enum wire_result
hex_digits(struct wire *wire, uint64_t *number)
{
    const char *start = wire->at, *at = start;
    uint64_t value = 0;
    for (; at < wire->end && digit(*at) >= 0; at++)
        value = value << 4 | (uint64_t)digit(*at);
    wire->at = at;
    *number = value;
    if (at == wire->end && at - start <= 16)
        return WIRE_MORE;
    return at - start >= 1 && at - start <= 16 ? WIRE_DONE : WIRE_DAMAGED;
}

/* bpftrace prints some as signed. */
static enum wire_result
decimal_digits(struct wire *wire, uint64_t *number)
{
    enum { MOST = 20 }; /* digits of UINT64_MAX */
    const char *at = wire->at;
    bool is_negative = at < wire->end && *at == '-';
    const char *start = at += is_negative;
    uint64_t value = 0;
    for (; at < wire->end && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    wire->at = at;
    *number = is_negative ? 0 - value : value;
    if (at == wire->end && at - start <= MOST)
        return WIRE_MORE;
    return at - start >= 1 && at - start <= MOST ? WIRE_DONE : WIRE_DAMAGED;
}

enum wire_result
wire_digits(struct wire *wire, uint64_t *number)
{
    return wire->is_map ? decimal_digits(wire, number) : hex_digits(wire, number);
}

static struct slice
separator(const struct wire *wire)
{
    return wire->is_map ? (struct slice){", ", 2} : (struct slice){" ", 1};
}

static enum wire_result
take(struct wire *wire, struct slice expected)
{
    for (size_t i = 0; i < expected.len; i++, wire->at++) {
        if (wire->at == wire->end)
            return WIRE_MORE;
        if (*wire->at != expected.ptr[i])
            return WIRE_DAMAGED;
    }
    return WIRE_DONE;
}

enum wire_result
wire_literal(struct wire *wire, const char *literal)
{
    return take(wire, text_of(literal));
}

enum wire_result
wire_number(struct wire *wire, uint64_t *number)
{
    enum wire_result result = take(wire, separator(wire));
    return result == WIRE_DONE ? wire_digits(wire, number) : result;
}

enum wire_result
wire_numbers(struct wire *wire, uint64_t *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        enum wire_result result = wire_number(wire, &numbers[i]);
        if (result != WIRE_DONE)
            return result;
    }
    return WIRE_DONE;
}

enum wire_result
wire_bytes(struct wire *wire, size_t len, struct slice *text)
{
    if ((size_t)(wire->end - wire->at) < len)
        return WIRE_MORE;
    *text = (struct slice){wire->at, len};
    wire->at += len;
    return WIRE_DONE;
}

enum wire_result
wire_text(struct wire *wire, size_t len, struct slice *text)
{
    enum wire_result result = take(wire, separator(wire));
    return result == WIRE_DONE ? wire_bytes(wire, len, text) : result;
}

enum wire_result
wire_text_until(struct wire *wire, struct slice mark, size_t most, struct slice *text)
{
    struct slice before = separator(wire);
    enum wire_result result = take(wire, before);
    if (result != WIRE_DONE)
        return result;
    most += before.len + mark.len;
    size_t there = (size_t)(wire->end - wire->at), len = there < most ? there : most;
    const char *found = memmem(wire->at, len, mark.ptr, mark.len);
    if (found == NULL)
        return there < most ? WIRE_MORE : WIRE_DAMAGED;
    if ((size_t)(found - wire->at) < before.len || memcmp(found - before.len, before.ptr, before.len) != 0)
        return WIRE_DAMAGED;
    *text = (struct slice){wire->at, (size_t)(found - wire->at) - before.len};
    wire->at = found + mark.len;
    return WIRE_DONE;
}

enum wire_result
wire_hex(struct wire *wire, size_t len, char *bytes)
{
    struct slice text;
    enum wire_result result = wire_text(wire, len == 0 ? 0 : len * 3 - 1, &text);
    if (result != WIRE_DONE)
        return result;
    for (size_t i = 0; i < len; i++) {
        int high = digit(text.ptr[3 * i]), low = digit(text.ptr[3 * i + 1]);
        if (high < 0 || low < 0 || (i + 1 < len && text.ptr[3 * i + 2] != ' '))
            return WIRE_DAMAGED;
        bytes[i] = (char)(high << 4 | low);
    }
    return WIRE_DONE;
}
