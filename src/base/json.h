#ifndef JSON_H
#define JSON_H

#include "base/text.h"

/* A string in quotes: valid UTF-8 whatever the bytes are. What is not safe on a terminal is written \u00XX, and U+FFFD stands
 * for each byte that is not part of valid UTF-8. */
void json_string(struct outbuf *out, struct slice text);

/* The bytes as a string of lower-case hexadecimal digits. */
void json_hex_string(struct outbuf *out, struct slice bytes);

/* "name" and `suffix` as a key: `"name_hex": `. */
void json_key(struct outbuf *out, const char *name, const char *suffix);

#endif
