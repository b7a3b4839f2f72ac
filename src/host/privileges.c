#include "host/privileges.h"

#include "host/trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool
find_user(struct privileges *privileges, const char *name)
{
    const struct passwd *entry = getpwnam(name);
    if (entry != NULL)
        *privileges = (struct privileges){entry->pw_uid, entry->pw_gid};
    return entry != NULL;
}

/* A user of its own, which packages make, is better than the one who called sudo, who may do more, and than nobody, whose
 * processes may kill each other. */
static void
choose_user(struct privileges *privileges)
{
    if (!find_user(privileges, PRIVILEGES_USER) && !trust_sudo_user(&privileges->uid, &privileges->gid) &&
        !find_user(privileges, "nobody"))
        *privileges = (struct privileges){PRIVILEGES_NOBODY, PRIVILEGES_NOBODY};
}

int
privileges_find(struct privileges *privileges, const char *user, struct diag *diag)
{
    char quoted[128];
    if (user == NULL)
        choose_user(privileges);
    else if (!find_user(privileges, user))
        return diag_set(diag, DIAG_USAGE, "--user: there is no user \"%s\"; name one of /etc/passwd",
                        diag_quote(quoted, sizeof(quoted), text_of(user)));
    return 0;
}

void
privileges_hide_memory(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

/* What is given up must not come back. */
static bool
is_root_still(void)
{
    return setuid(0) == 0 || seteuid(0) == 0;
}

int
privileges_drop(const struct privileges *privileges, struct diag *diag)
{
    if (setgroups(0, NULL) == 0 && setresgid(privileges->gid, privileges->gid, privileges->gid) == 0 &&
        setresuid(privileges->uid, privileges->uid, privileges->uid) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        (privileges->uid == 0 || !is_root_still()))
        return 0;
    return diag_set(diag, DIAG_MACHINE, "cannot become user %u, group %u: %s; -r keeps root", privileges->uid, privileges->gid,
                    strerror(errno));
}
