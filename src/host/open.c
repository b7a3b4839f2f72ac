#include "host/open.h"

#include "host/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* A file on its way to being opened. */
struct opening {
    const char *path;
    enum walk_rule rule;
    int flags;
    bool is_judged;
    bool is_own; /* h2olog was started with it */
    bool is_new; /* it was made here */
    int fd;
    struct stat status;
    struct walk walk; /* keeps what went wrong, as a walk does: `error`, and `advice` where there is one */
};

/* ---- Errors. */

static int
fail(struct opening *opening, const char *error, const char *advice)
{
    opening->walk.error = error;
    opening->walk.advice = advice;
    return -1;
}

static int
fail_by_errno(struct opening *opening)
{
    opening->walk.number = errno;
    if (errno == ENXIO && (opening->flags & O_ACCMODE) == O_WRONLY)
        return fail(opening, strerror(errno), "if it is a FIFO, start its reader first");
    return fail(opening, strerror(errno), NULL);
}

/* What is no regular file. */
static const char *
kind_words(mode_t mode)
{
    return S_ISDIR(mode)    ? "it is a directory"
           : S_ISFIFO(mode) ? "it is a FIFO"
           : S_ISSOCK(mode) ? "it is a socket"
                            : "it is a device";
}

/* ---- Opening, and ending what has begun. */

int
open_own(const char *path)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    struct slice rest = text_of(path);
    uint64_t number;
    for (int i = 0; i < 3; i++)
        if (strcmp(path, names[i]) == 0)
            return i;
    bool is_numbered = text_skip_prefix(&rest, "/dev/fd/") || text_skip_prefix(&rest, "/proc/self/fd/");
    return is_numbered && text_number(rest, INT_MAX, &number) ? (int)number : -1;
}

/* Opens what the walk has found, and not what may have its name by now. */
static int
open_found(const struct opening *opening)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", opening->walk.found);
    return open(path, opening->flags & ~O_CREAT);
}

static int
open_by_walk(struct opening *opening)
{
    struct walk *walk = &opening->walk;
    if (walk_path(walk, opening->path, opening->rule) != 0)
        return -1;
    opening->is_new = walk->found < 0;
    if (!opening->is_new)
        opening->fd = open_found(opening);
    else if ((opening->flags & O_CREAT) != 0)
        opening->fd = openat(walk->directory, walk->name, opening->flags | O_EXCL | O_NOFOLLOW, 0600);
    else
        errno = ENOENT;
    return opening->fd >= 0 ? 0 : fail_by_errno(opening);
}

/* Without a walk. */
static int
open_plainly(struct opening *opening, int own)
{
    opening->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : open(opening->path, opening->flags, 0600);
    return opening->fd >= 0 ? 0 : fail_by_errno(opening);
}

/* The rest of h2olog asks poll(2), or wants to wait. The flag of a file that it was started with is shared with others. */
static int
open_path(struct opening *opening)
{
    int own = open_own(opening->path);
    opening->is_own = own >= 0;
    if ((opening->is_judged && !opening->is_own ? open_by_walk(opening) : open_plainly(opening, own)) != 0)
        return -1;
    if (!opening->is_own)
        fcntl(opening->fd, F_SETFL, fcntl(opening->fd, F_GETFL) & ~O_NONBLOCK);
    return fstat(opening->fd, &opening->status) == 0 ? 0 : fail_by_errno(opening);
}

static struct opening
opening_of(const char *path, enum walk_rule rule, int flags, bool is_judged)
{
    return (struct opening){.path = path,
                            .rule = rule,
                            .flags = flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                            .is_judged = is_judged,
                            .fd = -1,
                            .walk = {.directory = -1, .found = -1}};
}

/* Returns the descriptor, or -1. */
static int
finish(struct opening *opening, int status)
{
    walk_end(&opening->walk);
    if (status == 0)
        return opening->fd;
    if (opening->fd >= 0)
        close(opening->fd);
    return -1;
}

