#ifndef MEMBER_READER_H
#define MEMBER_READER_H

#include "base/mem.h"
#include "base/text.h"
#include "host/members.h"

enum { MEMBER_READER_POINTERS = 64 };

/* Writes bpftrace statements that read members of structures. A pointer on the way to several is read once. */
struct member_reader {
    const struct members_place *places; /* by enum structures_value */
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

/* What stands at `base` + `offset` is in a variable already. */
void member_reader_know(struct member_reader *reader, const char *base, int offset, const char *variable);

/* Expressions for where a value stands, from the pointer `base`, and for the value. The statements that they need are written.
 * The arena's. */
const char *member_reader_address(struct member_reader *reader, int value, const char *base);
const char *member_reader_value(struct member_reader *reader, int value, const char *base);

#endif
