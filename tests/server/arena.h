/* Memory that is given back all at once. */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct arena {
    struct chunk *chunks; /* newest first */
};

/* `size` zeroed bytes, aligned for anything; NULL without memory. */
void *
arena_alloc(struct arena *arena, size_t size);

/* `size` zeroed bytes that end where a page ends, and the next page cannot be read. */
void *
arena_alloc_edge(struct arena *arena, size_t size);

void
arena_clear(struct arena *arena);

#endif
