#ifndef WALK_H
#define WALK_H

#include "base/mem.h"
#include "host/trust.h"

/* A path, walked from / on, name by name. The kernel follows no symbolic link in it: each one is read, judged and followed
 * here. So what was judged is what is reached, whatever others rename meanwhile. */

enum walk_rule {
    WALK_TRUSTED, /* nobody else can change any part of the way, or where it ends */
    WALK_OUTPUT,  /* others may own directories on the way, but not say where a symbolic link leads */
    WALK_DATA,    /* the same; links of /proc, as /proc/PID/exe, are the kernel's, and it follows them */
};

struct walk {
    enum walk_rule rule;
    int directory;          /* that holds the last name */
    const char *name;       /* the last name */
    int found;              /* what has that name, open as of O_PATH; -1: nothing has */
    const char *path;       /* all of it, absolute and without links */
    const char *rest;       /* what is still to be walked */
    unsigned links;         /* that were followed */
    const char *flawed;     /* the first part of the way that others can change; NULL: there is none */
    struct trust_flaw flaw; /* of that part */
    const char *error;      /* why the walk has failed, ... */
    int number;             /* ... as errno says it; 0: otherwise */
    const char *advice;     /* ... and what to do about it; NULL: nothing that would be known here */
    struct mem mem;         /* of all the strings */
};

/* 0, or -1 with `error`, `number` and `advice` set. That nothing has the last name is no error. walk_end in any case. */
int walk_path(struct walk *walk, const char *path, enum walk_rule rule);
void walk_end(struct walk *walk);

#endif
