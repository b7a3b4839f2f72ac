#ifndef LOOP_H
#define LOOP_H

#include "base/text.h"

/* bpftrace statements of a loop over the bytes of a text: a range where this bpftrace has them (`has_ranges`), or else a
 * `while`. What stands between the two must have no branches, of which the kernel's verifier would follow both ways, and no way
 * out before the end, as it would follow the rest of the program from each.
 *
 * `text` is the variable of the text, and how the names of the loop's own begin: in it TEXT_pos is the number of the byte.
 * `count` is how many there are; for a `while` it must be a constant. Both go on with the line that is there. */
void loop_begin(struct outbuf *out, const char *text, const char *count, bool has_ranges);
void loop_end(struct outbuf *out, const char *text, bool has_ranges);

#endif
