#ifndef PRINT_H
#define PRINT_H

#include "base/text.h"

/* Puts bpftrace printf statements together: what is printed one after the other goes into one, until a condition or the end
 * needs it to be written. */
struct print {
    struct outbuf *out; /* the program */
    int depth;          /* of the blocks that are open */
    int statements;     /* written so far */
    struct outbuf format, values;
};

/* Bytes as they stand. */
void print_text(struct print *print, const char *text);
void print_bytes(struct print *print, struct slice bytes);

/* The value of an expression, printed by the conversion `spec`, such as "%lu". */
void print_value(struct print *print, const char *spec, const char *expression);

/* What is printed from here on is so only if the condition holds; the others go on after a print_if, and print_end ends it. */
void print_if(struct print *print, const char *condition);
void print_else_if(struct print *print, const char *condition);
void print_else(struct print *print);
void print_end(struct print *print);

/* Writes what has not been written yet. */
void print_flush(struct print *print);

#endif
