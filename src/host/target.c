#include "host/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One line of /proc/PID/maps. */
struct mapping {
    unsigned long start, end, offset;
    char perms[5];
    char device[16];
    uint64_t inode;
    const char *path; /* not NULL; points into the line */
};

static bool
parse_mapping(const char *line, struct mapping *mapping)
{
    int path_at = -1;
    int fields = sscanf(line, "%lx-%lx %4s %lx %15s %lu %n", &mapping->start, &mapping->end, mapping->perms, &mapping->offset,
                        mapping->device, &mapping->inode, &path_at);
    if (fields != 6 || path_at < 0)
        return false;
    mapping->path = line + path_at;
    return mapping->inode != 0;
}

static FILE *
open_maps(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    return fopen(path, "re");
}

static ssize_t
read_line(char **line, size_t *size, FILE *file)
{
    ssize_t len = getline(line, size, file);
    if (len > 0 && (*line)[len - 1] == '\n')
        (*line)[--len] = '\0';
    return len;
}

static bool
same_file(const char *path, int fd)
{
    struct stat a, b;
    return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool
is_exe(pid_t pid, int fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    return same_file(path, fd);
}

/* bpftrace -p looks the file up by this name. */
static bool
is_reachable(pid_t pid, const char *object, int fd)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "/proc/%d/root%s", pid, object);
    return same_file(path, fd);
}

/* map_files reaches a file that has no name any more, but asks for more rights than the name. */
static int
open_mapping(pid_t pid, const struct mapping *mapping)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, mapping->start, mapping->end);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_ino != mapping->inode)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
is_known(const struct target *target, const struct mapping *mapping)
{
    for (size_t i = 0; i < target->nobjects; i++)
        if (target->objects[i].inode == mapping->inode && strcmp(target->objects[i].device, mapping->device) == 0)
            return true;
    return false;
}

static int
read_object(struct target *target, const struct mapping *mapping, struct mem *mem, struct diag *diag)
{
    int fd = open_mapping(target->pid, mapping);
    if (fd < 0)
        return 0;
    struct target_object object = {mem_strdup(mem, mapping->path), mem_strdup(mem, mapping->device), mapping->inode,
                                   is_exe(target->pid, fd)};
    size_t before = target->probes.count;
    int status = usdt_read(&target->probes, fd, object.path, mem, diag);
    bool is_ours = target->probes.count > before;
    if (is_ours && object.is_exe && !is_reachable(target->pid, object.path, fd))
        target->by_path = true;
    close(fd);
    target->objects = mem_grow(mem, target->objects, target->nobjects, sizeof(object));
    target->objects[target->nobjects++] = object;
    return status;
}

static int
no_maps(pid_t pid, struct diag *diag)
{
    if (errno == EACCES || errno == EPERM)
        return diag_set(diag, DIAG_MACHINE, "process %d may not be looked at (%s); %s", pid, strerror(errno),
                        geteuid() != 0 ? "run h2olog as root, as with sudo" : "this root lacks CAP_SYS_PTRACE over it");
    return diag_set(diag, DIAG_NOTHING, "there is no process %d; pgrep -o h2o prints the pid of a running h2o", pid);
}

static int
read_objects(struct target *target, struct mem *mem, struct diag *diag)
{
    FILE *maps = open_maps(target->pid);
    if (maps == NULL)
        return no_maps(target->pid, diag);
    char *line = NULL;
    size_t size = 0;
    int status = 0;
    struct mapping mapping;
    errno = 0;
    while (status == 0 && read_line(&line, &size, maps) >= 0)
        if (parse_mapping(line, &mapping) && mapping.perms[2] == 'x' && !is_known(target, &mapping))
            status = read_object(target, &mapping, mem, diag);
    if (status == 0 && target->nobjects == 0)
        status = errno != 0 ? no_maps(target->pid, diag)
                            : diag_set(diag, DIAG_NOTHING,
                                       "process %d has ended, or is part of the kernel; nothing is to be traced", target->pid);
    free(line);
    fclose(maps);
    return status;
}

