#ifndef LIST_H
#define LIST_H

#include "catalog/catalog.h"
#include "host/target.h"

/* Appends a line for every description of a probe in the catalogue: "provider:name", its fields and their types. With a target
 * there is one line a probe, the description that fits, beginning with "+" where the target has it as described and "-" where
 * it has not, and the probes that only the target knows follow with "?". */
void list_write(struct outbuf *out, const struct catalog *catalog, const struct target *target);

#endif
