#define _GNU_SOURCE 1
#include "values.h"

#include "structures.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { MAX_BYTES = 16 * 1024 * 1024, MAX_VECTORS = 64 };

/* The kernel maps nothing below vm.mmap_min_addr. */
#define UNMAPPED 0x8000

static void *
allocate(struct values *v, const struct cursor *c, size_t size)
{
    void *memory = arena_alloc(&v->arena, size);
    if (!memory)
        cursor_fail(c, c->at, "no memory");
    return memory;
}

static uint64_t
address(const void *pointer)
{
    return (uintptr_t)pointer;
}

static void
set_length(struct values *v, uint64_t length)
{
    v->length = length;
    v->has_length = true;
}

static uint64_t
read_counter(struct values *v, const struct cursor *c, const char *at)
{
    if (!v->has_counter)
        cursor_fail(c, at, "there is no i outside of repeat");
    v->counter_used = true;
    return v->counter;
}

static uint64_t
read_number(struct values *v, struct cursor *c)
{
    struct cursor ahead = *c;
    struct text word = cursor_identifier(&ahead);
    if (word.len != 1 || word.base[0] != 'i')
        return cursor_number(c);
    *c = ahead;
    return read_counter(v, c, word.base);
}

/* `(NUMBER, ...)`, `count` of them. */
static void
read_numbers(struct values *v, struct cursor *c, uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cursor_expect(c, i ? ',' : '(');
        numbers[i] = read_number(v, c);
    }
    cursor_expect(c, ')');
}

static int
hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Two hexadecimal digits. */
static char
read_hex_byte(struct cursor *c)
{
    int high = hex_digit(c->at[0]);
    int low = high < 0 ? -1 : hex_digit(c->at[1]);
    if (low < 0)
        cursor_fail(c, c->at, "two hexadecimal digits expected");
    c->at += 2;
    return (char)(high * 16 + low);
}

/* What follows a backslash. */
static char
read_escape(struct cursor *c)
{
    static const char letters[] = "nrt\\\"'", meanings[] = "\n\r\t\\\"'";
    char letter = *c->at;
    const char *at = letter ? strchr(letters, letter) : NULL;
    if (letter != 'x' && !at)
        cursor_fail(c, c->at, "no such escape");
    c->at++;
    return at ? meanings[at - letters] : read_hex_byte(c);
}

static char
read_character(struct cursor *c)
{
    if (*c->at == '\0')
        cursor_fail(c, c->at, "the closing quote is missing");
    char character = *c->at++;
    return character == '\\' ? read_escape(c) : character;
}

/* `"..."`, each character or pair of digits by `read`. A NUL follows the bytes. */
static struct text
read_quoted(struct values *v, struct cursor *c, char (*read)(struct cursor *))
{
    cursor_expect(c, '"');
    char *bytes = allocate(v, c, strlen(c->at) + 1); /* no escape is longer than it is written */
    size_t len = 0;
    while (*c->at != '"')
        bytes[len++] = read(c);
    c->at++;
    set_length(v, len);
    return (struct text){bytes, len};
}

static uint64_t
read_text(struct values *v, struct cursor *c)
{
    return address(read_quoted(v, c, read_character).base);
}

static uint64_t
read_hex(struct values *v, struct cursor *c)
{
    return address(read_quoted(v, c, read_hex_byte).base);
}

static uint64_t
read_edge(struct values *v, struct cursor *c)
{
    cursor_expect(c, '(');
    struct text text = read_quoted(v, c, read_character);
    cursor_expect(c, ')');
    void *memory = arena_alloc_edge(&v->arena, text.len);
    if (!memory)
        cursor_fail(c, c->at, "no memory");
    memcpy(memory, text.base, text.len);
    return address(memory);
}

static uint64_t
read_fill(struct values *v, struct cursor *c)
{
    cursor_expect(c, '(');
    size_t len = cursor_number_up_to(c, MAX_BYTES);
    cursor_expect(c, ',');
    cursor_expect(c, '\'');
    char character = read_character(c);
    cursor_expect(c, '\'');
    cursor_expect(c, ')');
    set_length(v, len);
    return address(memset(allocate(v, c, len + 1), character, len));
}

