#ifndef ARGUMENT_H
#define ARGUMENT_H

#include "catalog/catalog.h"
#include "catalog/words.h"

/* Reads the words behind "arg" in a line, "NUMBER NAME TYPE ATTRIBUTE...", and adds the field to the probe. The tables of names
 * that it may refer to are the catalogue's. 0, or -1 with `diag` set. */
int argument_parse(struct words *words, const struct catalog *catalog, struct catalog_probe *probe);

#endif
