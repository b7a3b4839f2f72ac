#ifndef REDACT_H
#define REDACT_H

#include "base/diag.h"

/* Header names whose values are not read from the server, as patterns: case-insensitive, `?` for one character, and one `*` for
 * any number of them. */
struct redact {
    const char *const *patterns;
    size_t count;
};

enum { REDACT_DEFAULTS = 5 };

/* Those of --redact-default: credentials. */
extern const char *const redact_defaults[REDACT_DEFAULTS];

/* Checks that all are patterns of header names. 0, or -1 with `diag` set. */
int redact_check(const struct redact *redact, struct diag *diag);

/* Appends a bpftrace expression that is true for a name that fits. It is also true for one that cannot be read, as its value
 * might be secret. `text` and `len`: expressions for the name's address and length. */
void redact_condition(const struct redact *redact, struct outbuf *out, const char *text, const char *len);

bool redact_fits(const struct redact *redact, struct slice name);

#endif
