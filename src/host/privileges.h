#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "base/diag.h"

#include <sys/types.h>

/* The kernel's overflow id. It is that of the user nobody wherever there is one. */
enum { PRIVILEGES_NOBODY = 65534 };

/* Who a process becomes. */
struct privileges {
    uid_t uid;
    gid_t gid;
};

/* The user that packages make for h2olog. */
#define PRIVILEGES_USER "_h2olog"

/* `user`; or without one (NULL) PRIVILEGES_USER where there is one, or else who called sudo, or else nobody. 0, or -1 with
 * `diag` set. */
int privileges_find(struct privileges *privileges, const char *user, struct diag *diag);

/* What clients sent stands in this process's memory: no core is dumped, and no process of the same user may read it. Forks are
 * the same. */
void privileges_hide_memory(void);

/* Becomes that user for good: no other groups, no capabilities, and no program that it might run can get them back
 * (PR_SET_NO_NEW_PRIVS). 0, or -1 with `diag` set. */
int privileges_drop(const struct privileges *privileges, struct diag *diag);

#endif
