#include "host/find.h"

#include "base/clock.h"
#include "host/elf_reader.h"
#include "host/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long the search may take in all, for one executable, for all those that a user other than root runs, and for the names of
 * what was found; in milliseconds. So no user keeps a server of another one from being found. */
enum { SEARCH_MS = 5000, FILE_MS = 1000, USER_MS = 2000, NAMES_MS = 1000 };

/* A process that may be a server. */
struct candidate {
    struct process process;
    struct process_exe exe;
    uid_t user;
};

struct search {
    const struct find_query *query;
    struct candidate *found; /* all processes with an executable, and then those of them that are an h2o */
    size_t nfound;
    int64_t deadline;
    struct diag passed_over; /* why the first file that cannot be read is none; "" if there was none */
    struct mem *mem;
};

enum { MAX_LISTED = 16 };

/* ---- Which processes there are. */

/* Threads of the kernel have no executable. */
static void
add_process(struct search *search, const struct process *process)
{
    struct candidate candidate = {.process = *process, .exe = process_exe(process->pid, search->mem)};
    if (candidate.exe.path[0] == '\0' || !process_user(process->pid, &candidate.user))
        return;
    search->found = mem_grow(search->mem, search->found, search->nfound, sizeof(*search->found));
    search->found[search->nfound++] = candidate;
}

/* Processes of one executable stand together, by pid, and those of one user. */
static int
compare_candidates(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->user != b->user)
        return a->user < b->user ? -1 : 1;
    if (a->exe.mounts != b->exe.mounts)
        return a->exe.mounts < b->exe.mounts ? -1 : 1;
    int order = strcmp(a->exe.path, b->exe.path);
    return order != 0 ? order : (a->process.pid > b->process.pid) - (a->process.pid < b->process.pid);
}

/* By what the kernel says, without asking the file system. */
static bool
is_same_exe(const struct candidate *a, const struct candidate *b)
{
    return a->exe.mounts == b->exe.mounts && strcmp(a->exe.path, b->exe.path) == 0;
}

static int
no_list(int error, struct diag *diag)
{
    return diag_set(diag, DIAG_MACHINE, "the processes in /proc cannot be read: %s%s", strerror(error), diag_remedy(error));
}

static int
list_processes(struct search *search, struct diag *diag)
{
    struct process_list processes;
    struct process process;
    if (!process_list_begin(&processes))
        return no_list(errno, diag);
    const struct find_query *query = search->query;
    while (process_list_next(&processes, &process)) {
        bool is_known = query->is_known != NULL && query->is_known(query->context, &process);
        if (!is_known && process.pid != getpid())
            add_process(search, &process);
    }
    process_list_end(&processes);
    if (search->nfound > 0)
        qsort(search->found, search->nfound, sizeof(*search->found), compare_candidates);
    return processes.error == 0 ? 0 : no_list(processes.error, diag);
}

/* ---- Which of them are an h2o. */

static void
pass_over(struct search *search, const struct diag *why)
{
    if (search->passed_over.message[0] == '\0')
        search->passed_over = *why;
}

static bool
is_time_over(struct search *search, const struct candidate *process, int64_t end)
{
    struct diag why;
    bool is_over = clock_ms() >= end;
    diag_set(&why, DIAG_NOTHING, "processes of user %u, whose executables take longer than %d s to read", process->user,
             USER_MS / 1000);
    if (is_over)
        pass_over(search, &why);
    return is_over;
}

/* `end`: when the user's time is over. */
static bool
is_h2o(struct search *search, const struct candidate *process, int64_t end)
{
    struct diag why;
    if (is_time_over(search, process, end))
        return false;
    int64_t deadline = clock_ms() + FILE_MS;
    int result = elf_reader_is_h2o(process->process.pid, deadline < end ? deadline : end, &why);
    if (result < 0 && errno != ENOENT && errno != ESRCH) /* it has ended */
        pass_over(search, &why);
    return result > 0;
}

/* Without asking the file system. */
static bool
may_be_asked_for(const struct find_exe *exe, const struct candidate *process)
{
    return exe == NULL || text_equal(process_exe_last_name(&process->exe), process_exe_last_name(&exe->exe));
}

/* What was started by the file's name may have been replaced since. */
static bool
is_asked_for(const struct find_exe *exe, const struct candidate *process, int64_t end)
{
    struct process_file file;
    if (exe == NULL)
        return true;
    bool has_name =
        process->exe.mounts == exe->exe.mounts && text_equal(process_exe_name(&process->exe), process_exe_name(&exe->exe));
    return has_name || (process_exe_file(process->process.pid, end, &file) && process_is_same_file(&file, &exe->file));
}

static int64_t
end_of_user(const struct search *search, uid_t user)
{
    int64_t end = clock_ms() + USER_MS;
    return user == 0 || end > search->deadline ? search->deadline : end;
}

