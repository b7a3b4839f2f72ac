#include "host/target.h"

#include "base/clock.h"
#include "host/elf_reader.h"
#include "host/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
no_maps(pid_t pid, struct diag *diag)
{
    if (errno == EACCES || errno == EPERM)
        return diag_set(diag, DIAG_MACHINE, "process %d may not be looked at (%s); %s", pid, strerror(errno),
                        geteuid() != 0 ? "run h2olog as root, as with sudo" : "this root lacks CAP_SYS_PTRACE over it");
    return diag_set(diag, DIAG_NOTHING, "there is no process %d; pgrep -o h2o prints the pid of a running h2o", pid);
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

/* Adds the probes of the open file. */
static int
read_probes(struct opening *opening, size_t index, int fd)
{
    struct usdt_probes probes;
    struct target *target = opening->target;
    struct target_object *object = &target->objects[index];
    if (elf_reader_probes(&probes, fd, object->first.path, opening->deadline, opening->mem, opening->diag) != 0)
        return -1;
    find_addresses(opening, index, &probes);
    object->is_ours = usdt_has_provider(&probes, "h2o");
    if (probes.count > 0 && object->is_exe && !process_has_file(target->pid, object->first.path, fd))
        target->by_path = true; /* bpftrace -p looks there */
    struct diag why;
    if (usdt_merge(&target->probes, &probes, opening->mem, &why) != 0)
        return diag_set(opening->diag, DIAG_NOTHING, "process %d (%s): %s", target->pid, target->command, why.message);
    return 0;
}

static int
read_object(struct opening *opening, size_t index)
{
    struct target_object *object = &opening->target->objects[index];
    struct stat status;
    int fd = process_open_mapping(opening->target->pid, &object->first);
    if (fd < 0)
        return 0;
    opening->nread++;
    object->is_exe = process_is_exe(opening->target->pid, fd);
    object->size = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    int result = read_probes(opening, index, fd);
    close(fd);
    return result;
}

static int
read_objects(struct opening *opening)
{
    const struct target *target = opening->target;
    if (opening->ncode > 0)
        qsort(opening->code, opening->ncode, sizeof(*opening->code), compare_code);
    errno = 0; /* where no file can be opened, that of the last one is the reason */
    for (size_t i = 0; i < target->nobjects; i++)
        if (read_object(opening, i) != 0)
            return -1;
    if (opening->nread > 0)
        return 0;
    return errno != 0 ? no_maps(target->pid, opening->diag)
                      : diag_set(opening->diag, DIAG_NOTHING,
                                 "process %d has ended, or is part of the kernel; nothing is to be traced", target->pid);
}

static int
read_process(struct target *target, struct mem *mem, struct diag *diag)
{
    struct process_maps maps;
    struct opening opening = {.target = target, .deadline = clock_ms() + ELF_READER_MS, .mem = mem, .diag = diag};
    if (!process_maps_open(&maps, target->pid))
        return no_maps(target->pid, diag);
    int status = read_maps(&opening, &maps);
    process_maps_close(&maps);
    return status == 0 ? read_objects(&opening) : -1;
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
    if (read_process(target, mem, diag) != 0)
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
    if (elf_reader_probes(&target->probes, fd, target->exe.path, clock_ms() + ELF_READER_MS, mem, diag) != 0)
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
