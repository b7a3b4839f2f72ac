#include "host/process.h"

#include "base/diag.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads the first bytes of /proc/PID/NAME. Returns how many. */
static size_t
read_start(pid_t pid, const char *name, char *bytes, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, size) : 0;
    if (fd >= 0)
        close(fd);
    return len > 0 ? (size_t)len : 0;
}

/* Field 4 is the parent, field 22 when it was started. */
bool
process_read(struct process *process, pid_t pid)
{
    char line[1024];
    line[read_start(pid, "stat", line, sizeof(line) - 1)] = '\0';
    const char *after_name = strrchr(line, ')'); /* the name may hold anything, parentheses too */
    *process = (struct process){.pid = pid};
    return after_name != NULL &&
           sscanf(after_name, ") %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
                  &process->parent, &process->started) == 2;
}

static uint64_t
read_signals(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtoul(at + strlen(name), NULL, 16) : 0;
}

bool
process_is_stopped(pid_t pid, uint64_t *pending)
{
    char text[4096];
    text[read_start(pid, "status", text, sizeof(text) - 1)] = '\0';
    const char *state = strstr(text, "\nState:\t"); /* the name, in the line before, has its line feeds escaped */
    *pending = read_signals(text, "\nSigPnd:\t") | read_signals(text, "\nShdPnd:\t");
    return state != NULL && state[8] == 'T';
}

/* The arguments in /proc/PID/cmdline are separated by NUL. */
const char *
process_command(pid_t pid, struct mem *mem)
{
    char bytes[1024], quoted[256];
    size_t len = read_start(pid, "cmdline", bytes, sizeof(bytes));
    while (len > 0 && bytes[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' ';
    return mem_strdup(mem, diag_quote(quoted, sizeof(quoted), (struct slice){bytes, len}));
}

struct process_exe
process_exe(pid_t pid, struct mem *mem)
{
    char path[64], name[PATH_MAX];
    struct stat status;
    struct process_exe exe = {0};
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    if (stat(path, &status) == 0) {
        exe.device = status.st_dev;
        exe.inode = status.st_ino;
    }
    static const char removed[] = " (deleted)";
    ssize_t len = readlink(path, name, sizeof(name));
    struct slice link = {name, len > 0 ? (size_t)len : 0};
    if (text_ends_with(link, removed))
        link.len -= strlen(removed);
    exe.path = mem_strndup(mem, link.ptr, link.len);
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
    exe.mounts = stat(path, &status) == 0 ? status.st_ino : 0;
    return exe;
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

bool
process_list_begin(struct process_list *list)
{
    list->proc = opendir("/proc");
    return list->proc != NULL;
}

bool
process_list_next(struct process_list *list, struct process *process)
{
    const struct dirent *entry;
    uint64_t number;
    while ((entry = readdir(list->proc)) != NULL)
        if (text_number(text_of(entry->d_name), INT_MAX, &number) && process_read(process, (pid_t)number))
            return true;
    return false;
}

void
process_list_end(struct process_list *list)
{
    closedir(list->proc);
}

bool
process_maps_open(struct process_maps *maps, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    *maps = (struct process_maps){.file = fopen(path, "re")};
    return maps->file != NULL;
}

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

bool
process_maps_next(struct process_maps *maps, struct process_mapping *mapping)
{
    ssize_t len;
    while ((len = getline(&maps->line, &maps->size, maps->file)) >= 0) {
        if (maps->count++ == PROCESS_MAX_MAPPINGS) {
            maps->is_cut = true;
            return false;
        }
        if (len > 0 && maps->line[len - 1] == '\n')
            maps->line[len - 1] = '\0';
        if (parse_mapping(maps->line, mapping))
            return true;
    }
    return false;
}

void
process_maps_close(struct process_maps *maps)
{
    free(maps->line);
    if (maps->file != NULL)
        fclose(maps->file);
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
        return -1;
    }
    return fd;
}
