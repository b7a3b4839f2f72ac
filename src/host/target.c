#include "host/target.h"

#include "base/clock.h"
#include "host/elf_reader.h"
#include "host/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long the command line of a process may take to read, in milliseconds. */
enum { COMMAND_MS = 1000 };

/* errno says why. */
static int
no_process(pid_t pid, struct diag *diag)
{
    if (errno == ESRCH || errno == ENOENT || errno == EINVAL)
        return diag_set(diag, DIAG_NOTHING, "there is no process %d (%s); pgrep -xo h2o prints the pid of a running h2o", pid,
                        strerror(errno));
    if (errno == EACCES || errno == EPERM)
        return diag_set(diag, DIAG_MACHINE, "process %d may not be looked at (%s); %s", pid, strerror(errno),
                        geteuid() != 0 ? "run h2olog as root, as with sudo" : "this root lacks CAP_SYS_PTRACE over it");
    return diag_set(diag, DIAG_MACHINE, "process %d cannot be looked at: %s%s", pid, strerror(errno), diag_remedy(errno));
}

/* The same of a file of the process, or of the list of them, that could not be read; `why` says it where errno is 0. */
static int
no_files(pid_t pid, const struct diag *why, struct diag *diag)
{
    return errno != 0 ? no_process(pid, diag)
                      : diag_set(diag, DIAG_MACHINE, "process %d cannot be looked at: %s", pid, why->message);
}

/* A part of an object that is mapped as code. */
struct code {
    size_t object;
    uint64_t offset, start, len;
};

/* What is known while a process's files are read. */
struct opening {
    struct target *target;
    struct code *code;
    size_t ncode;
    size_t nread; /* objects that could be opened */
    int64_t deadline;
    struct mem *mem;
    struct diag *diag;
};

/* nobjects: it is not there. */
static size_t
find_object(const struct target *target, const struct process_file *id)
{
    size_t i = 0;
    while (i < target->nobjects && !process_is_same_file(&target->objects[i].first.id, id))
        i++;
    return i;
}

static int
add_object(struct opening *opening, const struct process_mapping *mapping)
{
    struct target *target = opening->target;
    if (target->nobjects == TARGET_MAX_OBJECTS)
        return diag_set(opening->diag, DIAG_NOTHING,
                        "process %d (%s) has mapped more than %d files as code; h2olog reads at most %d", target->pid,
                        target->command, TARGET_MAX_OBJECTS, TARGET_MAX_OBJECTS);
    struct target_object object = {.first = *mapping};
    object.first.path = mem_strdup(opening->mem, mapping->path);
    target->objects = mem_grow(opening->mem, target->objects, target->nobjects, sizeof(object));
    target->objects[target->nobjects++] = object;
    return 0;
}

static int
add_code(struct opening *opening, const struct process_mapping *mapping)
{
    size_t object = find_object(opening->target, &mapping->id);
    if (object == opening->target->nobjects && add_object(opening, mapping) != 0)
        return -1;
    opening->code = mem_grow(opening->mem, opening->code, opening->ncode, sizeof(*opening->code));
    opening->code[opening->ncode++] = (struct code){object, mapping->offset, mapping->start, mapping->end - mapping->start};
    return 0;
}

static int
read_maps(struct opening *opening, struct process_maps *maps)
{
    struct process_mapping mapping;
    const struct target *target = opening->target;
    while (process_maps_next(maps, &mapping))
        if (mapping.perms[2] == 'x' && add_code(opening, &mapping) != 0)
            return -1;
    if (maps->is_cut)
        return diag_set(opening->diag, DIAG_NOTHING, "process %d (%s) has more than %d mappings; h2olog reads at most %d",
                        target->pid, target->command, PROCESS_MAX_MAPPINGS, PROCESS_MAX_MAPPINGS);
    return 0;
}

static int
compare_code(const void *left, const void *right)
{
    const struct code *a = left, *b = right;
    if (a->object != b->object)
        return a->object < b->object ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->start < b->start) - (a->start > b->start);
}

