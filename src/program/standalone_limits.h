#ifndef STANDALONE_LIMITS_H
#define STANDALONE_LIMITS_H

#include "plan/plan.h"

/* What a program that needs no h2olog has in it, as far as limits come of it. */
struct standalone_contents {
    bool has_texts, has_bytes, has_addresses;
    bool has_clock;      /* "at" comes from the machine's clock */
    bool has_pieces;     /* a record takes more than one printf */
    bool has_extra_json; /* objects with what -E adds */
};

/* Bytes of a text that JSON shows at most, and of one that ends with a NUL. */
enum { STANDALONE_MOST_CSTR = 200 };
unsigned standalone_most_json(const struct bpftrace_row *row);

/* Appends what h2olog does and this program does not, as comments, and the probes that were left out. Whoever relies on the
 * output has to know it. */
void standalone_put_limits(struct outbuf *out, const struct plan *plan, const struct standalone_contents *contents,
                           bool is_json);

#endif
