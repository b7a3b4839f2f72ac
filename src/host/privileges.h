#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "base/diag.h"

#include <sys/types.h>

/* Who a process becomes. */
struct privileges {
    uid_t uid;
    gid_t gid;
};

/* `user`, or without one (NULL) who called sudo, or else nobody. 0, or -1 with `diag` set. */
int privileges_find(struct privileges *privileges, const char *user, struct diag *diag);

/* Becomes that user for good: no other groups, no capabilities, and no program that it might run can get them back
 * (PR_SET_NO_NEW_PRIVS). 0, or -1 with `diag` set. */
int privileges_drop(const struct privileges *privileges, struct diag *diag);

#endif
