#ifndef WORDS_H
#define WORDS_H

#include "base/diag.h"
#include "base/mem.h"

/* The words of a catalogue's line, and where it stands, for errors. */
struct words {
    const char *file;
    int line;          /* its number, from 1 */
    const char *start; /* of the line */
    struct slice rest; /* of it, not yet read */
    struct mem *mem;
    struct diag *diag;
};

/* Where the byte `at` of the line stands. */
struct diag_pos words_position(const struct words *words, const char *at);

/* Each of these returns 0, or -1 with `diag` set. */

/* An error at `word`: WHAT "word"; expected EXPECTED. Returns -1. */
int words_bad(const struct words *words, struct slice word, const char *what, const char *expected);

/* Reads the next word. Reads the next word as a name: letters, digits and _; the copy is the arena's. Checks that no word is
 * left. */
int words_need(struct words *words, struct slice *word, const char *expected);
int words_name(struct words *words, const char **name, const char *expected);
int words_end(struct words *words);

/* Checks that nothing in the rest can drive a terminal or end a line: what stands in a catalogue is shown as it is. */
int words_check(const struct words *words);

/* Takes the rest as a text that is shown, without blanks at its ends. It may be empty, and has no tabs. */
int words_text(struct words *words, struct slice *text);

#endif
