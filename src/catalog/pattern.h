#ifndef PATTERN_H
#define PATTERN_H

#include "catalog/catalog.h"

/* What -t takes: "accept", "quicly:accept", or a glob of either. */

/* Whether it names the probe: by its provider and name, or by the name of the probe or of the event. */
bool pattern_fits(const char *pattern, const char *provider, const char *name, const char *type);

/* Whether it holds none of * ? [ . */
bool pattern_is_literal(const char *pattern);

/* Explains why `pattern` fits nothing that can be traced: what the catalogue knows of it, or the nearest names. `probes` NULL:
 * there is no target. Returns -1 with `diag` set. */
int pattern_explain(const char *pattern, const struct catalog *catalog, const struct usdt_probes *probes, struct diag *diag);

#endif
