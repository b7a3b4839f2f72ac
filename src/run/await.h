#ifndef AWAIT_H
#define AWAIT_H

#include "host/find.h"
#include "host/look.h"

/* Waits for the first servers of a run (--wait). What a look at the processes costs and what is kept does not grow with time:
 * only processes that have come, or have executed another program, since the last look are looked into. */

struct await {
    const char *exe;      /* -e: the file that they run */
    const char *pid_file; /* --pid-file: names one, or who starts them; neither: any h2o */
    bool is_forced;       /* as in open.h */
    bool takes_all;       /* that appear at the same time; otherwise one */
    bool has_begun;       /* one is traced. Those that have appeared with it are still told of, and no others */

    /* Its own. */
    struct look last;          /* processes that need not be looked into again */
    struct find_servers found; /* by the last look */
    size_t told;               /* of them */
    struct mem mem;            /* of the last look's findings */
};

/* Who is waited for, as "an h2o that runs /usr/bin/h2o", escaped. The arena's. */
const char *await_words(const struct await *await, struct mem *mem);

/* A server that has appeared and is to be traced; 0: there is none now; -1: there cannot be one, and `diag` is set. */
pid_t await_next(struct await *await, struct diag *diag);

/* No more is looked for. */
bool await_is_over(const struct await *await);

void await_free(struct await *await);

#endif
