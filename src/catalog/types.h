#ifndef TYPES_H
#define TYPES_H

#include "base/text.h"

/* How a value travels from the bpftrace program to the decoder. */
enum types_wire { TYPES_NUMBER, TYPES_TEXT, TYPES_CSTR, TYPES_BYTES, TYPES_ADDRESS };

/* The numbers that a socket address is sent as; the bytes of a CSTR in which its end is looked for. */
enum { TYPES_ADDRESS_WORDS = 4, TYPES_CSTR_LIMIT = 1024 };

/* A field's value in a record. */
struct types_value {
    uint64_t number;   /* sign-extended where the type is signed; of a text or bytes the length in the server */
    struct slice text; /* the bytes that arrived, a prefix of the value. Of an address: TYPES_ADDRESS_WORDS uint64_t, which are
                        * the u32 at 0 and at 4 and the u64 at 8 and at 16 of a sockaddr */
    bool is_null;      /* its pointer is NULL */
    bool is_redacted;  /* --redact held it back: it was not read from the server */
};

struct types_row;
typedef void types_printer(struct outbuf *out, const struct types_row *type, const struct types_value *value);

struct types_row {
    const char *name;
    enum types_wire wire;
    int bits; /* of the number: the decoder cuts it to this size */
    bool is_signed;
    bool needs_len;
    unsigned limit;
    types_printer *put_line; /* the value as the line format shows it */
    types_printer *put_json; /* as a JSON value */
    const char *meaning;     /* of the argument, for people; "": it is a plain number */
};

/* Writes the address that the words hold, "" if it is none of IPv4 and IPv6, and sets the port. Returns the family. */
enum { TYPES_ADDRESS_TEXT = 46 };
int types_address(const uint64_t words[TYPES_ADDRESS_WORDS], char text[TYPES_ADDRESS_TEXT], unsigned *port);

/* The row of a type name as catalogues write it; NULL: there is none. */
const struct types_row *types_find(struct slice name);

/* The row for an argument that no catalogue knows: an integer of so many bytes. */
const struct types_row *types_integer(int size, bool is_signed);

/* Whether lines show it as "HTTP/2.0". */
bool types_is_http_version(const struct types_row *type);

/* `number` as it came, cut and extended to the type. */
static inline uint64_t
types_number(const struct types_row *type, uint64_t number)
{
    int unused = 64 - type->bits;
    if (type->is_signed)
        return (uint64_t)((int64_t)(number << unused) >> unused);
    return number << unused >> unused;
}

/* Whether the value is a text that stays in h2olog whole but is not valid UTF-8, so that JSON needs its bytes beside it. */
bool types_needs_hex(const struct types_row *type, const struct types_value *value);

/* The bit of a text's length on the wire that says that it was not read. */
#define TYPES_REDACTED ((uint64_t)1 << 62)

/* Whether only a prefix of the value is shown without a mark in it, so that JSON needs its full length beside it. */
bool types_is_cut(const struct types_row *type, const struct types_value *value);

#endif
