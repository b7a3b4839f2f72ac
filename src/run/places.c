#include "run/places.h"

#include "base/no_memory.h"

#include <stdlib.h>
#include <string.h>

struct places_file {
    struct places_file *next;
    struct process_file file;
    struct members_place items[STRUCTURES_VALUES];
};

const struct members_place *
places_find(const struct places *places, const struct process_file *file)
{
    const struct places_file *known = places->first;
    while (known != NULL && !process_is_same_file(&known->file, file))
        known = known->next;
    return known != NULL ? known->items : NULL;
}

void
places_keep(struct places *places, const struct process_file *file, const struct members_place *of)
{
    if (places_find(places, file) != NULL)
        return;
    struct places_file *known = malloc(sizeof(*known));
    if (known == NULL)
        no_memory();
    *known = (struct places_file){.next = places->first, .file = *file};
    memcpy(known->items, of, sizeof(known->items));
    places->first = known;
}

void
places_free(struct places *places)
{
    while (places->first != NULL) {
        struct places_file *known = places->first;
        places->first = known->next;
        free(known);
    }
}
