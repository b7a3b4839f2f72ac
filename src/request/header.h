#ifndef HEADER_H
#define HEADER_H

#include "base/text.h"

/* Names of header fields as patterns: case-insensitive, `?` for one character, and one `*` for any number of them. */

/* Which bytes may stand in a token of RFC 9110, as every header's name is: byte 64 * I + N may if bit N of entry I is 1. No
 * other byte may. */
extern const uint64_t header_token_bits[2];

bool header_is_token_byte(char c);

/* Whether it is such a pattern of 1 to 64 characters. They are those of RFC 9110's tokens, the colon of HTTP/2's names, and ?
 * and *. */
bool header_is_pattern(const char *pattern);

/* Appends a bpftrace expression that is true for a name that fits, in parentheses. `text` and `len`: expressions for the name's
 * address and length. */
void header_condition(struct outbuf *out, const char *pattern, const char *text, const char *len);

/* The same with fewer branches, for a loop: it holds for some other names of the same length, too. */
void header_likely(struct outbuf *out, const char *pattern, const char *text, const char *len);

/* The same for a text that begins with `prefix` (not empty), without parentheses. */
void header_prefix(struct outbuf *out, const char *prefix, const char *text);

/* The name by which h2o's probes tell of a request's header field: they call Host :authority, in HTTP/1, too. */
const char *header_in_request(const char *name);

bool header_fits(const char *pattern, struct slice name);

#endif
