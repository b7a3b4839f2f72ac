#ifndef DTRACE_H
#define DTRACE_H

#include "catalog/catalog.h"

/* Adds the probes of a DTrace provider file (NAME.d), as h2o, quicly and picotls have in their sources, to the catalogue: each
 * fits a server whose probe has as many arguments, and comes after what the catalogue knows of it already, which goes first.
 * Meanings are inferred from C types and names: connections, streams and socket addresses are read through their pointers, a
 * pointer followed by a length is text or bytes, `const char *` alone ends with a NUL, arguments that the file's @appdata
 * comment names are application data, and those called secret are secret. 0, or -1 with `diag` set (FILE:LINE:COL). */
int dtrace_parse(struct catalog *catalog, const struct file *file, struct mem *mem, struct diag *diag);

/* Whether a path names a provider file: it ends in ".d". */
bool dtrace_is_file(const char *path);

#endif
