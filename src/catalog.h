#ifndef CATALOG_H
#define CATALOG_H

#include "files.h"
#include "types.h"
#include "usdt.h"

enum { CATALOG_MAX_FIELDS = USDT_MAX_ARGS };

/* An argument of a probe, and its name in the output. */
struct catalog_field {
    const char *name;
    const struct types_row *type;
    int arg;     /* which argument, from 0 */
    int len_arg; /* the argument that holds its length; -1: it has none */
};

/* A line is made of these: bytes as they stand, or a field's value. */
struct catalog_piece {
    struct slice literal;
    int field; /* -1: literal */
};

struct catalog_probe {
    const char *provider, *name;
    const char *tag;     /* as filters and lines name it */
    const char *group;   /* the mode that shows it, such as "http" */
    const char *summary; /* one sentence */
    struct catalog_field fields[CATALOG_MAX_FIELDS];
    int nfields;
    struct catalog_piece *line;
    size_t npieces;
    struct diag_pos pos;
};

struct catalog {
    struct catalog_probe *probes;
    size_t count;
};

/* Parses the files; the format is described in probes/README.md. The first thing that is not understood is an error with its
 * position. 0, or -1 with `diag` set. Memory is the arena's. */
int catalog_parse(struct catalog *catalog, const struct files *files, struct mem *mem, struct diag *diag);

#endif