/* Where in the process the byte of the object is; 0: it is not mapped as code. Of several places it is the first. */
static uint64_t
find_address(const struct opening *opening, size_t object, uint64_t offset)
{
    const struct code wanted = {.object = object, .offset = offset}; /* start is 0: behind all others that are equal */
    size_t low = 0, high = opening->ncode;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_code(&opening->code[middle], &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct code *code = &opening->code[low - 1];
    bool is_there = low > 0 && code->object == object && offset - code->offset < code->len;
    return is_there ? code->start + (offset - code->offset) : 0;
}

static void
find_addresses(const struct opening *opening, size_t object, struct usdt_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        for (size_t site = 0; site < probes->items[i].nsites; site++)
            probes->items[i].sites[site].address = find_address(opening, object, probes->items[i].sites[site].offset);
}

/* ---- Its files. In another process. */

struct object_file {
    pid_t pid;
    const struct process_mapping *mapping;
};

/* What only the file system can say stands at the head: the size, whether it is the executable, whether bpftrace -p would find
 * it by its name, and which file it is. */
static int
open_object(const void *context, struct outbuf *head)
{
    struct stat status;
    const struct object_file *file = context;
    int fd = process_open_mapping(file->pid, file->mapping);
    if (fd < 0 || fstat(fd, &status) != 0)
        return -1;
    text_printf(head, "%lu %d %d %lu %lu\n", (unsigned long)status.st_size, process_is_exe(file->pid, fd),
                process_has_file(file->pid, file->mapping->path, fd), (unsigned long)status.st_dev,
                (unsigned long)status.st_ino);
    return fd;
}

/* ---- Here. */

/* Adds the probes of a file that could be read. */
static int
take_probes(struct opening *opening, size_t index, struct usdt_probes *probes)
{
    struct target *target = opening->target;
    struct diag why;
    find_addresses(opening, index, probes);
    target->objects[index].is_ours = usdt_has_provider(probes, "h2o");
    if (usdt_merge(&target->probes, probes, opening->mem, &why) == 0)
        return 0;
    return diag_set(opening->diag, DIAG_NOTHING, "process %d (%s): %s", target->pid, target->command, why.message);
}

/* errno: why the file was passed over; 0: it was not. */
static int
read_object(struct opening *opening, size_t index)
{
    struct usdt_probes probes;
    struct target *target = opening->target;
    struct target_object *object = &target->objects[index];
    const struct object_file context = {target->pid, &object->first};
    const struct sandbox_file file = {.open = open_object, .context = &context};
    struct process_file id;
    const char *head = "";
    int is_exe, is_named;
    int status = elf_reader_probes(&probes, &file, object->first.path, opening->deadline, &head, opening->mem, opening->diag);
    if (status != 0)
        return errno != 0 ? 0 : -1;
    if (sscanf(head, "%lu %d %d %lu %lu", &object->size, &is_exe, &is_named, &id.device, &id.inode) != 5)
        return diag_set(opening->diag, DIAG_FAILED, "%s cannot be read", object->first.path);
    opening->nread++;
    object->is_exe = is_exe != 0;
    if (object->is_exe)
        target->exe_file = id;
    target->by_path |= probes.count > 0 && object->is_exe && !is_named;
    return take_probes(opening, index, &probes);
}

static int
read_objects(struct opening *opening)
{
    const struct target *target = opening->target;
    if (opening->ncode > 0)
        qsort(opening->code, opening->ncode, sizeof(*opening->code), compare_code);
    int why = 0; /* of the last file that cannot be opened */
    for (size_t i = 0; i < target->nobjects; i++) {
        errno = 0;
        if (read_object(opening, i) != 0)
            return -1;
        why = errno != 0 ? errno : why;
    }
    if (opening->nread > 0)
        return 0;
    errno = why;
    return why != 0 ? no_process(target->pid, opening->diag)
                    : diag_set(opening->diag, DIAG_NOTHING,
                               "process %d has ended, or is part of the kernel; nothing is to be traced", target->pid);
}

static int
read_process(struct target *target, struct mem *mem, struct diag *diag)
{
    struct diag why;
    struct process_maps maps;
    struct opening opening = {.target = target, .deadline = clock_ms() + ELF_READER_MS, .mem = mem, .diag = diag};
    int status = process_maps_open(&maps, target->pid, opening.deadline, &why) == 0 ? read_maps(&opening, &maps)
                                                                                    : no_files(target->pid, &why, diag);
    process_maps_close(&maps);
    return status == 0 ? read_objects(&opening) : -1;
}

int
target_open_any(struct target *target, pid_t pid, struct mem *mem, struct diag *diag)
{
    static const char kernel_types[] = "/sys/kernel/btf/vmlinux";
    *target = (struct target){.pid = pid, .pidfd = -1};
    target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (target->pidfd < 0)
        return no_process(pid, diag);
    struct process process;
    process_read(&process, pid);
    target->started = process.started;
    target->namespace = access(kernel_types, R_OK) == 0 ? process_own_namespace() : 0;
    target->levels = target->namespace != 0 ? process_levels(pid) : 0;
    target->exe = process_exe(pid, mem);
    target->command = process_command(pid, clock_ms() + COMMAND_MS, mem);
    return read_process(target, mem, diag);
}

int
target_check_probes(const struct target *target, struct diag *diag)
{
    if (usdt_has_provider(&target->probes, "h2o"))
        return 0;
    return diag_set(diag, DIAG_NOTHING,
                    "process %d (%s) has none of h2o's probes; it is not h2o, or an h2o built without -DWITH_DTRACE=on",
                    target->pid, target->command);
}

int
target_open(struct target *target, pid_t pid, struct mem *mem, struct diag *diag)
{
    return target_open_any(target, pid, mem, diag) != 0 ? -1 : target_check_probes(target, diag);
}

static int
read_file(struct target *target, int fd, struct mem *mem, struct diag *diag)
{
    const struct sandbox_file file = {.fd = fd};
    if (elf_reader_probes(&target->probes, &file, target->exe.path, clock_ms() + ELF_READER_MS, NULL, mem, diag) != 0)
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