static uint64_t
read_pattern(struct values *v, struct cursor *c)
{
    cursor_expect(c, '(');
    size_t len = cursor_number_up_to(c, MAX_BYTES);
    cursor_expect(c, ')');
    unsigned char *bytes = allocate(v, c, len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(i % 255 + 1);
    set_length(v, len);
    return address(bytes);
}

static uint64_t
read_length(struct values *v, struct cursor *c)
{
    if (!v->has_length)
        cursor_fail(c, c->at, "no argument before len has a length");
    return v->length;
}

static uint64_t
read_null(struct values *v, struct cursor *c)
{
    (void)v, (void)c;
    return 0;
}

static uint64_t
read_unmapped(struct values *v, struct cursor *c)
{
    (void)v, (void)c;
    return UNMAPPED;
}

static void
put_u32(char *memory, size_t offset, uint64_t value)
{
    memcpy(memory + offset, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
}

static void
put_u64(char *memory, size_t offset, uint64_t value)
{
    memcpy(memory + offset, &value, sizeof(value));
}

/* A quicly connection: master id, thread id, path id. */
static uint64_t
read_conn(struct values *v, struct cursor *c)
{
    uint64_t ids[3];
    read_numbers(v, c, ids, 3);
    char *conn = allocate(v, c, 256);
    put_u32(conn, 16, ids[0]);
    put_u32(conn, 20, ids[1] << 8 | (ids[2] & 0xff));
    return address(conn);
}

static uint64_t read_any(struct values *v, struct cursor *c);

/* A quicly connection with its client: master id, address, and the name that TLS was asked for. */
static uint64_t
read_client(struct values *v, struct cursor *c)
{
    cursor_expect(c, '(');
    uint32_t numbers[2] = {(uint32_t)read_number(v, c), 0};
    cursor_expect(c, ',');
    const struct sockaddr *peer = (const struct sockaddr *)(uintptr_t)read_any(v, c);
    cursor_expect(c, ',');
    const char *sni = (const char *)(uintptr_t)read_any(v, c);
    cursor_expect(c, ')');
    return address(structures_client(allocate(v, c, structures_client_size()), numbers, peer, sni));
}

/* A quicly stream: its id. */
static uint64_t
read_stream(struct values *v, struct cursor *c)
{
    uint64_t id;
    read_numbers(v, c, &id, 1);
    char *stream = allocate(v, c, 64);
    put_u64(stream, 8, id);
    return address(stream);
}

/* Round-trip times: minimum, smoothed, variance, latest. */
static uint64_t
read_rtt(struct values *v, struct cursor *c)
{
    uint64_t times[4];
    read_numbers(v, c, times, 4);
    char *rtt = allocate(v, c, 16);
    for (size_t i = 0; i < 4; i++)
        put_u32(rtt, i * 4, times[i]);
    return address(rtt);
}

/* An address token: type, time of issue. */
static uint64_t
read_token(struct values *v, struct cursor *c)
{
    uint64_t fields[2];
    read_numbers(v, c, fields, 2);
    char *token = allocate(v, c, 128);
    put_u32(token, 0, fields[0]);
    put_u64(token, 8, fields[1]);
    return address(token);
}

/* Statistics: packets received, not decrypted, sent, lost; the size of it all. */
static uint64_t
read_stats(struct values *v, struct cursor *c)
{
    enum { PACKETS = 4, LEAST = PACKETS * 8 };
    uint64_t fields[PACKETS + 1];
    const char *start = c->at;
    read_numbers(v, c, fields, PACKETS + 1);
    uint64_t size = fields[PACKETS];
    if (size < LEAST || size > MAX_BYTES)
        cursor_fail(c, start, "the size is from %d to %d", LEAST, MAX_BYTES);
    char *stats = allocate(v, c, size);
    for (size_t i = 0; i < PACKETS; i++)
        put_u64(stats, i * 8, fields[i]);
    set_length(v, size);
    return address(stats);
}

/* Everything up to `end`, which is skipped too; cut to fit `out`. */
static void
read_until(struct cursor *c, char end, char *out, size_t size)
{
    const char *stop = strchr(c->at, end);
    if (!stop || (size_t)(stop - c->at) >= size)
        cursor_fail(c, c->at, "not an address");
    memcpy(out, c->at, (size_t)(stop - c->at));
    out[stop - c->at] = '\0';
    c->at = stop + 1;
}

static void
fill_address(struct cursor *c, int family, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    const char *start = c->at;
    char host[64];
    read_until(c, family == AF_INET6 ? ']' : ':', host, sizeof(host));
    if (family == AF_INET6)
        cursor_expect(c, ':');
    if (inet_pton(family, host, family == AF_INET6 ? (void *)&v6->sin6_addr : &v4->sin_addr) != 1)
        cursor_fail(c, start, "not an address");
    out->ss_family = (sa_family_t)family;
    v4->sin_port = htons((uint16_t)cursor_number_up_to(c, UINT16_MAX)); /* at the same place in both families */
}

static uint64_t
read_sockaddr(struct values *v, struct cursor *c)
{
    struct sockaddr_storage *out = allocate(v, c, sizeof(*out));
    cursor_expect(c, '(');
    if (isalpha((unsigned char)*c->at)) {
        struct text word = cursor_identifier(c);
        if (word.len != 4 || memcmp(word.base, "unix", 4) != 0)
            cursor_fail(c, word.base, "not an address");
        out->ss_family = AF_UNIX;
    } else {
        fill_address(c, cursor_skip(c, '[') ? AF_INET6 : AF_INET, out);
    }
    cursor_expect(c, ')');
    return address(out);
}

static uint64_t
read_iovec(struct values *v, struct cursor *c)
{
    struct iovec *vectors = allocate(v, c, MAX_VECTORS * sizeof(*vectors));
    size_t count = 0;
    cursor_expect(c, '(');
    while (!cursor_skip(c, ')')) {
        if (count == MAX_VECTORS)
            cursor_fail(c, c->at, "more than %d", MAX_VECTORS);
        if (count)
            cursor_expect(c, ',');
        struct text text = read_quoted(v, c, read_character);
        vectors[count++] = (struct iovec){(void *)text.base, text.len};
    }
    set_length(v, count);
    return address(vectors);
}

static const struct constructor {
    const char *name;
    uint64_t (*read)(struct values *values, struct cursor *cursor); /* what follows the name */
} constructors[] = {
    {"null", read_null},     {"unmapped", read_unmapped}, {"len", read_length},    {"hex", read_hex},
    {"fill", read_fill},     {"pattern", read_pattern},   {"edge", read_edge},     {"conn", read_conn},
    {"stream", read_stream}, {"rtt", read_rtt},           {"token", read_token},   {"stats", read_stats},
    {"iovec", read_iovec},   {"sockaddr", read_sockaddr}, {"client", read_client},
};

static uint64_t
construct(struct values *v, struct cursor *c)
{
    struct text name = cursor_identifier(c);
    for (size_t i = 0; i < sizeof(constructors) / sizeof(*constructors); i++)
        if (strlen(constructors[i].name) == name.len && memcmp(constructors[i].name, name.base, name.len) == 0)
            return constructors[i].read(v, c);
    if (name.len == 1 && name.base[0] == 'i')
        return read_counter(v, c, name.base);
    cursor_fail(c, name.base, "unknown kind of argument");
}

static uint64_t
read_any(struct values *v, struct cursor *c)
{
    if (*c->at == '"')
        return read_text(v, c);
    return isalpha((unsigned char)*c->at) ? construct(v, c) : cursor_number(c);
}

uint64_t
values_read(struct values *v, struct cursor *c)
{
    cursor_at_end(c); /* only to skip blanks */
    uint64_t value = read_any(v, c);
    if (*c->at && !isblank((unsigned char)*c->at) && *c->at != '#')
        cursor_fail(c, c->at, "a blank expected after an argument");
    return value;
}

void
values_clear(struct values *v)
{
    arena_clear(&v->arena);
    v->has_length = false;
}
