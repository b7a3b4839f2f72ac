#ifndef STANDALONE_BLOCK_H
#define STANDALONE_BLOCK_H

#include "program/attach.h"
#include "program/printf_builder.h"
#include "program/standalone_limits.h"

/* A program by itself while it is written: only standalone.c and standalone_read.c read this. */

struct standalone_options;

/* The program being written. */
struct standalone_emitter {
    const struct plan *plan;
    const struct standalone_options *options;
    const struct files *templates;
    struct mem *mem;
    struct diag *diag;
    struct standalone_contents contents; /* what the blocks so far have */
};

/* The block being written. */
struct standalone_block {
    struct standalone_emitter *emitter;
    const struct plan_event *event;
    const struct catalog_probe *probe;
    struct attach_arguments arguments;
    struct printf_builder print;
};

/* The variable that holds the field; the pointer behind which its value stands; the variable that holds its length. */
const char *standalone_variable(const struct standalone_block *block, int field);
const char *standalone_pointer(const struct standalone_block *block, int field);
const char *standalone_length(const struct standalone_block *block, int field);

/* Whether there is such a variable. The usual line has no time. */
bool standalone_is_read(const struct standalone_block *block, int field);

/* Of a text in JSON: the variable whose bit 0 is 1 if the text cannot stand in a string as it is; that with how many of its
 * bytes are shown, NULL for a text that ends with a NUL. */
const char *standalone_oddness(const struct standalone_block *block, int field);
const char *standalone_size(const struct standalone_block *block, int field);

/* Appends the statements that read the fields, and end the block where a filter does not fit. */
void standalone_put_reads(struct standalone_block *block, struct outbuf *out);

#endif
