#ifndef MEM_H
#define MEM_H

#include <stdarg.h>
#include <stddef.h>

/* An arena: everything that lives as long as the run is allocated here and freed at once.
 * Start it as `struct mem mem = {0}`. Running out of memory aborts: before the loop there is nothing to save. */
struct mem {
    struct mem_block *last;
};

/* Zeroed, aligned for any type. Owned by the arena. */
void *mem_alloc(struct mem *mem, size_t size);

/* Copies; owned by the arena. mem_strndup's result is NUL-terminated. */
char *mem_strdup(struct mem *mem, const char *string);
char *mem_strndup(struct mem *mem, const char *ptr, size_t len);
char *mem_printf(struct mem *mem, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for one more element in an array of `count` elements of `size` bytes; returns where the array is now.
 * The capacity is the next power of two, so that it need not be stored. */
void *mem_grow(struct mem *mem, void *array, size_t count, size_t size);

void mem_free(struct mem *mem);

#endif
