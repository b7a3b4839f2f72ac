#include "host/process.h"

#include "base/clock.h"
#include "host/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

size_t
process_read_start(pid_t pid, const char *name, char *bytes, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, size) : 0;
    if (fd >= 0)
        close(fd);
    return len > 0 ? (size_t)len : 0;
}

static bool
are_files_used_up(int error)
{
    return error == EMFILE || error == ENFILE;
}

/* What stands behind the name: field 4 is the parent, 6 the session, 9 the kernel's flags (of which ps shows this one, too), 22
 * when it was started, 26 to 28 are where its code and its stack begin and end. */
static bool
parse_stat(struct process *process, const char *text)
{
    enum { ENDING = 0x4, FORKED_AND_EXECUTED_NOTHING = 0x40 };
    unsigned flags;
    unsigned long places[3];
    int count =
        sscanf(text, ") %*c %d %*s %d %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %*s %*s %*s %lu %lu %lu",
               &process->parent, &process->session, &flags, &process->started, &places[0], &places[1], &places[2]);
    if (count != 7)
        return false;
    process->is_ending = (flags & ENDING) != 0;
    process->is_forked = (flags & FORKED_AND_EXECUTED_NOTHING) != 0;
    process->image = text_hash(process->image, (struct slice){(const char *)places, sizeof(places)});
    return true;
}

/* The name may hold anything, parentheses too. It belongs to what is executed. */
bool
process_read(struct process *process, pid_t pid)
{
    char line[1024];
    errno = 0;
    line[process_read_start(pid, "stat", line, sizeof(line) - 1)] = '\0';
    const char *name = strchr(line, '('), *after_name = strrchr(line, ')');
    *process = (struct process){.pid = pid};
    if (name == NULL || after_name == NULL || name > after_name)
        return false;
    process->image = text_hash(TEXT_HASH, (struct slice){name, (size_t)(after_name - name)});
    return parse_stat(process, after_name);
}

int
process_pidfd(const struct process *process)
{
    struct process now;
    int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (fd < 0 || (process_read(&now, process->pid) && now.started == process->started))
        return fd;
    close(fd);
    return -1;
}

uint64_t
process_started_nsecs(uint64_t started)
{
    return started * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The number is PROC_PID_INIT_INO of the kernel's proc_ns.h. */
bool
process_has_kernel_pids(void)
{
    const ino_t first = 0xEFFFFFFC;
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == first;
}

/* The directory, unlike the files in it, is the user's even if the process must not be looked into. */
bool
process_user(pid_t pid, uid_t *user)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d", pid);
    if (stat(path, &status) != 0)
        return false;
    *user = status.st_uid;
    return true;
}

/* The signals of the line, if it begins with `name`. */
static uint64_t
read_signals(const char *line, const char *name)
{
    size_t len = strlen(name);
    return strncmp(line, name, len) == 0 ? strtoul(line + len, NULL, 16) : 0;
}

/* Line by line, as the line of a process's groups, which stands before those of the signals, may be long. */
bool
process_is_stopped(pid_t pid, uint64_t *pending)
{
    char path[64], *line = NULL;
    size_t size = 0;
    bool is_stopped = false;
    *pending = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status != NULL && getline(&line, &size, status) >= 0) {
        is_stopped |= strncmp(line, "State:\tT", 8) == 0; /* the name has its line feeds escaped */
        *pending |= read_signals(line, "SigPnd:\t") | read_signals(line, "ShdPnd:\t");
    }
    free(line);
    if (status != NULL)
        fclose(status);
    return is_stopped;
}

/* SIGKILL waits where the process is in a call that takes it late. */
bool
process_is_ending(pid_t pid)
{
    struct process process;
    uint64_t pending;
    process_is_stopped(pid, &pending);
    return (pending & 1u << (SIGKILL - 1)) != 0 || (process_read(&process, pid) && process.is_ending);
}

/* The kernel gives the host's namespaces fixed numbers. */
uint64_t
process_own_namespace(void)
{
    enum { HOST = 0xeffffffcu };
    char link[64];
    unsigned long number;
    ssize_t len = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
    link[len > 0 ? len : 0] = '\0';
    return sscanf(link, "pid:[%lu]", &number) == 1 && number != HOST ? number : 0;
}

