#include "host/kin.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Reading. */

/* "" and "/" are the name of no service. */
static bool
names_service(struct slice line)
{
    text_cut(&line, ':');
    text_cut(&line, ':');
    return line.len > 1;
}

static uint64_t
read_service(pid_t pid)
{
    char text[4096];
    struct slice rest = {text, process_read_start(pid, "cgroup", text, sizeof(text))}, line;
    const struct slice all = rest;
    while (text_line(&rest, &line))
        if (names_service(line))
            return text_hash(TEXT_HASH, all);
    return 0;
}

/* The kernel lists descriptors in order. Those that a server listens on, it has opened or inherited first. */
static void
read_sockets(struct kin *kin)
{
    enum { MOST = 512 };
    char path[64], link[64];
    const struct dirent *entry;
    uint64_t number;
    snprintf(path, sizeof(path), "/proc/%d/fd", kin->process.pid);
    DIR *files = opendir(path);
    for (int i = 0; files != NULL && i < MOST && kin->nsockets < KIN_SOCKETS && (entry = readdir(files)) != NULL; i++) {
        if (!text_number(text_of(entry->d_name), INT32_MAX, &number) || number <= STDERR_FILENO)
            continue;
        ssize_t len = readlinkat(dirfd(files), entry->d_name, link, sizeof(link) - 1);
        link[len > 0 ? len : 0] = '\0';
        kin->nsockets += sscanf(link, "socket:[%lu]", &kin->sockets[kin->nsockets]) == 1;
    }
    if (files != NULL)
        closedir(files);
}

void
kin_read(struct kin *kin, const struct process *process, struct mem *mem)
{
    *kin = (struct kin){.process = *process};
    kin->exe = process_exe(process->pid, mem);
    kin->service = read_service(process->pid);
    if (!process_user(process->pid, &kin->user))
        kin->user = (uid_t)-1;
    read_sockets(kin);
}

void
kin_read_file(struct kin *kin)
{
    enum { FILE_MS = 1000 };
    if (kin->file.inode == 0)
        process_exe_file(kin->process.pid, clock_ms() + FILE_MS, &kin->file);
}

/* ---- Comparing. */

bool
kin_has_name(const struct kin *server, const struct process *process)
{
    struct mem mem = {0};
    const struct process_exe exe = process_exe(process->pid, &mem);
    bool is_alike = exe.path[0] != '\0' && text_equal(process_exe_last_name(&exe), process_exe_last_name(&server->exe));
    mem_free(&mem);
    return is_alike;
}

static bool
shares_socket(const struct kin *a, const struct kin *b)
{
    for (size_t i = 0; i < a->nsockets; i++)
        for (size_t k = 0; k < b->nsockets; k++)
            if (a->sockets[i] == b->sockets[k])
                return true;
    return false;
}

/* The first process of the host, or of a container, is the parent of all services and of anybody's orphans. */
static bool
has_same_parent(const struct kin *server, const struct kin *other)
{
    bool is_other_service = server->service != 0 && other->service != 0 && server->service != other->service;
    return server->process.parent == other->process.parent && !is_other_service;
}

/* A server begins as root and becomes its user. */
static bool
may_be_same_user(const struct kin *server, const struct kin *other)
{
    return other->user == server->user || other->user == 0;
}

/* In a container all processes may be of one control group, and have one parent. Only who was given a server's socket has that.
 */
static bool
is_related(const struct kin *server, const struct kin *other)
{
    bool is_near = has_same_parent(server, other) || server->process.session == other->process.session ||
                   (server->service != 0 && server->service == other->service);
    return (is_near && may_be_same_user(server, other)) || shares_socket(server, other);
}

static bool
has_path(const struct kin *server, const struct process_exe *exe)
{
    return exe->mounts != 0 && exe->mounts == server->exe.mounts &&
           text_equal(process_exe_name(exe), process_exe_name(&server->exe));
}

/* A forked process of a server that was itself forked, as a daemon is. */
static bool
is_helper(const struct kin *server, const struct kin *process)
{
    struct mem mem = {0};
    const struct process_exe parent = process_exe(process->process.parent, &mem);
    bool is_helper = !server->process.is_forked || has_path(server, &parent);
    mem_free(&mem);
    return process->process.is_forked && is_helper;
}

static bool
runs_file(const struct kin *server, struct kin *process)
{
    kin_read_file(process);
    return process->file.inode != 0 && process_is_same_file(&process->file, &server->file);
}

bool
kin_is_successor(const struct kin *server, struct kin *process)
{
    return process->process.started >= server->process.started && is_related(server, process) && !is_helper(server, process) &&
           (has_path(server, &process->exe) || runs_file(server, process));
}
