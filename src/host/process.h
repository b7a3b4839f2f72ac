#ifndef PROCESS_H
#define PROCESS_H

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What /proc says of a process. Only what says so asks a file system or waits for the process: a process of a stranger's can be
 * made so that this lasts for ever. */

struct process {
    pid_t pid, parent, session;
    uint64_t started; /* in the kernel's ticks since it booted; with the pid, this tells a process from later ones */
    bool is_forked;   /* it has executed no program since it was forked */
    bool is_ending;   /* it executes nothing any more */
    uint64_t image;   /* changes when it executes another program; the same for many processes */
};

/* Reads the first bytes of /proc/PID/NAME, of a file that says nothing of the process's memory. Returns how many. */
size_t process_read_start(pid_t pid, const char *name, char *bytes, size_t size);

/* false: there is no such process, or errno is EMFILE or ENFILE. */
bool process_read(struct process *process, pid_t pid);

/* A pidfd of it; -1: it has ended. */
int process_pidfd(const struct process *process);

/* When it was started: CLOCK_BOOTTIME in nanoseconds, at most a tick of the kernel's too early. */
uint64_t process_started_nsecs(uint64_t started);

/* Whether this process is in the first PID namespace, so that it has the kernel's own PIDs. */
bool process_has_kernel_pids(void);

/* Its effective user. false: there is no such process. */
bool process_user(pid_t pid, uid_t *user);

/* Whether it was killed, or ends by itself; until the kernel has taken down what it had it is not gone. */
bool process_is_ending(pid_t pid);

/* Whether it is stopped; the signals that wait until it goes on are then in `pending`, signal N as bit N - 1. */
bool process_is_stopped(pid_t pid, uint64_t *pending);

/* The number of this process's pid namespace; 0: it is the host's, or it cannot be told. */
uint64_t process_own_namespace(void);

/* In how many pid namespaces the process is, from this process's own on; 0: it cannot be told. */
int process_levels(pid_t pid);

/* /proc/PID/NAME, for a process of its own to open (sandbox.h): `process_open` is its way, and this the context. */
struct process_proc_file {
    pid_t pid;
    const char *name;
};
int process_open(const void *context, struct outbuf *head);

/* Its command line, escaped, of 255 bytes at most; where it cannot be read until the deadline, its name in brackets. The
 * arena's. A process for it waits (sandbox.h). */
const char *process_command(pid_t pid, int64_t deadline, struct mem *mem);

/* The same for all names and mappings of a file, and for no other file. */
struct process_file {
    uint64_t device, inode; /* 0: it is not known */
};

static inline bool
process_is_same_file(const struct process_file *a, const struct process_file *b)
{
    return a->inode == b->inode && a->device == b->device;
}

/* Its executable. */
struct process_exe {
    const char *path; /* as the kernel says it; "" for one that has ended, and for a thread of the kernel */
    ino_t mounts;     /* the process's mount namespace; 0: it is not known */
};

/* Memory is the arena's. */
struct process_exe process_exe(pid_t pid, struct mem *mem);

/* The path without what the kernel adds when the file has been removed. */
struct slice process_exe_name(const struct process_exe *exe);

/* The part of it behind the last slash. */
struct slice process_exe_last_name(const struct process_exe *exe);

/* Which file it is. A process for it waits, until the deadline. false: it cannot be told. */
bool process_exe_file(pid_t pid, int64_t deadline, struct process_file *file);

/* Whether the open file is its executable. Asks the file system. */
bool process_is_exe(pid_t pid, int fd);

/* Whether its own file system has the open file under the name `path`. Asks the file system. */
bool process_has_file(pid_t pid, const char *path, int fd);

/* The processes of the host, one after the other. */
struct process_list {
    DIR *proc;
    int error; /* why not all could be read; 0: they could */
};

/* false: /proc cannot be read; errno says why. */
bool process_list_begin(struct process_list *list);

/* false: there are no more. */
bool process_list_next(struct process_list *list, struct process *process);
void process_list_end(struct process_list *list);

/* A file, or a part of one, that a process has mapped: a line of /proc/PID/maps. */
struct process_mapping {
    unsigned long start, end; /* addresses */
    unsigned long offset;     /* in the file */
    char perms[5];            /* such as "r-xp" */
    struct process_file id;
    const char *path; /* in the process's own file system; valid until the next one is read */
};

/* Lines of /proc/PID/maps that are read at most: the kernel allows a process 65,530, unless it is told to allow more. */
enum { PROCESS_MAX_MAPPINGS = 65536 };

struct process_maps {
    struct outbuf text;
    struct slice rest;
    bool is_cut; /* there are more than PROCESS_MAX_MAPPINGS */
};

/* A process for it reads them, until the deadline. -1: they cannot be read; `diag` and errno are as of sandbox_run. */
int process_maps_open(struct process_maps *maps, pid_t pid, int64_t deadline, struct diag *diag);

/* The next mapping of a file. Memory without a file is passed over. false: there are no more that are read. */
bool process_maps_next(struct process_maps *maps, struct process_mapping *mapping);

/* What process_maps_open did not open may be closed, too. */
void process_maps_close(struct process_maps *maps);

/* Opens what is mapped, for reading; -1: it cannot be reached. Asks the file system. */
int process_open_mapping(pid_t pid, const struct process_mapping *mapping);

#endif
