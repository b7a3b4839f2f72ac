#include "host/privileges.h"

#include "host/trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The kernel's overflow id. It is that of the user nobody wherever there is one. */
enum { NOBODY = 65534 };

int
privileges_find(struct privileges *privileges, const char *user, struct diag *diag)
{
    if (user == NULL && trust_sudo_user(&privileges->uid, &privileges->gid))
        return 0;
    const struct passwd *entry = getpwnam(user != NULL ? user : "nobody");
    if (entry != NULL) {
        *privileges = (struct privileges){entry->pw_uid, entry->pw_gid};
        return 0;
    }
    *privileges = (struct privileges){NOBODY, NOBODY};
    char quoted[128];
    return user == NULL ? 0
                        : diag_set(diag, DIAG_USAGE, "--user: there is no user \"%s\"; name one of /etc/passwd",
                                   diag_quote(quoted, sizeof(quoted), text_of(user)));
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
