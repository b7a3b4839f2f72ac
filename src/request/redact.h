#ifndef REDACT_H
#define REDACT_H

#include "base/diag.h"
#include "base/mem.h"

/* Header names whose values are not read from the server, as patterns: case-insensitive, `?` for one character, and one `*` for
 * any number of them.
 *
 * Clients can write a name so that no pattern fits but a server, or what stands behind it, may still take it for that name:
 * with blanks, colons, control bytes or bytes beyond ASCII before, in or behind it. No header's name has such bytes. So the
 * value of a name that is no token of RFC 9110 (one colon may stand before it, as in ":path"), or too long to look at, is not
 * read either, whatever the patterns are. */
struct redact {
    const char *const *patterns;
    size_t count;
};

enum { REDACT_DEFAULTS = 5 };

enum { REDACT_LONGEST_NAME = 64 }; /* bytes; as long as a pattern may be */

/* Those of --redact-default: credentials. */
extern const char *const redact_defaults[REDACT_DEFAULTS];

/* The patterns of both. The strings stay where they are; the list is the arena's. */
struct redact redact_join(const struct redact *a, const struct redact *b, struct mem *mem);

/* Checks that all are patterns of header names. 0, or -1 with `diag` set. */
int redact_check(const struct redact *redact, struct diag *diag);

/* Appends bpftrace statements that look at a name for redact_condition, with the same variables. `has_ranges`: this bpftrace
 * has range loops. */
void redact_scan(struct outbuf *out, const char *text, const char *len, bool has_ranges);

/* Appends a bpftrace expression that is true where redact_fits is, and for a name that cannot be read: it reads as NULs.
 * `text` and `len`: variables with the name's address and length. redact_scan must stand before. */
void redact_condition(const struct redact *redact, struct outbuf *out, const char *text, const char *len);

/* Whether the value of a header of this name is held back. */
bool redact_fits(const struct redact *redact, struct slice name);

#endif
