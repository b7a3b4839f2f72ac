#ifndef PRINTF_BUILDER_H
#define PRINTF_BUILDER_H

#include "base/text.h"

/* Writes bpftrace's printf statements. What is printed one after the other is gathered into one statement, which is written
 * when a condition begins or ends, or when printf_builder_flush asks for it. */
struct printf_builder {
    struct outbuf *out; /* the program */
    int depth;          /* of the blocks that are open */
    int statements;     /* written so far */
    struct outbuf format, values;
};

/* Prints these bytes. */
void printf_builder_text(struct printf_builder *print, const char *text);
void printf_builder_bytes(struct printf_builder *print, struct slice bytes);

/* The value of an expression, printed by the conversion `spec`, such as "%lu". */
void printf_builder_value(struct printf_builder *print, const char *spec, const char *expression);

/* An if statement. What is built after printf_builder_if is printed only if the condition holds. The two else functions begin
 * its other branches, and printf_builder_end ends the last one. Statements can be nested. */
void printf_builder_if(struct printf_builder *print, const char *condition);
void printf_builder_else_if(struct printf_builder *print, const char *condition);
void printf_builder_else(struct printf_builder *print);
void printf_builder_end(struct printf_builder *print);

/* Writes what has not been written yet. */
void printf_builder_flush(struct printf_builder *print);

#endif