/* ---- Input. */

/* Advice is there where others could change something. */
static void
explain_input(const struct open_input *input, const struct opening *opening, struct diag *diag)
{
    const struct walk *walk = &opening->walk;
    char quoted[1024];
    if (walk->advice != NULL)
        diag_set(diag, DIAG_USAGE, "%s: %s, so root does not use it; %s, or give --force", input->option, walk->error,
                 walk->advice);
    else
        diag_set(diag, DIAG_USAGE, "%s: %s: %s; expected %s", input->option,
                 diag_quote(quoted, sizeof(quoted), text_of(opening->path)), walk->error, input->expected);
}

/* What others could fill is not believed, whoever has opened it. */
static int
judge_own(struct opening *opening)
{
    struct mem *mem = &opening->walk.mem;
    struct trust_flaw flaw = trust_judge(opening->fd, &opening->status);
    return flaw.kind == TRUST_NO_FLAW
               ? 0
               : fail(opening, mem_printf(mem, "others than root can change %s, %s", opening->path, trust_explain(flaw, mem)),
                      trust_advice(flaw));
}

static int
check_input(struct opening *opening, enum open_kind kind)
{
    mode_t mode = opening->status.st_mode;
    if (S_ISREG(mode))
        return kind != OPEN_DIRECTORY ? 0 : fail(opening, "it is a file", NULL);
    bool is_good = S_ISDIR(mode) ? kind == OPEN_DIRECTORY
                                 : kind == OPEN_STREAM || (kind == OPEN_FILE && S_ISFIFO(mode) && opening->is_own);
    return is_good ? 0 : fail(opening, kind_words(mode), NULL);
}

int
open_input(const struct open_input *input, const char *path, struct diag *diag)
{
    struct opening opening =
        opening_of(path, input->is_believed ? WALK_TRUSTED : WALK_DATA, O_RDONLY, geteuid() == 0 && !input->is_forced);
    int status = open_path(&opening);
    if (status == 0 && opening.is_own && opening.is_judged && input->is_believed)
        status = judge_own(&opening);
    if (status == 0)
        status = check_input(&opening, input->kind);
    if (status != 0)
        explain_input(input, &opening, diag);
    bool is_missing = opening.walk.number == ENOENT;
    int fd = finish(&opening, status);
    errno = is_missing ? ENOENT : 0;
    return fd;
}

const char *
open_program(const struct open_input *input, const char *path, struct mem *mem, struct diag *diag)
{
    if (geteuid() != 0 || input->is_forced)
        return path;
    struct opening opening = opening_of(path, WALK_TRUSTED, O_PATH, true);
    int status = open_by_walk(&opening);
    char quoted[512];
    if (status != 0 && opening.walk.advice != NULL)
        explain_input(input, &opening, diag);
    else if (status != 0)
        diag_set(diag, DIAG_MACHINE, "cannot run %s: %s", diag_quote(quoted, sizeof(quoted), text_of(path)),
                 opening.walk.error);
    const char *resolved = status == 0 ? mem_strdup(mem, opening.walk.path) : NULL;
    int fd = finish(&opening, status);
    if (fd >= 0)
        close(fd);
    return resolved;
}

/* ---- Output. */

static bool
is_null_or_full(const struct stat *status)
{
    enum { MEMORY_DEVICES = 1, NULL_DEVICE = 3, FULL_DEVICE = 7 };
    return S_ISCHR(status->st_mode) && major(status->st_rdev) == MEMORY_DEVICES &&
           (minor(status->st_rdev) == NULL_DEVICE || minor(status->st_rdev) == FULL_DEVICE);
}

/* Whether it is the terminal of h2olog's session. Behind su or sudo -i it is still the user's who logged in. */
static bool
is_own_terminal(int fd)
{
    return tcgetsid(fd) >= 0;
}