/* Reads each executable once, root's first. false: it took too long, and none was found till then. */
static bool
keep_h2os(struct search *search)
{
    const struct find_exe *exe = search->query->exe;
    struct candidate *all = search->found;
    size_t kept = 0;
    bool is_ours = false, is_over = false;
    int64_t end = 0;
    for (size_t i = 0; i < search->nfound; i++) {
        const struct candidate process = all[i];
        bool is_same_user = i > 0 && process.user == all[i - 1].user;
        if (!is_same_user)
            end = end_of_user(search, process.user);
        if (!is_same_user || !is_same_exe(&process, &all[i - 1]))
            is_ours = may_be_asked_for(exe, &process) && is_h2o(search, &process, end) && is_asked_for(exe, &process, end);
        is_over = clock_ms() >= search->deadline;
        if (is_over)
            break;
        if (is_ours)
            all[kept++] = process;
    }
    search->nfound = kept;
    return kept > 0 || !is_over;
}

/* ---- Which of these are servers. */

/* h2o forks helpers, such as the process that keeps the TLS keys, from its own executable. One whose parent has ended is told
 * by another process that has executed the file. */
static bool
is_helper_of(const struct candidate *process, const struct candidate *other)
{
    bool is_parent = other->process.pid == process->process.parent;
    return is_same_exe(process, other) && (is_parent || (process->process.is_forked && !other->process.is_forked));
}

/* The parent may have been passed over, as it is known. */
static bool
is_forked_by_same(const struct candidate *process, struct mem *mem)
{
    const struct candidate parent = {.exe = process_exe(process->process.parent, mem)};
    return process->process.is_forked && is_same_exe(process, &parent);
}

static bool
is_helper(const struct search *search, const struct candidate *process)
{
    for (size_t i = 0; i < search->nfound; i++)
        if (is_helper_of(process, &search->found[i]))
            return true;
    return is_forked_by_same(process, search->mem);
}

static void
keep_servers(const struct search *search, struct find_servers *servers)
{
    servers->pids = mem_alloc(search->mem, (search->nfound + 1) * sizeof(*servers->pids));
    servers->count = 0;
    for (size_t i = 0; i < search->nfound; i++)
        if (!is_helper(search, &search->found[i]))
            servers->pids[servers->count++] = search->found[i].process.pid;
}

/* ---- What is said. */

static int
none(const struct search *search, struct diag *diag)
{
    char quoted[256];
    const struct find_exe *exe = search->query->exe;
    const char *why = search->passed_over.message, *before = *why != '\0' ? "; passed over: " : "";
    if (exe != NULL)
        return diag_set(diag, DIAG_NOTHING,
                        "no running process has h2o's probes and runs %s; start it, or wait for it with --wait%s%s",
                        diag_quote(quoted, sizeof(quoted), text_of(exe->path)), before, why);
    return diag_set(diag, DIAG_NOTHING,
                    "no running process has h2o's probes; start an h2o that was built with "
                    "-DWITH_DTRACE=on, wait for one with --wait, or name a process with -p PID%s%s",
                    before, why);
}

int
find_several(const struct find_servers *servers, const char *what, struct mem *mem, struct diag *diag)
{
    struct outbuf list = {0};
    int64_t deadline = clock_ms() + NAMES_MS;
    for (size_t i = 0; i < servers->count && i < MAX_LISTED; i++)
        text_printf(&list, "\n  %d  %s", servers->pids[i], process_command(servers->pids[i], deadline, mem));
    text_puts(&list, servers->count > MAX_LISTED ? "\n  ..." : "");
    text_putc(&list, '\0');
    diag_set(diag, DIAG_USAGE, "%zu processes %s:%s", servers->count, what, list.ptr);
    text_free(&list);
    return -1;
}

static int
too_long(const struct search *search, struct diag *diag)
{
    const char *why = search->passed_over.message;
    return diag_set(diag, DIAG_MACHINE, "no h2o was found among the processes in %d s; name one with -p PID%s%s",
                    SEARCH_MS / 1000, *why != '\0' ? "; passed over: " : "", why);
}

int
find_all(struct find_servers *servers, const struct find_query *query, struct mem *mem, struct diag *diag)
{
    struct search search = {.query = query, .deadline = clock_ms() + SEARCH_MS, .mem = mem};
    *servers = (struct find_servers){0};
    if (list_processes(&search, diag) != 0)
        return -1;
    if (!keep_h2os(&search))
        return too_long(&search, diag);
    keep_servers(&search, servers);
    return servers->count > 0 ? 0 : none(&search, diag);
}

int
find_only(pid_t *pid, const struct find_servers *servers, struct mem *mem, struct diag *diag)
{
    if (servers->count > 1)
        return find_several(servers, "have h2o's probes; choose with -p PID[,PID], or take all of them with -p all", mem, diag);
    *pid = servers->pids[0];
    return 0;
}

int
find_server(pid_t *pid, struct mem *mem, struct diag *diag)
{
    struct find_servers servers;
    if (find_all(&servers, &(struct find_query){0}, mem, diag) != 0)
        return -1;
    return find_only(pid, &servers, mem, diag);
}
