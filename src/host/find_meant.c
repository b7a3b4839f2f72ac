#include "base/clock.h"
#include "host/elf_reader.h"
#include "host/find.h"

#include <string.h>

/* How long reading the files and the names of the processes may take, in milliseconds. */
enum { MEANT_MS = 2000 };

static bool
is_h2o(pid_t pid, int64_t deadline)
{
    struct diag ignored;
    return elf_reader_is_h2o(pid, deadline, &ignored) > 0;
}

static bool
runs_same(pid_t a, pid_t b, struct mem *mem)
{
    const struct process_exe first = process_exe(a, mem), second = process_exe(b, mem);
    return first.path[0] != '\0' && first.mounts == second.mounts && strcmp(first.path, second.path) == 0;
}

/* The process that has forked this helper, itself or by another one; 0: it is no helper. */
static pid_t
find_owner(pid_t pid, struct mem *mem)
{
    enum { MOST_FORKS = 8 };
    struct process process;
    pid_t owner = pid;
    for (int i = 0; i < MOST_FORKS && process_read(&process, owner) && process.is_forked; i++) {
        if (!runs_same(owner, process.parent, mem))
            break;
        owner = process.parent;
    }
    return owner != pid ? owner : 0;
}

static void
add(struct find_servers *servers, pid_t pid, struct mem *mem)
{
    servers->pids = mem_grow(mem, servers->pids, servers->count, sizeof(*servers->pids));
    servers->pids[servers->count++] = pid;
}

/* start_server has a child for each generation. */
static void
find_children(struct find_servers *servers, pid_t parent, int64_t deadline, struct mem *mem)
{
    struct process_list processes;
    struct process process;
    if (!process_list_begin(&processes))
        return;
    while (process_list_next(&processes, &process))
        if (process.parent == parent && !process.is_forked && is_h2o(process.pid, deadline))
            add(servers, process.pid, mem);
    process_list_end(&processes);
}

static const char *
list_pids(const struct find_servers *servers, struct mem *mem)
{
    struct outbuf list = {0};
    for (size_t i = 0; i < servers->count; i++)
        text_printf(&list, "%s%d", i > 0 ? ", " : "", servers->pids[i]);
    const char *text = mem_strndup(mem, list.ptr, list.len);
    text_free(&list);
    return text;
}

static enum find_kind
stand_for_h2o(struct find_servers *servers, pid_t pid, const char **note, struct mem *mem)
{
    pid_t owner = find_owner(pid, mem);
    add(servers, owner != 0 ? owner : pid, mem);
    if (owner == 0)
        return FIND_SERVER;
    *note = mem_printf(mem, "pid %d is a helper of h2o's, as the one that keeps the TLS keys; the server is its parent: pid %d",
                       pid, owner);
    return FIND_HELPER;
}

enum find_kind
find_meant(struct find_servers *servers, pid_t pid, const char **note, struct mem *mem)
{
    int64_t deadline = clock_ms() + MEANT_MS;
    *servers = (struct find_servers){0};
    *note = NULL;
    if (is_h2o(pid, deadline))
        return stand_for_h2o(servers, pid, note, mem);
    find_children(servers, pid, deadline, mem);
    if (servers->count == 0) {
        add(servers, pid, mem);
        return FIND_OTHER;
    }
    *note = mem_printf(mem, "pid %d (%s) is no h2o, but has started %s: pid %s", pid, process_command(pid, deadline, mem),
                       servers->count > 1 ? "several" : "one", list_pids(servers, mem));
    return FIND_STARTER;
}