/* NSpid has a number for each namespace, from the reader's own on. */
int
process_levels(pid_t pid)
{
    char path[64], *line = NULL;
    size_t size = 0;
    int levels = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status != NULL && levels == 0 && getline(&line, &size, status) >= 0) {
        struct slice rest = text_of(line), word;
        if (!text_skip_prefix(&rest, "NSpid:"))
            continue;
        while (text_word(&rest, &word))
            levels++;
    }
    free(line);
    if (status != NULL)
        fclose(status);
    return levels;
}

int
process_open(const void *context, struct outbuf *head)
{
    const struct process_proc_file *file = context;
    char path[64];
    (void)head;
    snprintf(path, sizeof(path), "/proc/%d/%s", file->pid, file->name);
    return open(path, O_RDONLY | O_NONBLOCK);
}

/* ---- Its command. */

/* They stand in the process's memory, which may be mapped from a file. */
static void
read_command(int fd, const void *context, struct outbuf *answer)
{
    enum { MOST = 1024 };
    (void)context;
    ssize_t len = read(fd, text_reserve(answer, MOST), MOST);
    answer->len += len > 0 ? (size_t)len : 0;
}

/* The kernel's name for it. */
static void
put_name(struct outbuf *out, pid_t pid)
{
    char name[32];
    size_t len = process_read_start(pid, "comm", name, sizeof(name));
    if (len > 0)
        text_printf(out, "[%.*s]", (int)(len - (name[len - 1] == '\n')), name);
}

/* The arguments in /proc/PID/cmdline are separated by NUL. */
const char *
process_command(pid_t pid, int64_t deadline, struct mem *mem)
{
    char quoted[256];
    struct diag ignored;
    struct outbuf text = {0};
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){pid, "cmdline"}};
    if (clock_ms() >= deadline || sandbox_run(&file, read_command, NULL, deadline, &text, &ignored) != 0)
        text.len = 0;
    while (text.len > 0 && text.ptr[text.len - 1] == '\0')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0')
            text.ptr[i] = ' ';
    if (text.len == 0)
        put_name(&text, pid);
    const char *command = mem_strdup(mem, diag_quote(quoted, sizeof(quoted), (struct slice){text.ptr, text.len}));
    text_free(&text);
    return command;
}

/* ---- Its executable. */

/* readlink, unlike stat, does not ask the file system. */
struct process_exe
process_exe(pid_t pid, struct mem *mem)
{
    char path[64], name[PATH_MAX], mounts[64];
    struct process_exe exe = {0};
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    ssize_t len = readlink(path, name, sizeof(name));
    exe.path = mem_strndup(mem, name, len > 0 ? (size_t)len : 0);
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
    len = readlink(path, mounts, sizeof(mounts) - 1);
    mounts[len > 0 ? len : 0] = '\0';
    if (sscanf(mounts, "mnt:[%lu]", &exe.mounts) != 1)
        exe.mounts = 0;
    return exe;
}

struct slice
process_exe_name(const struct process_exe *exe)
{
    static const char removed[] = " (deleted)";
    struct slice name = text_of(exe->path);
    if (text_ends_with(name, removed))
        name.len -= strlen(removed);
    return name;
}

struct slice
process_exe_last_name(const struct process_exe *exe)
{
    struct slice name = process_exe_name(exe);
    const char *slash = memrchr(name.ptr, '/', name.len);
    if (slash != NULL)
        text_skip(&name, (size_t)(slash + 1 - name.ptr));
    return name;
}

static int
open_exe_file(const void *context, struct outbuf *head)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/exe", *(const pid_t *)context);
    if (stat(path, &status) != 0)
        return -1;
    text_printf(head, "%lu %lu", (unsigned long)status.st_dev, (unsigned long)status.st_ino);
    return open("/dev/null", O_RDONLY);
}

static void
do_nothing(int fd, const void *context, struct outbuf *answer)
{
    (void)fd, (void)context, (void)answer;
}

