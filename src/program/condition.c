#include "program/condition.h"

#include <arpa/inet.h>
#include <string.h>

/* How many of the next bytes are compared in one go. */
static size_t
word_size(size_t left)
{
    size_t size = 8;
    while (size > left)
        size /= 2;
    return size;
}

/* Bytes as a number of the server's byte order, which is this machine's. */
static uint64_t
word_of(const char *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = size; i-- > 0;)
        word = word << 8 | (unsigned char)bytes[i];
    return word;
}

/* As 64 bits with a sign, as not every bpftrace reads a number of 64 bits without one. */
static void
put_bytes(struct outbuf *out, const char *address, struct slice text)
{
    for (size_t at = 0, size; at < text.len; at += size) {
        size = word_size(text.len - at);
        text_printf(out, " && %s%zu*)(%s + %zu) == %ld", size == 8 ? "*(int" : "(int64)*(uint", size * 8, address, at,
                    (long)word_of(text.ptr + at, size));
    }
}

const char *
condition_text(struct mem *mem, const char *address, const char *len, struct slice text, enum condition_kind kind)
{
    struct outbuf out = {0};
    if (kind == CONDITION_HOST)
        text_printf(&out, "(%s == %zu || (%s > %zu && *(uint8*)(%s + %zu) == 58))", len, text.len, len, text.len, address,
                    text.len);
    else
        text_printf(&out, "%s %s %zu", len, kind == CONDITION_PREFIX ? ">=" : "==", text.len);
    put_bytes(&out, address, text);
    return text_keep(&out, mem);
}

bool
condition_parse_address(struct slice text, struct condition_address *address)
{
    char copy[64];
    struct slice rest = text, head = text_cut(&rest, '/');
    bool has_bits = head.len < text.len;
    if (head.len == 0 || head.len >= sizeof(copy))
        return false;
    memcpy(copy, head.ptr, head.len);
    copy[head.len] = '\0';
    *address = (struct condition_address){.is_ipv6 = memchr(copy, ':', head.len) != NULL};
    unsigned most = address->is_ipv6 ? 128 : 32;
    if (inet_pton(address->is_ipv6 ? AF_INET6 : AF_INET, copy, address->bytes) != 1)
        return false;
    uint64_t bits = most;
    if (has_bits && !text_number(rest, most, &bits))
        return false;
    address->bits = (unsigned)bits;
    return true;
}

/* The bits of a byte that count. */
static unsigned char
mask_of(const struct condition_address *address, unsigned byte)
{
    unsigned left = address->bits > byte * 8 ? address->bits - byte * 8 : 0;
    return left >= 8 ? 0xff : (unsigned char)(0xff00 >> left);
}

/* Four bytes of the address, where they stand in memory. */
static void
put_word(struct outbuf *out, const char *pointer, unsigned offset, const struct condition_address *address, unsigned byte)
{
    char mask[4], value[4];
    for (unsigned i = 0; i < 4; i++) {
        mask[i] = (char)mask_of(address, byte + i);
        value[i] = (char)(address->bytes[byte + i] & mask[i]);
    }
    if (word_of(mask, 4) != 0)
        text_printf(out, " && ((int64)*(uint32*)(%s + %u) & %lu) == %lu", pointer, offset, word_of(mask, 4), word_of(value, 4));
}

const char *
condition_address(struct mem *mem, const char *pointer, const struct condition_address *address)
{
    enum { AT_IPV4 = 4, AT_IPV6 = 8 }; /* in sockaddr_in, sockaddr_in6 */
    struct outbuf out = {0};
    text_printf(&out, "*(uint16*)%s == %d", pointer, address->is_ipv6 ? AF_INET6 : AF_INET);
    for (unsigned byte = 0; byte < (address->is_ipv6 ? 16 : 4); byte += 4)
        put_word(&out, pointer, (address->is_ipv6 ? AT_IPV6 : AT_IPV4) + byte, address, byte);
    return text_keep(&out, mem);
}

bool
condition_address_fits(const struct condition_address *address, const char *text)
{
    unsigned char bytes[16];
    if (inet_pton(address->is_ipv6 ? AF_INET6 : AF_INET, text, bytes) != 1)
        return false;
    for (unsigned i = 0; i < (address->is_ipv6 ? 16 : 4); i++)
        if (((bytes[i] ^ address->bytes[i]) & mask_of(address, i)) != 0)
            return false;
    return true;
}
