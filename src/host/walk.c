#include "host/walk.h"

#include "base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As many as the kernel follows in a path. */
enum { MOST_LINKS = 40 };

/* ---- Errors. */

static int
fail(struct walk *walk, int error)
{
    walk->error = strerror(error);
    walk->number = error;
    return -1;
}

static const char *
quote(struct walk *walk, const char *path)
{
    char quoted[512];
    return mem_strdup(&walk->mem, diag_quote(quoted, sizeof(quoted), text_of(path[0] != '\0' ? path : "/")));
}

/* `is_link`: others could say where the symbolic link at the end of the path leads. */
static int
refuse(struct walk *walk, bool is_link)
{
    const char *why = trust_explain(walk->flaw, &walk->mem), *flawed = quote(walk, walk->flawed);
    walk->error = mem_printf(&walk->mem, "others than root can change %s, %s", flawed, why);
    walk->advice = trust_advice(walk->flaw);
    if (is_link) {
        walk->error = mem_printf(&walk->mem, "%s, and so where the link %s leads", walk->error, quote(walk, walk->path));
        walk->advice = "name the file itself";
    }
    return -1;
}

/* Only the first flaw is kept. Who may make that change may make others below it. */
static void
judge(struct walk *walk, const struct stat *status)
{
    struct trust_flaw flaw = trust_judge(walk->found, status);
    if (flaw.kind == TRUST_NO_FLAW || walk->flawed != NULL)
        return;
    walk->flaw = flaw;
    walk->flawed = walk->path;
}

/* ---- Links. */

/* "" is the path of /. */
static void
leave(struct walk *walk)
{
    const char *slash = strrchr(walk->path, '/');
    walk->path = slash != NULL ? mem_strndup(&walk->mem, walk->path, (size_t)(slash - walk->path)) : "";
}

static void
step_into(struct walk *walk, int fd)
{
    if (walk->directory >= 0)
        close(walk->directory);
    walk->directory = fd;
}

static int
start_at_root(struct walk *walk)
{
    struct stat status;
    step_into(walk, -1);
    walk->found = open("/", O_PATH | O_CLOEXEC);
    if (walk->found < 0 || fstat(walk->found, &status) != 0)
        return fail(walk, errno);
    walk->path = "";
    judge(walk, &status);
    return walk->flawed != NULL && walk->rule == WALK_TRUSTED ? refuse(walk, false) : 0;
}

static bool
is_of_proc(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* Lets the kernel follow the link. */
static int
pass_link(struct walk *walk)
{
    close(walk->found);
    walk->found = openat(walk->directory, walk->name, O_PATH | O_CLOEXEC);
    return walk->found >= 0 ? 0 : fail(walk, errno);
}

/* The link's text takes the place of its name. */
static int
follow_link(struct walk *walk)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(walk->found, "", target, sizeof(target) - 1);
    if (len < 0)
        return fail(walk, errno);
    close(walk->found);
    walk->found = -1;
    walk->rest = mem_printf(&walk->mem, "%.*s%s", (int)len, target, walk->rest);
    leave(walk);
    return target[0] == '/' ? start_at_root(walk) : 0;
}

static int
take_link(struct walk *walk, const struct stat *status)
{
    if (++walk->links > MOST_LINKS)
        return fail(walk, ELOOP);
    if (walk->rule == WALK_DATA && is_of_proc(walk->found))
        return pass_link(walk);
    judge(walk, status);
    return walk->flawed != NULL ? refuse(walk, walk->rule != WALK_TRUSTED) : follow_link(walk);
}

/* ---- Names. */

/* Takes the next name off the rest. Behind a slash at the end stands the directory itself. */
static void
take_name(struct walk *walk)
{
    const char *begin = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(begin, "/");
    walk->rest = begin + len;
    walk->name = len > 0 ? mem_strndup(&walk->mem, begin, len) : ".";
    if (strcmp(walk->name, "..") == 0)
        leave(walk);
    else if (strcmp(walk->name, ".") != 0)
        walk->path = mem_printf(&walk->mem, "%s/%s", walk->path, walk->name);
}

static int
take_step(struct walk *walk)
{
    struct stat status;
    if (walk->found >= 0)
        step_into(walk, walk->found);
    take_name(walk);
    walk->found = openat(walk->directory, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (walk->found < 0)
        return errno == ENOENT && walk->rest[0] == '\0' ? 0 : fail(walk, errno);
    if (fstat(walk->found, &status) != 0)
        return fail(walk, errno);
    if (S_ISLNK(status.st_mode))
        return take_link(walk, &status);
    judge(walk, &status);
    return walk->flawed != NULL && walk->rule == WALK_TRUSTED ? refuse(walk, false) : 0;
}

/* A relative path begins in the working directory, whose own path counts, too. */
static int
begin(struct walk *walk, const char *path)
{
    char directory[PATH_MAX] = "";
    if (path[0] == '\0')
        return fail(walk, ENOENT);
    if (path[0] != '/' && getcwd(directory, sizeof(directory)) == NULL)
        return fail(walk, errno);
    walk->rest = mem_printf(&walk->mem, "%s/%s", directory, path);
    return start_at_root(walk);
}

int
walk_path(struct walk *walk, const char *path, enum walk_rule rule)
{
    *walk = (struct walk){.rule = rule, .directory = -1, .found = -1};
    int status = begin(walk, path);
    while (status == 0 && walk->rest[0] != '\0')
        status = take_step(walk);
    return status;
}

void
walk_end(struct walk *walk)
{
    if (walk->found >= 0)
        close(walk->found);
    step_into(walk, -1);
    mem_free(&walk->mem);
}
