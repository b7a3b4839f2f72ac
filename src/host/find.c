#include "host/find.h"

#include "base/clock.h"
#include "host/elf_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
    struct process_file exe;
};

struct search {
    struct candidate *found; /* all processes with an executable, and then those of them that are an h2o */
    size_t nfound;
    int64_t deadline;
    struct diag passed_over; /* why the first file that cannot be read is none; "" if there was none */
    struct mem *mem;
};

enum { MAX_LISTED = 16 };

static bool
is_exe(const struct candidate *process, const struct stat *status)
{
    const struct process_file file = {status->st_dev, status->st_ino};
    return process_is_same_file(&process->exe, &file);
}

/* Threads of the kernel have no executable. */
static void
add_process(struct search *search, const struct process *process)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
    if (stat(path, &status) != 0)
        return;
    search->found = mem_grow(search->mem, search->found, search->nfound, sizeof(*search->found));
    search->found[search->nfound++] = (struct candidate){process->pid, process->parent, {status.st_dev, status.st_ino}};
}

/* Processes of one executable stand together, by pid. */
static int
compare_candidates(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->exe.device != b->exe.device)
        return a->exe.device < b->exe.device ? -1 : 1;
    if (a->exe.inode != b->exe.inode)
        return a->exe.inode < b->exe.inode ? -1 : 1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

static bool
has_our_probes(struct search *search, int fd, const char *path)
{
    struct usdt_probes probes;
    struct diag diag;
    struct mem scratch = {0};
    bool is_good = elf_reader_probes(&probes, fd, path, search->deadline, &scratch, &diag) == 0;
    bool is_ours = is_good && usdt_has_provider(&probes, "h2o");
    mem_free(&scratch);
    if (!is_good && search->passed_over.message[0] == '\0')
        search->passed_over = diag;
    return is_ours;
}

/* Whether the process's executable is an h2o; one that runs another by now is none. */
static bool
is_h2o(struct search *search, const struct candidate *process)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_ours = fstat(fd, &status) == 0 && is_exe(process, &status) && has_our_probes(search, fd, path);
    close(fd);
    return is_ours;
}

/* Reads each executable once. false: it took too long. */
static bool
keep_h2os(struct search *search)
{
    struct candidate *all = search->found;
    size_t kept = 0;
    bool is_ours = false;
    for (size_t i = 0; i < search->nfound; i++) {
        bool is_same = i > 0 && process_is_same_file(&all[i].exe, &all[i - 1].exe);
        const struct candidate process = all[i];
        is_ours = (is_same && is_ours) || (!is_same && is_h2o(search, &process));
        if (clock_ms() >= search->deadline)
            return false;
        if (is_ours)
            all[kept++] = process;
    }
    search->nfound = kept;
    return true;
}

/* h2o forks helpers, such as the process that keeps the TLS keys, from its own executable. */
static bool
is_forked_child(const struct search *search, const struct candidate *child)
{
    const struct candidate parent = {.pid = child->parent, .exe = child->exe};
    return bsearch(&parent, search->found, search->nfound, sizeof(parent), compare_candidates) != NULL;
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
none(const struct search *search, struct diag *diag)
{
    const char *why = search->passed_over.message;
    return diag_set(diag, DIAG_NOTHING,
                    "no running process has h2o's probes; start an h2o that was built with "
                    "-DWITH_DTRACE=on, or name a process with -p PID%s%s",
                    *why != '\0' ? "; passed over: " : "", why);
}

static int
several(const struct candidate *servers, size_t count, struct mem *mem, struct diag *diag)
{
    struct outbuf list = {0};
    for (size_t i = 0; i < count && i < MAX_LISTED; i++)
        text_printf(&list, "\n  %d  %s", servers[i].pid, process_command(servers[i].pid, mem));
    text_puts(&list, count > MAX_LISTED ? "\n  ..." : "");
    text_putc(&list, '\0');
    diag_set(diag, DIAG_USAGE, "%zu processes have h2o's probes; choose one with -p PID:%s", count, list.ptr);
    text_free(&list);
    return -1;
}

static int
search_processes(struct search *search, struct diag *diag)
{
    struct process_list processes;
    struct process process;
    if (!process_list_begin(&processes))
        return diag_set(diag, DIAG_MACHINE, "/proc: %s; h2olog needs it mounted", strerror(errno));
    while (process_list_next(&processes, &process))
        if (process.pid != getpid())
            add_process(search, &process);
    process_list_end(&processes);
    if (search->nfound > 0)
        qsort(search->found, search->nfound, sizeof(*search->found), compare_candidates);
    if (!keep_h2os(search))
        return diag_set(diag, DIAG_MACHINE, "no h2o was found among the processes in %d s; name one with -p PID",
                        ELF_READER_MS / 1000);
    return 0;
}

int
find_server(pid_t *pid, struct mem *mem, struct diag *diag)
{
    struct search search = {.deadline = clock_ms() + ELF_READER_MS, .mem = mem};
    if (search_processes(&search, diag) != 0)
        return -1;
    struct candidate *servers = mem_alloc(mem, (search.nfound + 1) * sizeof(*servers));
    size_t count = keep_servers(&search, servers);
    if (count == 0)
        return none(&search, diag);
    if (count > 1)
        return several(servers, count, mem, diag);
    *pid = servers[0].pid;
    return 0;
}
