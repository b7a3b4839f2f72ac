#include "base/mem.h"

#include "base/no_memory.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024 };

struct mem_block {
    struct mem_block *previous;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

static struct mem_block *
block_new(struct mem *mem, size_t size)
{
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    struct mem_block *block = calloc(1, sizeof(*block) + size);
    if (block == NULL)
        no_memory();
    block->size = size;
    block->previous = mem->last;
    mem->last = block;
    return block;
}

void *
mem_alloc(struct mem *mem, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct mem_block *block = mem->last;
    if (block == NULL || block->size - block->used < size)
        block = block_new(mem, size);
    void *ptr = block->bytes + block->used;
    block->used += size;
    return ptr;
}

char *
mem_strndup(struct mem *mem, const char *ptr, size_t len)
{
    char *copy = mem_alloc(mem, len + 1);
    if (len > 0)
        memcpy(copy, ptr, len);
    return copy;
}

char *
mem_strdup(struct mem *mem, const char *string)
{
    return mem_strndup(mem, string, strlen(string));
}

char *
mem_printf(struct mem *mem, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *string = mem_alloc(mem, (size_t)len + 1);
    vsnprintf(string, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return string;
}

void *
mem_grow(struct mem *mem, void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    void *bigger = mem_alloc(mem, (count == 0 ? 1 : count * 2) * size);
    if (count > 0)
        memcpy(bigger, array, count * size);
    return bigger;
}

void
mem_free(struct mem *mem)
{
    while (mem->last != NULL) {
        struct mem_block *block = mem->last;
        mem->last = block->previous;
        free(block);
    }
}
