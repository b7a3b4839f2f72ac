#ifndef TYPES_H
#define TYPES_H

#include "text.h"

/* How a value travels from the bpftrace program to the decoder. */
enum types_wire { TYPES_NUMBER, TYPES_TEXT };

/* A field's value in a record. */
struct types_value {
    uint64_t number;   /* sign-extended where the type is signed; for TEXT the length in the server */
    struct slice text; /* the bytes that arrived: a prefix of the value */
};

struct types_row {
    const char *name;
    enum types_wire wire;
    int bits; /* of the number: the decoder cuts it to this size */
    bool is_signed;
    bool needs_len;
    /* Appends the value as the line format shows it. */
    void (*put_line)(struct outbuf *out, const struct types_row *type, const struct types_value *value);
};

/* The row of a type name as catalogues write it; NULL: there is none. */
const struct types_row *types_find(struct slice name);

/* `number` as it came, cut and extended to the type. */
uint64_t types_number(const struct types_row *type, uint64_t number);

#endif
