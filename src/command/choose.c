#include "command/choose.h"

#include "host/pid_file.h"

#include <errno.h>

static void
add(struct find_servers *servers, pid_t pid, struct mem *mem)
{
    for (size_t i = 0; i < servers->count; i++)
        if (servers->pids[i] == pid)
            return;
    servers->pids = mem_grow(mem, servers->pids, servers->count, sizeof(*servers->pids));
    servers->pids[servers->count++] = pid;
}

/* Adds what stands for the process. */
static enum find_kind
add_meant(struct find_servers *servers, pid_t pid, const struct diag_log *log, struct mem *mem)
{
    struct find_servers meant;
    const char *note;
    enum find_kind kind = find_meant(&meant, pid, &note, mem);
    if (note != NULL)
        diag_note(log, "%s", note);
    for (size_t i = 0; i < meant.count; i++)
        add(servers, meant.pids[i], mem);
    return kind;
}

static void
add_given(struct find_servers *servers, const struct options *options, const struct diag_log *log, struct mem *mem)
{
    for (size_t i = 0; i < options->pids.count; i++)
        add_meant(servers, options->pids.items[i], log, mem);
}

/* ---- What is there, or not there yet. Where that is waited for it is no error: none, and 0. */

/* `diag` says what is not there. */
static int
none_yet(const struct options *options, struct diag *diag)
{
    if (!options->wait)
        return -1;
    *diag = (struct diag){0};
    return 0;
}

static int
add_of_file(struct find_servers *servers, const struct options *options, const struct diag_log *log, struct mem *mem,
            struct diag *diag)
{
    pid_t pid;
    struct process process;
    enum pid_file_state state = pid_file_read(&pid, options->pid_file, options->force, mem, diag);
    if (state == PID_FILE_BAD)
        return -1;
    if (state == PID_FILE_MISSING)
        return none_yet(options, diag);
    if (options->wait && !process_read(&process, pid))
        return 0;
    if (add_meant(servers, pid, log, mem) == FIND_OTHER && options->wait)
        servers->count = 0;
    return 0;
}

static int
search(struct find_servers *servers, const struct options *options, struct mem *mem, struct diag *diag)
{
    struct find_exe exe;
    const struct find_query query = {.exe = options->exe != NULL ? &exe : NULL};
    if (options->exe != NULL && find_open_exe(&exe, options->exe, options->force, mem, diag) != 0)
        return errno == ENOENT ? none_yet(options, diag) : -1;
    if (find_all(servers, &query, mem, diag) == 0)
        return 0;
    return diag->status == DIAG_NOTHING ? none_yet(options, diag) : -1;
}

static int
find_servers(struct find_servers *servers, const struct options *options, const struct diag_log *log, struct mem *mem,
             struct diag *diag)
{
    pid_t only;
    bool takes_all = options->pids.all || options->exe != NULL;
    if (options->pid_file != NULL)
        return add_of_file(servers, options, log, mem, diag);
    if (options->pids.count > 0) {
        add_given(servers, options, log, mem);
        return 0;
    }
    if (search(servers, options, mem, diag) != 0)
        return -1;
    return takes_all || servers->count == 0 ? 0 : find_only(&only, servers, mem, diag);
}

int
choose_servers(struct choose *choose, const struct options *options, const struct diag_log *log, struct mem *mem,
               struct diag *diag)
{
    *choose = (struct choose){.await = {.exe = options->exe,
                                        .pid_file = options->pid_file,
                                        .is_forced = options->force,
                                        .takes_all = options->pids.all || options->exe != NULL || options->pid_file != NULL}};
    if (find_servers(&choose->servers, options, log, mem, diag) != 0)
        return -1;
    choose->is_awaited = choose->servers.count == 0;
    choose->has_several = choose->servers.count > 1 || options->follow || (options->wait && choose->await.takes_all);
    return 0;
}

int
choose_one(pid_t *pid, const struct options *options, const struct diag_log *log, struct mem *mem, struct diag *diag)
{
    struct find_servers servers = {0};
    *pid = 0;
    if (options->pid_file != NULL && add_of_file(&servers, options, log, mem, diag) != 0)
        return -1;
    if (options->pids.all || options->pids.count > 1)
        return diag_set(diag, DIAG_USAGE, "more than one process; this is done for one -p PID only");
    add_given(&servers, options, log, mem);
    if (servers.count > 1)
        return find_several(&servers, "are meant; this is done for one -p PID only", mem, diag);
    *pid = servers.count > 0 ? servers.pids[0] : 0;
    return 0;
}
