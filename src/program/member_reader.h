#ifndef MEMBER_READER_H
#define MEMBER_READER_H

#include "base/mem.h"
#include "base/text.h"
#include "catalog/structures.h"

enum { MEMBER_READER_POINTERS = 64 };

/* Offsets of a program by names, so that a reader can change them: which of them stand in it. */
struct member_names {
    bool is_used[STRUCTURES_VALUES][MEMBERS_MAX_STEPS];
};

/* Writes bpftrace statements that read members of structures. A pointer on the way to several is read once. */
struct member_reader {
    const struct members_place *places; /* by enum structures_value */
    struct member_names *names;         /* NULL: offsets are numbers */
    struct mem *mem;
    struct outbuf statements;
    bool is_in_branch; /* what is read then is known there only: npointers is set back behind it */
    struct {
        const char *base;
        int offset;
        const char *variable;
    } pointers[MEMBER_READER_POINTERS];
    int npointers, count; /* known here; made so far */
};

/* What stands before a statement. */
const char *member_reader_indent(const struct member_reader *reader);

/* What the value's first step leads to is in a variable already. */
void member_reader_know(struct member_reader *reader, const char *base, int value, const char *variable);

/* Expressions for where a value stands, from the pointer `base`, and for the value. The statements that they need are written.
 * The arena's. */
const char *member_reader_address(struct member_reader *reader, int value, const char *base);
const char *member_reader_value(struct member_reader *reader, int value, const char *base);

/* The expression for the value itself where that is a size. */
const char *member_reader_size(struct member_reader *reader, int value);

/* Appends a `#define` for each name that is used. `wanted`: where the values are looked for, NULL or by enum structures_value,
 * for the comments. */
void member_reader_define(struct outbuf *out, const struct member_names *names, const struct members_place *places,
                          const struct members_wanted *wanted, struct mem *mem);

#endif
