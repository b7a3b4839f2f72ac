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

/* `user`, or without one (NULL) who called sudo, or else nobody. 0, or -1 with `diag` set. */
int privileges_find(struct privileges *privileges, const char *user, struct diag *diag);

/* Becomes that user for good: no other groups, no capabilities, and no program that it might run can get them back
 * (PR_SET_NO_NEW_PRIVS). 0, or -1 with `diag` set. */
int privileges_drop(const struct privileges *privileges, struct diag *diag);

/* Whether only root, or the user who called sudo, can change what `path` names, by writing to it or to a directory above it. 0,
 * or -1 with `diag` set to a sentence that begins with `option`. */
int privileges_check_path(const char *option, const char *path, struct diag *diag);

#endif
