#ifndef CONDITION_H
#define CONDITION_H

#include "base/mem.h"
#include "base/text.h"

/* bpftrace expressions about texts and addresses of the server. The strings are the arena's. */

enum condition_kind {
    CONDITION_EQUAL,
    CONDITION_PREFIX, /* it begins with the other one */
    CONDITION_HOST,   /* equal, but for a colon and what stands behind it */
};

/* Whether the text at `address`, of `len` bytes, is `text`. Both are expressions. */
const char *condition_text(struct mem *mem, const char *address, const char *len, struct slice text, enum condition_kind kind);

/* A network of addresses: the first `bits` of one of IPv4 or IPv6. */
struct condition_address {
    bool is_ipv6;
    unsigned char bytes[16];
    unsigned bits;
};

/* Reads "127.0.0.1", "10.0.0.0/8", "::1" or "2001:db8::/32". false: it is none. */
bool condition_parse_address(struct slice text, struct condition_address *address);

/* Whether the sockaddr at `pointer`, an expression, is one of them. */
const char *condition_address(struct mem *mem, const char *pointer, const struct condition_address *address);

/* The same here: `text` is an address as inet_ntop writes it. */
bool condition_address_fits(const struct condition_address *address, const char *text);

#endif
