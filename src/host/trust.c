#include "host/trust.h"

#include "base/text.h"

#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

/* ---- Whom root trusts. */

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

bool
trust_sudo_user(uid_t *uid, gid_t *gid)
{
    return read_id("SUDO_UID", uid) && read_id("SUDO_GID", gid) && *uid != 0;
}

static bool
is_user_good(uid_t user)
{
    uid_t uid;
    gid_t gid;
    return user == 0 || (trust_sudo_user(&uid, &gid) && user == uid);
}

/* A group with the number of the user who called sudo is taken for that user's own. */
static bool
is_group_good(gid_t group)
{
    uid_t uid;
    gid_t gid;
    return group == 0 || (trust_sudo_user(&uid, &gid) && group == gid && gid == uid);
}

bool
trust_is_owned(const struct stat *status)
{
    return is_user_good(status->st_uid);
}

/* ---- What a group can change. */

static const struct trust_flaw no_flaw = {TRUST_NO_FLAW, 0};

static bool
is_entry_good(const struct posix_acl_xattr_entry *entry, gid_t group)
{
    if ((entry->e_perm & ACL_WRITE) == 0)
        return true;
    if (entry->e_tag == ACL_USER)
        return is_user_good(entry->e_id);
    if (entry->e_tag == ACL_GROUP)
        return is_group_good(entry->e_id);
    return entry->e_tag != ACL_GROUP_OBJ || is_group_good(group);
}

/* With an ACL the bits of the group are a mask: without its w no entry but the owner's and that of all others has w. */
static struct trust_flaw
judge_group(int fd, const struct stat *status)
{
    enum { MOST = 128 };
    struct {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[MOST];
    } acl;
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fgetxattr does not take a file of O_PATH */
    ssize_t size = getxattr(path, "system.posix_acl_access", &acl, sizeof(acl));
    if (size < 0 && (errno == ENODATA || errno == ENOTSUP))
        return is_group_good(status->st_gid) ? no_flaw : (struct trust_flaw){TRUST_GROUP, status->st_gid};
    size_t count = size < 0 ? 0 : ((size_t)size - sizeof(acl.header)) / sizeof(*acl.entries), good = 0;
    while (good < count && is_entry_good(&acl.entries[good], status->st_gid))
        good++;
    return size > 0 && good == count ? no_flaw : (struct trust_flaw){TRUST_ACL, 0};
}

/* ---- All together. */

/* A symbolic link has no mode, and what is written to a device is not read from there. In a sticky directory, as /tmp,
 * everybody may make files, but only its owner may replace what others have made: there the rights of the file itself count. */
struct trust_flaw
trust_judge(int fd, const struct stat *status)
{
    mode_t mode = status->st_mode;
    bool is_sticky = S_ISDIR(mode) && (mode & S_ISVTX) != 0;
    if (!trust_is_owned(status))
        return (struct trust_flaw){TRUST_OWNER, status->st_uid};
    if (is_sticky || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode))
        return no_flaw;
    if ((mode & S_IWOTH) != 0)
        return (struct trust_flaw){TRUST_WORLD, 0};
    return (mode & S_IWGRP) != 0 ? judge_group(fd, status) : no_flaw;
}

/* ---- Words. */

static const struct {
    const char *before, *after; /* the id stands between them; `after` is NULL where it would say nothing */
    const char *advice;
} words[] = {
    [TRUST_OWNER] = {"which is user ", "'s", "chown -h root it"},
    [TRUST_GROUP] = {"which group ", " may write to", "chmod g-w it"},
    [TRUST_WORLD] = {"which everybody may write to", NULL, "chmod o-w it"},
    [TRUST_ACL] = {"whose ACL lets others write to it", NULL, "setfacl -b it"},
};

const char *
trust_explain(struct trust_flaw flaw, struct mem *mem)
{
    const char *before = words[flaw.kind].before, *after = words[flaw.kind].after;
    return after == NULL ? before : mem_printf(mem, "%s%u%s", before, flaw.id, after);
}

const char *
trust_advice(struct trust_flaw flaw)
{
    return words[flaw.kind].advice;
}
