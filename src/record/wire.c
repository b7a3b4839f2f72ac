#include "record/wire.h"

#include <string.h>

const signed char wire_digit_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

enum wire_result
wire_mismatch(const struct wire *wire, struct slice expected)
{
    size_t there = (size_t)(wire->end - wire->at);
    return there < expected.len && memcmp(wire->at, expected.ptr, there) == 0 ? WIRE_MORE : WIRE_DAMAGED;
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
wire_text_until(struct wire *wire, struct slice mark, size_t most, struct slice *text)
{
    struct slice before = text_of(wire->is_map ? ", " : " ");
    enum wire_result result = wire_separator(wire);
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
        int high = wire_digit(text.ptr[3 * i]), low = wire_digit(text.ptr[3 * i + 1]);
        if (high < 0 || low < 0 || (i + 1 < len && text.ptr[3 * i + 2] != ' '))
            return WIRE_DAMAGED;
        bytes[i] = (char)(high << 4 | low);
    }
    return WIRE_DONE;
}
