#ifndef PLACES_H
#define PLACES_H

#include "catalog/structures.h"
#include "host/process.h"

/* Where the servers' values stand, by the file that they run: a file is read for the first server only, which may have ended
 * when others of it come. Begin with {0}. */
struct places {
    struct places_file *first;
};

/* Keeps a copy for the file, unless there is one. */
void places_keep(struct places *places, const struct process_file *file, const struct members_place *of);

/* By enum structures_value; NULL: nothing is known of the file. */
const struct members_place *places_find(const struct places *places, const struct process_file *file);

void places_free(struct places *places);

#endif
