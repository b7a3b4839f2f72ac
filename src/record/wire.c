#include "record/wire.h"

#include <string.h>

/* clang-format off */
#define NONE_4 -1, -1, -1, -1
#define NONE_16 NONE_4, NONE_4, NONE_4, NONE_4
#define LETTERS 10, 11, 12, 13, 14, 15

const signed char wire_digit_values[256] = {
    NONE_16, NONE_16, NONE_16,                            /* 0x00 to 0x2f */
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, NONE_4,         /* from '0' */
    NONE_16, NONE_16,                                     /* from '@' */
    -1, LETTERS, -1, NONE_4, NONE_4,                      /* from '`' */
    NONE_16, NONE_16, NONE_16, NONE_16, NONE_16, NONE_16, /* from 'p' */
    NONE_16, NONE_16, NONE_16,                            /* 0xd0 to 0xff */
};
/* clang-format on */

void
wire_fail(struct wire *wire, enum wire_state why)
{
    if (wire->state == WIRE_GOOD)
        wire->state = why;
    wire->at = wire->end;
}

void
wire_mismatch(struct wire *wire, struct slice expected)
{
    size_t there = (size_t)(wire->end - wire->at);
    bool is_beginning = there < expected.len && memcmp(wire->at, expected.ptr, there) == 0;
    wire_fail(wire, is_beginning ? WIRE_SHORT : WIRE_DAMAGED);
}

uint64_t
wire_bad_number(struct wire *wire, bool is_too_long)
{
    wire_fail(wire, wire->at == wire->end && !is_too_long ? WIRE_SHORT : WIRE_DAMAGED);
    return 0;
}

static struct slice
no_text(struct wire *wire, enum wire_state why)
{
    wire_fail(wire, why);
    return (struct slice){0};
}

struct slice
wire_until(struct wire *wire, struct slice mark, size_t most)
{
    struct slice before = text_of(wire->is_map ? ", " : " ");
    most += before.len + mark.len;
    size_t there = (size_t)(wire->end - wire->at), len = there < most ? there : most;
    const char *found = memmem(wire->at, len, mark.ptr, mark.len);
    if (found == NULL)
        return no_text(wire, there < most ? WIRE_SHORT : WIRE_DAMAGED);
    if ((size_t)(found - wire->at) < before.len || memcmp(found - before.len, before.ptr, before.len) != 0)
        return no_text(wire, WIRE_DAMAGED);
    struct slice text = {wire->at, (size_t)(found - wire->at) - before.len};
    wire->at = found + mark.len;
    return text;
}

void
wire_hex(struct wire *wire, size_t len, char *bytes)
{
    struct slice text = wire_text(wire, len == 0 ? 0 : len * 3 - 1);
    for (size_t i = 0; wire->state == WIRE_GOOD && i < len; i++) {
        int high = wire_digit(text.ptr[3 * i]), low = wire_digit(text.ptr[3 * i + 1]);
        if (high < 0 || low < 0 || (i + 1 < len && text.ptr[3 * i + 2] != ' '))
            wire_fail(wire, WIRE_DAMAGED);
        else
            bytes[i] = (char)(high << 4 | low);
    }
}
