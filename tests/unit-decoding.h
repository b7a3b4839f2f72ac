#ifndef UNIT_DECODING_H
#define UNIT_DECODING_H

#include "record/decode.h"

#include "unit-fixture.h"

/* Decodes what a program prints, for the tests of the decoder.
 *
 * The events by id: 0 numbers, 1 two texts, 2 a NUL-terminated text, 3 bytes and a pointer that may be NULL, 4 a number that is
 * known by another. */

#define N "0123456789abcdef"

/* As much of a text as stands in a record. */
#define X104 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Everything that comes out, as text: "numbers 1 2 -3|" and so on. */
struct run {
    struct fixture fixture;
    struct decode *decode;
    struct outbuf seen;
};

/* How the next run begins. */
extern enum request_transport decoding_transport;
extern bool decoding_is_bare; /* the input is of before version 4 */

void decoding_begin(struct run *run);

/* In pieces of `step` bytes. */
void decoding_feed(struct run *run, const char *input, size_t len, size_t step);

/* All that is left comes out, too. */
void decoding_finish(struct run *run, const char *expected, uint64_t damaged);

void decoding_end(struct run *run);

void decoding_put_item(struct outbuf *out, const struct decode_item *item);

/* What comes out of `input`, in pieces of every size up to the whole. */
void decoding_check(const char *input, size_t len, const char *expected, uint64_t damaged);

#define CHECK(input, expected, damaged) decoding_check(input, sizeof(input) - 1, expected, damaged)

#define CHECK_BATCH(input, expected, damaged) \
    do {                                      \
        decoding_transport = REQUEST_BATCH;   \
        CHECK(input, expected, damaged);      \
        decoding_transport = REQUEST_STREAM;  \
    } while (0)

#endif