/* What is there already must not be another user's, who could read it, and not be found under another name. */
static int
check_output(struct opening *opening)
{
    static const char advice[] = "remove it, or name another file", other[] = "name another terminal or a file";
    const struct stat *status = &opening->status;
    bool is_terminal = isatty(opening->fd);
    if (is_null_or_full(status) || (is_terminal && is_own_terminal(opening->fd)))
        return 0;
    if (!S_ISREG(status->st_mode) && !S_ISFIFO(status->st_mode) && !is_terminal)
        return fail(opening, kind_words(status->st_mode), "name a file, a FIFO that is being read, a terminal or /dev/null");
    if (!trust_is_owned(status))
        return fail(opening, mem_printf(&opening->walk.mem, "it is user %u's", status->st_uid), is_terminal ? other : advice);
    if (S_ISREG(status->st_mode) && status->st_nlink > 1)
        return fail(opening, "it has another name, too, as a hard link", advice);
    return 0;
}

const struct open_used *
open_find_used(int fd, const struct open_used *used, size_t nused)
{
    struct stat ours, other;
    if (fstat(fd, &ours) != 0 || (!S_ISREG(ours.st_mode) && !S_ISFIFO(ours.st_mode)))
        return NULL;
    for (size_t i = 0; i < nused; i++)
        if (used[i].path != NULL && stat(used[i].path, &other) == 0 && ours.st_dev == other.st_dev &&
            ours.st_ino == other.st_ino)
            return &used[i];
    return NULL;
}

/* Ends the last line, which a full disk or a crash may have left unfinished. It is not known of a file that may not be read. */
static int
end_line(const struct opening *opening)
{
    char path[32], last = '\n';
    snprintf(path, sizeof(path), "/proc/self/fd/%d", opening->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_unfinished = fd >= 0 && pread(fd, &last, 1, opening->status.st_size - 1) == 1 && last != '\n';
    if (fd >= 0)
        close(fd);
    return !is_unfinished || write(opening->fd, "\n", 1) == 1 ? 0 : -1;
}

/* Empties the file, or makes it ready for what comes behind. */
static int
prepare(struct opening *opening, enum open_mode how)
{
    if (!S_ISREG(opening->status.st_mode) || opening->status.st_size == 0)
        return 0;
    int status = how == OPEN_EMPTIED ? ftruncate(opening->fd, 0) : end_line(opening);
    return status == 0 ? 0 : fail_by_errno(opening);
}

static bool
is_shared(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (file.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

static int
take_output(struct opening *opening, enum open_mode how, const struct open_used *used, size_t nused)
{
    const struct open_used *other = open_find_used(opening->fd, used, nused);
    if (other != NULL)
        return fail(opening, mem_printf(&opening->walk.mem, "it is the file of %s, too", other->option), "name another file");
    if (opening->is_own)
        return how != OPEN_ANEW ? 0 : fail(opening, "it was opened by whoever started h2olog", NULL);
    if (opening->is_judged && !opening->is_new && check_output(opening) != 0)
        return -1;
    if (how == OPEN_SECRET && is_shared(opening->fd))
        return fail(opening, "others than its owner may read or write it, and keys are to be written there",
                    "chmod 600 it, or name a new file");
    return prepare(opening, how);
}

int
open_output(const char *path, enum open_mode how, const struct open_used *used, size_t nused, struct diag *diag)
{
    struct opening opening = opening_of(path, WALK_OUTPUT, O_WRONLY | O_APPEND | O_CREAT, geteuid() == 0);
    const struct walk *walk = &opening.walk;
    char quoted[512];
    int status = open_path(&opening);
    if (status == 0)
        status = take_output(&opening, how, used, nused);
    if (status != 0)
        diag_set(diag, DIAG_FAILED, "cannot open %s for writing: %s%s%s", diag_quote(quoted, sizeof(quoted), text_of(path)),
                 walk->error, walk->advice != NULL ? "; " : "", walk->advice != NULL ? walk->advice : "");
    return finish(&opening, status);
}
