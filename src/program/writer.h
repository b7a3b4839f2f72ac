#ifndef WRITER_H
#define WRITER_H

#include "program/attach.h"
#include "program/member_reader.h"
#include "base/template.h"

enum { WRITER_VARIABLES = 128 };

/* A program, or a part of it, that is being written: what it is about, and what the templates may name. A part begins as a copy
 * of what is around it. */
struct writer {
    const struct plan *plan;
    const struct plan_event *event;
    const struct files *templates;
    const char *nonce;
    struct mem *mem;
    struct diag *diag;
    struct member_names *names;                        /* of offsets; NULL: they are numbers, in a program that is run once */
    struct attach_arguments arguments;                 /* of the event */
    struct template_variable variables[WRITER_VARIABLES]; /* what is known so far */
    size_t count;
};

/* From here on the templates may name it. The value stays the caller's. */
void writer_define(struct writer *writer, const char *name, const char *value);
void writer_define_number(struct writer *writer, const char *name, unsigned number);

/* The same; keeps the bytes and frees the buffer. */
void writer_define_buffer(struct writer *writer, const char *name, struct outbuf *out);

/* Appends a template. 0, or -1 with the writer's `diag` set. */
int writer_expand(const struct writer *writer, struct outbuf *out, const char *template);

/* Defines what a template makes. `inner` has the variables of the writer and may have more. 0, or -1 with `diag` set. */
int writer_define_expanded(struct writer *writer, const char *name, const char *template);
int writer_define_from(struct writer *writer, const char *name, const struct writer *inner, const char *template);

/* The value of a variable that is defined. The arena's. */
const char *writer_value(const struct writer *writer, const char *name);

#endif
