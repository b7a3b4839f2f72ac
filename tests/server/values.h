/* The arguments of a `fire` line: numbers, and pointers to what h2o would point to. */
#ifndef VALUES_H
#define VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "cursor.h"

struct values {
    struct arena arena; /* holds what the arguments point to */
    bool has_counter; /* within `repeat` */
    bool counter_used;
    uint64_t counter;
    bool has_length;
    uint64_t length; /* `len`: of the latest argument that has one */
};

/* Reads one argument. */
uint64_t
values_read(struct values *values, struct cursor *cursor);

/* Frees what the arguments read so far point to. */
void
values_clear(struct values *values);

#endif