/* The arguments in /proc/PID/cmdline are separated by NUL. */
static const char *
read_command(pid_t pid, struct mem *mem)
{
    char path[64], bytes[1024];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : 0;
    if (fd >= 0)
        close(fd);
    while (len > 0 && bytes[len - 1] == '\0')
        len--;
    for (ssize_t i = 0; i < len; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' ';
    char quoted[256];
    return mem_strdup(mem, diag_quote(quoted, sizeof(quoted), (struct slice){bytes, len > 0 ? (size_t)len : 0}));
}

/* Field 4 is the parent, field 22 when it was started. */
static bool
read_stat(struct target_process *process, pid_t pid)
{
    char path[64], line[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;
    if (fd >= 0)
        close(fd);
    line[len > 0 ? len : 0] = '\0';
    const char *after_name = strrchr(line, ')'); /* the name may hold anything, parentheses too */
    *process = (struct target_process){.pid = pid};
    return after_name != NULL &&
           sscanf(after_name, ") %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
                  &process->parent, &process->started) == 2;
}

/* Of the executable: its name without what the kernel adds when the file has been removed, and its identity. */
static void
read_exe(struct target *target, struct mem *mem)
{
    static const char removed[] = " (deleted)";
    char path[64], name[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/exe", target->pid);
    if (stat(path, &status) == 0) {
        target->device = status.st_dev;
        target->inode = status.st_ino;
    }
    ssize_t len = readlink(path, name, sizeof(name));
    struct slice exe = {name, len > 0 ? (size_t)len : 0};
    if (text_ends_with(exe, removed))
        exe.len -= strlen(removed);
    target->exe = mem_strndup(mem, exe.ptr, exe.len);
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", target->pid);
    target->mounts = stat(path, &status) == 0 ? status.st_ino : 0;
}

int
target_open(struct target *target, pid_t pid, struct mem *mem, struct diag *diag)
{
    *target = (struct target){.pid = pid, .pidfd = -1};
    target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (target->pidfd < 0)
        return diag_set(diag, DIAG_NOTHING, "there is no process %d (%s); pgrep -o h2o prints the pid of a running h2o", pid,
                        strerror(errno));
    struct target_process process;
    read_stat(&process, pid);
    target->started = process.started;
    read_exe(target, mem);
    target->command = read_command(pid, mem);
    if (read_objects(target, mem, diag) != 0)
        return -1;
    if (!usdt_has_provider(&target->probes, "h2o"))
        return diag_set(diag, DIAG_NOTHING,
                        "process %d (%s) has none of h2o's probes; it is not h2o, or an h2o built without -DWITH_DTRACE=on",
                        pid, target->command);
    return 0;
}

static int
read_file(struct target *target, int fd, struct mem *mem, struct diag *diag)
{
    if (usdt_read(&target->probes, fd, target->exe, mem, diag) != 0)
        return -1;
    if (!usdt_has_provider(&target->probes, "h2o"))
        return diag_set(diag, DIAG_NOTHING,
                        "%s has none of h2o's probes; it is not h2o, or an h2o built without -DWITH_DTRACE=on",
                        target->command);
    return 0;
}

int
target_open_file(struct target *target, const char *path, struct mem *mem, struct diag *diag)
{
    char quoted[256];
    *target = (struct target){.pidfd = -1, .exe = path};
    target->command = mem_strdup(mem, diag_quote(quoted, sizeof(quoted), text_of(path)));
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return diag_set(diag, DIAG_USAGE, "%s: %s; expected the executable of an h2o", target->command, strerror(errno));
    int result = fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
                     ? read_file(target, fd, mem, diag)
                     : diag_set(diag, DIAG_USAGE, "%s is not a file; expected the executable of an h2o", target->command);
    close(fd);
    return result;
}

void
target_close(struct target *target)
{
    if (target->pidfd >= 0)
        close(target->pidfd);
    target->pidfd = -1;
}

uint64_t
target_address(const struct target *target, const char *object, uint64_t offset)
{
    FILE *maps = open_maps(target->pid);
    char *line = NULL;
    size_t size = 0;
    uint64_t address = 0;
    struct mapping mapping;
    while (address == 0 && maps != NULL && read_line(&line, &size, maps) >= 0)
        if (parse_mapping(line, &mapping) && mapping.perms[2] == 'x' && strcmp(mapping.path, object) == 0 &&
            offset >= mapping.offset && offset - mapping.offset < mapping.end - mapping.start)
            address = mapping.start + (offset - mapping.offset);
    free(line);
    if (maps != NULL)
        fclose(maps);
    return address;
}

static size_t
touch_mapping(int memory, const struct mapping *mapping)
{
    static char page[64 * 1024];
    size_t bytes = 0;
    for (unsigned long at = mapping->start; at < mapping->end; at += sizeof(page)) {
        size_t len = mapping->end - at < sizeof(page) ? mapping->end - at : sizeof(page);
        ssize_t got = pread(memory, page, len, (off_t)at);
        bytes += got > 0 ? (size_t)got : 0;
    }
    return bytes;
}

static bool
has_probes(const struct target *target, const struct mapping *mapping)
{
    for (size_t i = 0; i < target->nobjects; i++) {
        const struct target_object *object = &target->objects[i];
        if (object->inode != mapping->inode || strcmp(object->device, mapping->device) != 0)
            continue;
        for (size_t j = 0; j < target->probes.count; j++)
            if (target->probes.items[j].object == object->path && strcmp(target->probes.items[j].provider, "h2o") == 0)
                return true;
    }
    return false;
}

size_t
target_touch(const struct target *target)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", target->pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    FILE *maps = open_maps(target->pid);
    char *line = NULL;
    size_t size = 0, bytes = 0;
    struct mapping mapping;
    while (memory >= 0 && maps != NULL && read_line(&line, &size, maps) >= 0)
        if (parse_mapping(line, &mapping) && mapping.perms[0] == 'r' && mapping.perms[1] == '-' && has_probes(target, &mapping))
            bytes += touch_mapping(memory, &mapping);
    free(line);
    if (maps != NULL)
        fclose(maps);
    if (memory >= 0)
        close(memory);
    return bytes;
}

bool
target_search_begin(struct target_search *search)
{
    search->proc = opendir("/proc");
    return search->proc != NULL;
}

bool
target_search_next(struct target_search *search, struct target_process *process)
{
    const struct dirent *entry;
    uint64_t number;
    while ((entry = readdir(search->proc)) != NULL)
        if (text_number(text_of(entry->d_name), INT_MAX, &number) && read_stat(process, (pid_t)number))
            return true;
    return false;
}

void
target_search_end(struct target_search *search)
{
    closedir(search->proc);
}

/* A process that has gone meanwhile runs nothing. */
static bool
runs_same_program(const struct target *target, pid_t pid)
{
    struct mem mem = {0};
    struct target other = {.pid = pid};
    read_exe(&other, &mem);
    bool is_same_file = other.inode != 0 && other.device == target->device && other.inode == target->inode;
    bool is_same_name =
        other.inode != 0 && other.mounts != 0 && other.mounts == target->mounts && strcmp(other.exe, target->exe) == 0;
    mem_free(&mem);
    return is_same_file || is_same_name;
}

bool
target_is_successor(const struct target *target, const struct target_process *process)
{
    return runs_same_program(target, process->pid) && !runs_same_program(target, process->parent);
}

/* A process that may be a server. */
struct candidate {
    pid_t pid, parent;
    dev_t device;
    ino_t inode;
};

struct search {
    struct candidate *found;
    size_t nfound;
    struct verdict {
        dev_t device;
        ino_t inode;
        bool is_h2o;
    } *verdicts; /* one an executable file: each is read once */
    size_t nverdicts;
    struct mem *mem;
};

static bool
is_h2o(struct search *search, int fd, const struct stat *status)
{
    for (size_t i = 0; i < search->nverdicts; i++)
        if (search->verdicts[i].device == status->st_dev && search->verdicts[i].inode == status->st_ino)
            return search->verdicts[i].is_h2o;
    struct usdt_probes probes = {0};
    struct diag ignored;
    struct mem scratch = {0};
    bool found = usdt_read(&probes, fd, "", &scratch, &ignored) == 0 && usdt_has_provider(&probes, "h2o");
    mem_free(&scratch);
    search->verdicts = mem_grow(search->mem, search->verdicts, search->nverdicts, sizeof(*search->verdicts));
    search->verdicts[search->nverdicts++] = (struct verdict){status->st_dev, status->st_ino, found};
    return found;
}

static void
look_at(struct search *search, const struct target_process *process)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    struct stat status;
    if (fstat(fd, &status) == 0 && is_h2o(search, fd, &status)) {
        search->found = mem_grow(search->mem, search->found, search->nfound, sizeof(*search->found));
        search->found[search->nfound++] = (struct candidate){process->pid, process->parent, status.st_dev, status.st_ino};
    }
    close(fd);
}

/* h2o forks helpers, such as the process that keeps the TLS keys, from its own executable. */
static bool
is_forked_child(const struct search *search, const struct candidate *child)
{
    for (size_t i = 0; i < search->nfound; i++) {
        const struct candidate *other = &search->found[i];
        if (other->pid == child->parent && other->device == child->device && other->inode == child->inode)
            return true;
    }
    return false;
}

static size_t
keep_servers(const struct search *search, struct candidate *servers)
{
    size_t count = 0;
    for (size_t i = 0; i < search->nfound; i++)
        if (!is_forked_child(search, &search->found[i]))
            servers[count++] = search->found[i];
    return count;
}

static int
several(const struct candidate *servers, size_t count, struct mem *mem, struct diag *diag)
{
    struct outbuf list = {0};
    for (size_t i = 0; i < count; i++)
        text_printf(&list, "\n  %d  %s", servers[i].pid, read_command(servers[i].pid, mem));
    text_putc(&list, '\0');
    diag_set(diag, DIAG_USAGE, "%zu processes have h2o's probes; choose one with -p PID:%s", count, list.ptr);
    text_free(&list);
    return -1;
}

int
target_find(pid_t *pid, const char **command, struct mem *mem, struct diag *diag)
{
    struct search search = {.mem = mem};
    struct target_search processes;
    struct target_process process;
    if (!target_search_begin(&processes))
        return diag_set(diag, DIAG_MACHINE, "/proc: %s; h2olog needs it mounted", strerror(errno));
    while (target_search_next(&processes, &process))
        if (process.pid != getpid())
            look_at(&search, &process);
    target_search_end(&processes);
    struct candidate *servers = mem_alloc(mem, (search.nfound + 1) * sizeof(*servers));
    size_t count = keep_servers(&search, servers);
    if (count == 0)
        return diag_set(diag, DIAG_NOTHING,
                        "no running process has h2o's probes; start an h2o that was built with "
                        "-DWITH_DTRACE=on, or name a process with -p PID");
    if (count > 1)
        return several(servers, count, mem, diag);
    *pid = servers[0].pid;
    *command = read_command(*pid, mem);
    return 0;
}
