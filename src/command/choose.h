#ifndef CHOOSE_H
#define CHOOSE_H

#include "command/options.h"
#include "run/await.h"

/* Which servers a command is about, as the options say. */

struct choose {
    struct find_servers servers;
    struct await await; /* for the first of them */
    bool is_awaited;    /* there are none yet, and they are waited for (--wait) */
    bool has_several;   /* several can be traced at the same time */
};

/* Those that are traced. Says on stderr what stands for a process that is no server. 0, or -1 with `diag` set. Memory is the
 * arena's. */
int choose_servers(struct choose *choose, const struct options *options, const struct diag_log *log, struct mem *mem,
                   struct diag *diag);

/* The only process that -p or --pid-file names, for the commands that are about one; 0: none is named. */
int choose_one(pid_t *pid, const struct options *options, const struct diag_log *log, struct mem *mem, struct diag *diag);

#endif
