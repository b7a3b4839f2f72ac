/* A place in a line of a script: reading words and numbers, reporting errors. */
#ifndef CURSOR_H
#define CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct cursor {
    const char *file;
    unsigned line;
    const char *start; /* of the line */
    const char *at;
};

/* Prints `FILE:LINE:COL: message` with the column of `at` and ends the program with status 2. */
_Noreturn __attribute__((format(printf, 3, 4))) void
cursor_fail(const struct cursor *cursor, const char *at, const char *format, ...);

/* Skips blanks; true if the line ends there or a comment begins. */
bool
cursor_at_end(struct cursor *cursor);

/* Fails unless the line ends here. */
void
cursor_expect_end(struct cursor *cursor);

/* Skips blanks, then `c` if it is there. */
bool
cursor_skip(struct cursor *cursor, char c);

/* Fails unless `c` comes next. */
void
cursor_expect(struct cursor *cursor, char c);

/* The characters up to the next blank. */
struct text
cursor_word(struct cursor *cursor);

/* Letters, digits and `_`; empty if there are none. */
struct text
cursor_identifier(struct cursor *cursor);

/* Decimal, negative or 0x hexadecimal, anything that fits 64 bits. */
uint64_t
cursor_number(struct cursor *cursor);

/* A number from 0 to `max`. */
uint64_t
cursor_number_up_to(struct cursor *cursor, uint64_t max);

#endif
