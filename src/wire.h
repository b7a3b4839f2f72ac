#ifndef WIRE_H
#define WIRE_H

#include "text.h"

/* The words that frames are made of; decode.h has the frames. A frame that the program prints has a blank before each word and
 * hexadecimal numbers, as "NONCE 1 a3 7f value"; one that bpftrace prints of a map has a comma and a blank between words and
 * decimal numbers, as "1, 163, 127, value". */

enum wire_result {
    WIRE_DONE,
    WIRE_SKIP,   /* taken, and nothing comes of it */
    WIRE_MORE,   /* the input ends before the frame does */
    WIRE_DAMAGED /* it is not as it should be */
};

/* What is left of the input; `at` goes forward only. */
struct wire {
    const char *at, *end;
    bool is_map;
};

/* Each of these returns WIRE_DONE, WIRE_MORE or WIRE_DAMAGED. */

/* The digits of a number, at most 64 bits. WIRE_MORE where the input ends, as more digits may follow. */
enum wire_result wire_digits(struct wire *wire, uint64_t *number);

/* What stands before a word, and a number. */
enum wire_result wire_number(struct wire *wire, uint64_t *number);
enum wire_result wire_numbers(struct wire *wire, uint64_t *numbers, int count);

/* Exactly these bytes. */
enum wire_result wire_literal(struct wire *wire, const char *literal);

/* `len` bytes, to which `text` then points. */
enum wire_result wire_bytes(struct wire *wire, size_t len, struct slice *text);

/* What stands before a word, and `len` bytes, to which `text` then points. */
enum wire_result wire_text(struct wire *wire, size_t len, struct slice *text);

/* What stands before a word, and `most` bytes at most that end with what stands before a word and with `mark`. */
enum wire_result wire_text_until(struct wire *wire, struct slice mark, size_t most, struct slice *text);

/* A blank and `len` bytes as "61 00 62", or the blank alone; writes them to `bytes`. */
enum wire_result wire_hex(struct wire *wire, size_t len, char *bytes);

#endif
