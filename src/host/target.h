#ifndef TARGET_H
#define TARGET_H

#include "host/usdt.h"

#include <dirent.h>
#include <sys/types.h>

/* A file with probes that the process has mapped. */
struct target_object {
    const char *path; /* as /proc/PID/maps says it: in the process's own file system */
    const char *device;
    uint64_t inode;
    bool is_exe;
};

/* A running process, or only an executable file, and the probes that it really has. */
struct target {
    pid_t pid;           /* 0: a file; `exe`, `command` (its name) and `probes` are all that is known */
    int pidfd;           /* readable when the process has ended; close it with target_close */
    uint64_t started;    /* with the pid, this tells it from later processes */
    const char *command; /* its command line, escaped */
    const char *exe;     /* its executable, in its own file system */
    dev_t device;        /* of the executable */
    ino_t inode;
    ino_t mounts; /* its mount namespace */
    struct usdt_probes probes;
    struct target_object *objects;
    size_t nobjects;
    bool by_path; /* its binary cannot be reached by name any more (deleted, replaced, behind a chroot): attach by /proc/PID/exe
                   */
};

/* Reads the probes of process `pid`, through /proc so that containers and deleted binaries work. It is an error when it has
 * none of h2o's. 0, or -1 with `diag` set. Memory is the arena's. */
int target_open(struct target *target, pid_t pid, struct mem *mem, struct diag *diag);
void target_close(struct target *target);

/* The same for the executable file `path`; libraries are not looked at. */
int target_open_file(struct target *target, const char *path, struct mem *mem, struct diag *diag);

/* The pid and command line of the only process on the host with h2o's probes; a forked child of the same executable is not a
 * server of its own. 0, or -1 with `diag` set: none (DIAG_NOTHING), or several, which are listed (DIAG_USAGE). */
int target_find(pid_t *pid, const char **command, struct mem *mem, struct diag *diag);

/* A process as /proc/PID/stat has it; `started` is as in struct target. */
struct target_process {
    pid_t pid, parent;
    uint64_t started;
};

/* The processes of the host, one after the other. false: /proc cannot be read (errno says why); there are no more. */
struct target_search {
    DIR *proc;
};
bool target_search_begin(struct target_search *search);
bool target_search_next(struct target_search *search, struct target_process *process);
void target_search_end(struct target_search *search);

/* Whether the process runs the executable of `target`, or the one that has taken its name in the same file system, and is not a
 * child of such a process: those are helpers that the server has forked. */
bool target_is_successor(const struct target *target, const struct target_process *process);

/* The address in the process where byte `offset` of the file `object` (a path of target->probes) is mapped as code; 0: it is
 * not. */
uint64_t target_address(const struct target *target, const char *object, uint64_t offset);

/* Names of well-known headers stand in read-only pages of the binary which the server itself may never have read. A BPF program
 * cannot fault a page in and would read an empty name, so this reads those pages on the server's behalf. Returns the bytes
 * read. */
size_t target_touch(const struct target *target);

#endif
