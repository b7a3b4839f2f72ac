#ifndef TARGET_H
#define TARGET_H

#include "host/members.h"
#include "host/process.h"
#include "host/usdt.h"

/* Files that a process may have mapped as code; of h2o's there are some twenty. */
enum { TARGET_MAX_OBJECTS = 512 };

/* A file that the process has mapped as code. */
struct target_object {
    struct process_mapping first; /* its first part; the path is as /proc/PID/maps says it: in the process's own file system */
    uint64_t size;                /* bytes */
    bool is_exe;
    bool is_ours; /* it has probes of h2o's */
};

/* A running process, or only an executable file, and the probes that it really has. */
struct target {
    pid_t pid;           /* 0: a file; its name as `exe.path` and `command`, and `probes`, are all that is known */
    int pidfd;           /* readable when the process has ended; close it with target_close */
    uint64_t namespace;  /* process_own_namespace, if the kernel's types are known: bpftrace's own numbers are not taken then */
    int levels;          /* process_levels, with that */
    uint64_t started;    /* with the pid, this tells it from later processes */
    const char *command; /* its command line, escaped */
    struct process_exe exe;
    struct process_file exe_file; /* which file that is */
    struct usdt_probes probes;
    struct target_object *objects;
    size_t nobjects;
    const char *request_function;       /* of the server: it is called with each request at its end; NULL: as `places` */
    const struct members_place *places; /* of what whole requests are made of, by enum structures_value; NULL: nothing is
                                         * known, or not here, but to the process that reads the server's files */
    const struct members_wanted *wanted; /* what was looked for; NULL: as `places` */
    bool has_structures;                /* whole requests are read there */
    size_t next_layout; /* if the places are of a layout that is known: the one to try if this does not hold; 0: they are the
                           file's own */
    bool by_path; /* its executable has no name that bpftrace could find (deleted, replaced, behind a chroot): attach by
                   * /proc/PID/exe */
    bool by_file; /* the program sees all processes of its executable: for --follow */
};

/* Reads the probes of process `pid`, through /proc so that containers and deleted binaries work. Its files are opened and read
 * by processes that are not waited for when their file system does not answer. It is an error when it has none of h2o's. 0, or
 * -1 with `diag` set. Memory is the arena's. */
int target_open(struct target *target, pid_t pid, struct mem *mem, struct diag *diag);

/* The same, but it may have none; target_check_probes is the rest. */
int target_open_any(struct target *target, pid_t pid, struct mem *mem, struct diag *diag);
int target_check_probes(const struct target *target, struct diag *diag);
void target_close(struct target *target);

/* The same for the executable file `path`; libraries are not looked at. `is_forced` as in open.h. */
int target_open_file(struct target *target, const char *path, bool is_forced, struct mem *mem, struct diag *diag);

/* Names of well-known headers stand in read-only pages of the binary which the server itself may never have read. A BPF program
 * cannot fault a page in and would read an empty name, so this reads those pages on the server's behalf: each part of a file
 * once, and 256 MiB at most. Returns the bytes read. */
size_t target_touch(const struct target *target);

#endif
