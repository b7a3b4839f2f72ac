#define _GNU_SOURCE 1
#include "arena.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct chunk {
    struct chunk *next;
    void *mapping; /* NULL: the memory follows this header */
    size_t mapped;
    max_align_t memory[];
};

static struct chunk *
add_chunk(struct arena *arena, size_t size)
{
    struct chunk *chunk = calloc(1, sizeof(*chunk) + size);
    if (!chunk)
        return NULL;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    struct chunk *chunk = add_chunk(arena, size);
    return chunk ? chunk->memory : NULL;
}

/* The guard page is reserved rather than unmapped, so that no other thread's mapping can take its place. */
void *
arena_alloc_edge(struct arena *arena, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t readable = (size + page - 1) / page * page;
    struct chunk *chunk = add_chunk(arena, 0);
    if (!chunk)
        return NULL;
    char *start = mmap(NULL, readable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    chunk->mapping = start;
    chunk->mapped = readable + page;
    if (mprotect(start + readable, page, PROT_NONE) != 0)
        return NULL;
    return start + readable - size;
}

void
arena_clear(struct arena *arena)
{
    while (arena->chunks) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        if (chunk->mapping)
            munmap(chunk->mapping, chunk->mapped);
        free(chunk);
    }
}
