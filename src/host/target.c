#include "host/target.h"

#include "host/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool
is_known(const struct target *target, const struct process_mapping *mapping)
{
    for (size_t i = 0; i < target->nobjects; i++)
        if (target->objects[i].inode == mapping->inode && strcmp(target->objects[i].device, mapping->device) == 0)
            return true;
    return false;
}

static int
read_object(struct target *target, const struct process_mapping *mapping, struct mem *mem, struct diag *diag)
{
    int fd = process_open_mapping(target->pid, mapping);
    if (fd < 0)
        return 0;
    struct target_object object = {mem_strdup(mem, mapping->path), mem_strdup(mem, mapping->device), mapping->inode,
                                   process_is_exe(target->pid, fd)};
    size_t before = target->probes.count;
    int status = usdt_read(&target->probes, fd, object.path, mem, diag);
    bool is_ours = target->probes.count > before;
    if (is_ours && object.is_exe && !process_has_file(target->pid, object.path, fd)) /* bpftrace -p looks there */
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
    struct process_maps maps;
    struct process_mapping mapping;
    int status = 0;
    if (!process_maps_open(&maps, target->pid))
        return no_maps(target->pid, diag);
    errno = 0; /* where no file can be opened, that of the last one is the reason */
    while (status == 0 && process_maps_next(&maps, &mapping))
        if (mapping.perms[2] == 'x' && !is_known(target, &mapping))
            status = read_object(target, &mapping, mem, diag);
    if (status == 0 && target->nobjects == 0)
        status = errno != 0 ? no_maps(target->pid, diag)
                            : diag_set(diag, DIAG_NOTHING,
                                       "process %d has ended, or is part of the kernel; nothing is to be traced", target->pid);
    process_maps_close(&maps);
    return status;
}

int
target_open(struct target *target, pid_t pid, struct mem *mem, struct diag *diag)
{
    *target = (struct target){.pid = pid, .pidfd = -1};
    target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (target->pidfd < 0)
        return diag_set(diag, DIAG_NOTHING, "there is no process %d (%s); pgrep -o h2o prints the pid of a running h2o", pid,
                        strerror(errno));
    struct process process;
    process_read(&process, pid);
    target->started = process.started;
    target->exe = process_exe(pid, mem);
    target->command = process_command(pid, mem);
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
    if (usdt_read(&target->probes, fd, target->exe.path, mem, diag) != 0)
        return -1;
    if (!usdt_has_provider(&target->probes, "h2o"))
        return diag_set(diag, DIAG_NOTHING,
                        "%s has none of h2o's probes; it is not h2o, or an h2o built without -DWITH_DTRACE=on",
                        target->command);
    return 0;
}

int
target_open_file(struct target *target, const char *path, bool is_forced, struct mem *mem, struct diag *diag)
{
    const struct open_input input = {.option = "-e", .expected = "the executable of an h2o", .is_forced = is_forced};
    char quoted[256];
    *target = (struct target){.pidfd = -1, .exe.path = path};
    target->command = mem_strdup(mem, diag_quote(quoted, sizeof(quoted), text_of(path)));
    int fd = open_input(&input, path, diag);
    if (fd < 0)
        return -1;
    int status = read_file(target, fd, mem, diag);
    close(fd);
    return status;
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
    struct process_maps maps;
    struct process_mapping mapping;
    uint64_t address = 0;
    if (!process_maps_open(&maps, target->pid))
        return 0;
    while (address == 0 && process_maps_next(&maps, &mapping))
        if (mapping.perms[2] == 'x' && strcmp(mapping.path, object) == 0 && offset >= mapping.offset &&
            offset - mapping.offset < mapping.end - mapping.start)
            address = mapping.start + (offset - mapping.offset);
    process_maps_close(&maps);
    return address;
}

static size_t
touch_mapping(int memory, const struct process_mapping *mapping)
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
has_probes(const struct target *target, const struct process_mapping *mapping)
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
    if (memory < 0)
        return 0;
    size_t bytes = 0;
    struct process_maps maps;
    struct process_mapping mapping;
    bool is_open = process_maps_open(&maps, target->pid);
    while (is_open && process_maps_next(&maps, &mapping))
        if (mapping.perms[0] == 'r' && mapping.perms[1] == '-' && has_probes(target, &mapping))
            bytes += touch_mapping(memory, &mapping);
    process_maps_close(&maps);
    close(memory);
    return bytes;
}
