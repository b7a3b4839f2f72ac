#ifndef LIST_H
#define LIST_H

#include "catalog.h"
#include "target.h"

/* Appends a line for every probe of the catalogue: "provider:name", its fields and their types. With a target each line begins with
 * "+" where the target has the probe and "-" where it has not, and the probes that only the target knows follow with "?". */
void list_write(struct outbuf *out, const struct catalog *catalog, const struct target *target);

#endif
