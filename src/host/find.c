#include "host/find.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that has gone meanwhile runs nothing. */
static bool
runs_same_program(const struct target *target, pid_t pid)
{
    struct mem mem = {0};
    const struct process_exe exe = target->exe, other = process_exe(pid, &mem);
    bool is_same_file = other.inode != 0 && other.device == exe.device && other.inode == exe.inode;
    bool is_same_name =
        other.inode != 0 && other.mounts != 0 && other.mounts == exe.mounts && strcmp(other.path, exe.path) == 0;
    mem_free(&mem);
    return is_same_file || is_same_name;
}

bool
find_is_successor(const struct target *target, const struct process *process)
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
    } * verdicts; /* one an executable file: each is read once */
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
look_at(struct search *search, const struct process *process)
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
        text_printf(&list, "\n  %d  %s", servers[i].pid, process_command(servers[i].pid, mem));
    text_putc(&list, '\0');
    diag_set(diag, DIAG_USAGE, "%zu processes have h2o's probes; choose one with -p PID:%s", count, list.ptr);
    text_free(&list);
    return -1;
}

int
find_server(pid_t *pid, const char **command, struct mem *mem, struct diag *diag)
{
    struct search search = {.mem = mem};
    struct process_list processes;
    struct process process;
    if (!process_list_begin(&processes))
        return diag_set(diag, DIAG_MACHINE, "/proc: %s; h2olog needs it mounted", strerror(errno));
    while (process_list_next(&processes, &process))
        if (process.pid != getpid())
            look_at(&search, &process);
    process_list_end(&processes);
    struct candidate *servers = mem_alloc(mem, (search.nfound + 1) * sizeof(*servers));
    size_t count = keep_servers(&search, servers);
    if (count == 0)
        return diag_set(diag, DIAG_NOTHING,
                        "no running process has h2o's probes; start an h2o that was built with "
                        "-DWITH_DTRACE=on, or name a process with -p PID");
    if (count > 1)
        return several(servers, count, mem, diag);
    *pid = servers[0].pid;
    *command = process_command(*pid, mem);
    return 0;
}
