#ifndef TRUST_H
#define TRUST_H

#include "base/mem.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Who can change a file, a directory or a symbolic link, other than root and the user who called sudo. */
enum trust_flaw_kind {
    TRUST_NO_FLAW, /* nobody */
    TRUST_OWNER,
    TRUST_GROUP,
    TRUST_WORLD,
    TRUST_ACL,
};

struct trust_flaw {
    enum trust_flaw_kind kind;
    unsigned id; /* of the owner or the group */
};

/* Judges an open file, which may be one of O_PATH, by its owner, mode and POSIX ACL. Needs /proc. `status` is what fstat says
 * of it. */
struct trust_flaw trust_judge(int fd, const struct stat *status);

/* Whether the file is root's, or of the user who called sudo. */
bool trust_is_owned(const struct stat *status);

/* Who can change it, in words: "which is user 1000's". Maybe the arena's. */
const char *trust_explain(struct trust_flaw flaw, struct mem *mem);

/* What to do about it. */
const char *trust_advice(struct trust_flaw flaw);

/* The user who called sudo, never root; false: nobody did. */
bool trust_sudo_user(uid_t *uid, gid_t *gid);

#endif
