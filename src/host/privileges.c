#include "host/privileges.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
read_id(const char *variable, uint32_t *id)
{
    const char *value = getenv(variable);
    uint64_t number;
    if (value == NULL || !text_number(text_of(value), UINT32_MAX - 1, &number))
        return false;
    *id = (uint32_t)number;
    return true;
}

int
privileges_find(struct privileges *privileges, const char *user, struct diag *diag)
{
    if (user == NULL && read_id("SUDO_UID", &privileges->uid) && read_id("SUDO_GID", &privileges->gid) && privileges->uid != 0)
        return 0;
    const struct passwd *entry = getpwnam(user != NULL ? user : "nobody");
    if (entry != NULL) {
        *privileges = (struct privileges){entry->pw_uid, entry->pw_gid};
        return 0;
    }
    *privileges = (struct privileges){PRIVILEGES_NOBODY, PRIVILEGES_NOBODY};
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

/* In a sticky directory, as /tmp, everybody may make files, but only its owner may replace a file: there the rights of the file
 * itself count. A group with the number of the user who called sudo is taken for that user's own. */
static bool
is_changed_by_others(const struct stat *status)
{
    uint32_t uid = 0, gid = 0;
    if (!read_id("SUDO_UID", &uid) || !read_id("SUDO_GID", &gid))
        uid = gid = 0;
    bool is_sticky = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) != 0;
    bool is_owner_good = status->st_uid == 0 || status->st_uid == uid;
    bool is_group_good = (status->st_mode & S_IWGRP) == 0 || status->st_gid == 0 || (status->st_gid == gid && gid == uid);
    bool is_world_good = (status->st_mode & S_IWOTH) == 0;
    return !is_owner_good || (!is_sticky && (!is_group_good || !is_world_good));
}

/* Judges the directories above the path, from the root on, and the path itself. One that does not exist is no error here:
 * whoever opens the path says so. */
static int
check_parts(const char *option, char *path, struct diag *diag)
{
    for (char *end = path; end != NULL;) {
        struct stat status;
        end = strchr(end + 1, '/');
        if (end != NULL)
            *end = '\0';
        char quoted[512];
        if (stat(path[0] != '\0' ? path : "/", &status) == 0 && is_changed_by_others(&status))
            return diag_set(
                diag, DIAG_USAGE,
                "%s: others than root can change %s, so root does not use it; chown root and chmod go-w it, or give --force",
                option, diag_quote(quoted, sizeof(quoted), text_of(path)));
        if (end != NULL)
            *end = '/';
    }
    return 0;
}

int
privileges_check_path(const char *option, const char *path, struct diag *diag)
{
    char resolved[PATH_MAX], lexical[2 * PATH_MAX + 2] = "", directory[PATH_MAX] = "";
    if (realpath(path, resolved) == NULL)
        return 0; /* whoever opens it says why */
    if (path[0] != '/' && getcwd(directory, sizeof(directory)) == NULL)
        directory[0] = '\0';
    snprintf(lexical, sizeof(lexical), "%s%s%s", directory, path[0] == '/' ? "" : "/", path);
    return check_parts(option, lexical, diag) != 0 ? -1 : check_parts(option, resolved, diag);
}
