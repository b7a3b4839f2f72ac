#ifndef PRINTF_BUILDER_H
#define PRINTF_BUILDER_H

#include "base/text.h"

/* Puts bpftrace printf statements together: what is printed one after the other goes into one, until a condition or the end
 * needs it to be written. */
struct printf_builder {
    struct outbuf *out; /* the program */
    int depth;          /* of the blocks that are open */
    int statements;     /* written so far */
    struct outbuf format, values;
};

/* Bytes as they stand. */
void printf_builder_text(struct printf_builder *print, const char *text);
void printf_builder_bytes(struct printf_builder *print, struct slice bytes);

/* The value of an expression, printed by the conversion `spec`, such as "%lu". */
void printf_builder_value(struct printf_builder *print, const char *spec, const char *expression);

/* What is printed from here on is so only if the condition holds; the others go on after a printf_builder_if, and
 * printf_builder_end ends it. */
void printf_builder_if(struct printf_builder *print, const char *condition);
void printf_builder_else_if(struct printf_builder *print, const char *condition);
void printf_builder_else(struct printf_builder *print);
void printf_builder_end(struct printf_builder *print);

/* Writes what has not been written yet. */
void printf_builder_flush(struct printf_builder *print);

#endif