bool
process_exe_file(pid_t pid, int64_t deadline, struct process_file *file)
{
    struct diag ignored;
    struct outbuf text = {0};
    const struct sandbox_file exe = {.open = open_exe_file, .context = &pid};
    int status = sandbox_run(&exe, do_nothing, NULL, deadline, &text, &ignored);
    text_putc(&text, '\0');
    bool is_known = status == 0 && sscanf(text.ptr, "%lu %lu", &file->device, &file->inode) == 2;
    text_free(&text);
    return is_known;
}

static bool
same_file(const char *path, int fd)
{
    struct stat a, b;
    return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool
process_is_exe(pid_t pid, int fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    return same_file(path, fd);
}

bool
process_has_file(pid_t pid, const char *object, int fd)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "/proc/%d/root%s", pid, object);
    return same_file(path, fd);
}

/* ---- All processes. */

bool
process_list_begin(struct process_list *list)
{
    *list = (struct process_list){.proc = opendir("/proc")};
    return list->proc != NULL;
}

bool
process_list_next(struct process_list *list, struct process *process)
{
    const struct dirent *entry;
    uint64_t number;
    while (list->error == 0 && (entry = readdir(list->proc)) != NULL) {
        if (!text_number(text_of(entry->d_name), INT_MAX, &number))
            continue;
        if (process_read(process, (pid_t)number))
            return true;
        list->error = are_files_used_up(errno) ? errno : 0;
    }
    return false;
}

void
process_list_end(struct process_list *list)
{
    closedir(list->proc);
}

/* ---- Its mappings. */

static bool
parse_mapping(const char *line, struct process_mapping *mapping)
{
    int path_at = -1;
    unsigned major, minor;
    int fields = sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &mapping->start, &mapping->end, mapping->perms, &mapping->offset,
                        &major, &minor, &mapping->id.inode, &path_at);
    if (fields != 7 || path_at < 0)
        return false;
    mapping->id.device = (uint64_t)major << 32 | minor;
    mapping->path = line + path_at;
    return mapping->id.inode != 0;
}

/* A line that is no mapping. */
static const char cut_mark[] = "...";

/* Copies the lines of files, without the blanks that the kernel puts before a path. */
static void
copy_maps(int fd, const void *context, struct outbuf *answer)
{
    char *line = NULL;
    size_t size = 0;
    struct process_mapping mapping;
    FILE *stream = fdopen(fd, "r");
    (void)context;
    for (int count = 0; stream != NULL && getline(&line, &size, stream) > 0; count++) {
        if (count == PROCESS_MAX_MAPPINGS) {
            text_puts(answer, cut_mark);
            break;
        }
        if (parse_mapping(line, &mapping))
            text_printf(answer, "%lx-%lx %s %lx %lx:%lx %lu %s", mapping.start, mapping.end, mapping.perms, mapping.offset,
                        mapping.id.device >> 32, mapping.id.device & UINT32_MAX, mapping.id.inode, mapping.path);
    }
}

int
process_maps_open(struct process_maps *maps, pid_t pid, int64_t deadline, struct diag *diag)
{
    *maps = (struct process_maps){0};
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){pid, "maps"}};
    int status = sandbox_run(&file, copy_maps, NULL, deadline, &maps->text, diag);
    maps->rest = (struct slice){maps->text.ptr, status == 0 ? maps->text.len : 0};
    return status;
}

bool
process_maps_next(struct process_maps *maps, struct process_mapping *mapping)
{
    while (maps->rest.len > 0) {
        char *line = maps->text.ptr + (maps->rest.ptr - maps->text.ptr);
        struct slice text = text_cut(&maps->rest, '\n');
        if (line + text.len == maps->text.ptr + maps->text.len) { /* every line of the kernel's has its end */
            maps->is_cut = text_is(text, cut_mark);
            return false;
        }
        line[text.len] = '\0';
        if (parse_mapping(line, mapping))
            return true;
    }
    return false;
}

void
process_maps_close(struct process_maps *maps)
{
    text_free(&maps->text);
    *maps = (struct process_maps){0};
}

/* map_files reaches a file that has no name any more, but asks for more rights than the name. */
int
process_open_mapping(pid_t pid, const struct process_mapping *mapping)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, mapping->start, mapping->end);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_ino != mapping->id.inode)) {
        close(fd);
        errno = ESTALE;
        return -1;
    }
    return fd;
}
