#include "probes.h"

#include <string.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef const void *ptr;

#define NOINLINE __attribute__((noinline))

/* One statement for each argument count: A(type, index) is the expression that yields an argument. */
#define FIRE1(A, p, n, a) STAP_PROBE1(p, n, A(a, 0))
#define FIRE2(A, p, n, a, b) STAP_PROBE2(p, n, A(a, 0), A(b, 1))
#define FIRE3(A, p, n, a, b, c) STAP_PROBE3(p, n, A(a, 0), A(b, 1), A(c, 2))
#define FIRE4(A, p, n, a, b, c, d) STAP_PROBE4(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3))
#define FIRE5(A, p, n, a, b, c, d, e) STAP_PROBE5(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4))
#define FIRE6(A, p, n, a, b, c, d, e, f) STAP_PROBE6(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5))
#define FIRE7(A, p, n, a, b, c, d, e, f, g) \
    STAP_PROBE7(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5), A(g, 6))
#define FIRE8(A, p, n, a, b, c, d, e, f, g, h) \
    STAP_PROBE8(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5), A(g, 6), A(h, 7))
#define FIRE9(A, p, n, a, b, c, d, e, f, g, h, i) \
    STAP_PROBE9(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5), A(g, 6), A(h, 7), A(i, 8))
#define FIRE10(A, p, n, a, b, c, d, e, f, g, h, i, j) \
    STAP_PROBE10(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5), A(g, 6), A(h, 7), A(i, 8), A(j, 9))
#define FIRE11(A, p, n, a, b, c, d, e, f, g, h, i, j, k) \
    STAP_PROBE11(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5), A(g, 6), A(h, 7), A(i, 8), A(j, 9), \
                 A(k, 10))
#define FIRE12(A, p, n, a, b, c, d, e, f, g, h, i, j, k, l) \
    STAP_PROBE12(p, n, A(a, 0), A(b, 1), A(c, 2), A(d, 3), A(e, 4), A(f, 5), A(g, 6), A(h, 7), A(i, 8), A(j, 9), \
                 A(k, 10), A(l, 11))

/* Where a site's arguments are when it fires; optimized builds get operands as varied as h2o's own. */
#define IN_MEMORY(type, i) (type)v[i]
#define IN_REGISTERS(type, i) (type)through_register(v[i])
#define ON_STACK(type, i) (type)copy[i]

/* Chosen by the version in receive_request; the probes that follow in the same thread belong to that request. */
static _Thread_local unsigned protocol;

static void
choose_protocol(uint64_t http_version)
{
    unsigned major = (unsigned)http_version >> 8;
    protocol = major == 3 ? 2 : major == 2 ? 1 : 0;
}

/* The semaphores. */
#define PROBE(p, n, count, ...) volatile unsigned short p##_##n##_semaphore __attribute__((section(".probes")));
#define PROBE3 PROBE
#include PROBE_TABLE
#undef PROBE
#undef PROBE3

/* The sites. None may be inlined: the number of sites is part of what a tracer sees. */
#define PROBE(p, n, count, ...) \
    static NOINLINE void fire_##p##_##n(const uint64_t *v) \
    { \
        if (p##_##n##_semaphore) \
            FIRE##count(IN_MEMORY, p, n, __VA_ARGS__); \
    }
#ifdef SINGLE_SITES
#define PROBE3 PROBE
#else
static NOINLINE uint64_t
through_register(uint64_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

#define PROBE3(p, n, count, ...) \
    static NOINLINE void h1_##p##_##n(const uint64_t *v) \
    { \
        FIRE##count(IN_MEMORY, p, n, __VA_ARGS__); \
    } \
    static NOINLINE void h2_##p##_##n(const uint64_t *v) \
    { \
        FIRE##count(IN_REGISTERS, p, n, __VA_ARGS__); \
    } \
    static NOINLINE void h3_##p##_##n(const uint64_t *v) \
    { \
        uint64_t copy[count]; \
        memcpy(copy, v, sizeof(copy)); \
        __asm__ volatile("" : "+m"(copy)); \
        FIRE##count(ON_STACK, p, n, __VA_ARGS__); \
    } \
    static void fire_##p##_##n(const uint64_t *v) \
    { \
        static void (*const sites[])(const uint64_t *) = {h1_##p##_##n, h2_##p##_##n, h3_##p##_##n}; \
        if (p##_##n##_semaphore) \
            sites[protocol](v); \
    }
#endif
#include PROBE_TABLE
#undef PROBE
#undef PROBE3

#define PROBE(p, n, count, ...) {#p, #n, count, &p##_##n##_semaphore, fire_##p##_##n},
#define PROBE3 PROBE
const struct probe probes[PROBE_COUNT] = {
#include PROBE_TABLE
};
#undef PROBE
#undef PROBE3

static int
is_named(const struct probe *probe, const char *id, size_t len)
{
    size_t provider = strlen(probe->provider), name = strlen(probe->name);
    return len == provider + 1 + name && id[provider] == ':' && memcmp(id, probe->provider, provider) == 0 &&
           memcmp(id + provider + 1, probe->name, name) == 0;
}

const struct probe *
probe_find(const char *id, size_t len)
{
    for (size_t i = 0; i < PROBE_COUNT; i++)
        if (is_named(&probes[i], id, len))
            return &probes[i];
    return NULL;
}

void
probe_fire(const struct probe *probe, const uint64_t *args)
{
    if (probe == &probes[PROBE_h2o_receive_request])
        choose_protocol(args[2]);
    probe->fire(args);
}
