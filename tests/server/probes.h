#ifndef PROBES_H
#define PROBES_H

#include <stddef.h>
#include <stdint.h>

/* ERA chooses whose probes this program has: h2o of 2020, of 2022 or of 2026. */
#ifndef ERA
#define ERA 2026
#endif

#if ERA == 2020
#define PROBE_TABLE "probes-2020.def"
#elif ERA == 2022
#define PROBE_TABLE "probes-2022.def"
#elif ERA == 2026
#define PROBE_TABLE "probes-2026.def"
#else
#error "ERA is 2020, 2022 or 2026"
#endif

#define MAX_PROBE_ARGS 12

#define PROBE(provider, name, count, ...) PROBE_##provider##_##name,
#define PROBE3 PROBE
enum probe_id {
#include PROBE_TABLE
    PROBE_COUNT
};
#undef PROBE
#undef PROBE3

struct probe {
    const char *provider;
    const char *name;
    unsigned nargs;
    volatile unsigned short *semaphore; /* how many tracers are attached; the kernel writes it */
    void (*fire)(const uint64_t *args);
};

extern const struct probe probes[PROBE_COUNT];

/* Finds `provider:name`; NULL if this era has no such probe. */
const struct probe *
probe_find(const char *id, size_t len);

/* Fires the probe if a tracer is attached to it; each argument is cut to its declared type. */
void
probe_fire(const struct probe *probe, const uint64_t *args);

#endif
