#ifndef PROCESS_H
#define PROCESS_H

#include "base/mem.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* What /proc says of a process. */

struct process {
    pid_t pid, parent;
    uint64_t started; /* in the kernel's ticks since it booted; with the pid, this tells a process from later ones */
};

/* false: there is no such process. */
bool process_read(struct process *process, pid_t pid);

/* Whether it is stopped; the signals that wait until it goes on are then in `pending`, signal N as bit N - 1. */
bool process_is_stopped(pid_t pid, uint64_t *pending);

/* Its command line, escaped, of 255 bytes at most; the arena's. */
const char *process_command(pid_t pid, struct mem *mem);

/* Its executable. */
struct process_exe {
    const char *path; /* in the process's own file system, without what the kernel adds when the file has been removed */
    dev_t device;
    ino_t inode;  /* 0: it is not known, as of a process that has ended */
    ino_t mounts; /* the process's mount namespace; 0: it is not known */
};

/* Memory is the arena's. */
struct process_exe process_exe(pid_t pid, struct mem *mem);

/* Whether the open file is its executable. */
bool process_is_exe(pid_t pid, int fd);

/* Whether its own file system has the open file under the name `path`. */
bool process_has_file(pid_t pid, const char *path, int fd);

/* The processes of the host, one after the other. */
struct process_list {
    DIR *proc;
};

/* false: /proc cannot be read; errno says why. */
bool process_list_begin(struct process_list *list);

/* false: there are no more. */
bool process_list_next(struct process_list *list, struct process *process);
void process_list_end(struct process_list *list);

/* The same for all names and mappings of a file, and for no other file. */
struct process_file {
    uint64_t device, inode;
};

static inline bool
process_is_same_file(const struct process_file *a, const struct process_file *b)
{
    return a->inode == b->inode && a->device == b->device;
}

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
    FILE *file;
    char *line;
    size_t size;
    int count;
    bool is_cut; /* there are more than PROCESS_MAX_MAPPINGS */
};

/* false: it cannot be read; errno says why. */
bool process_maps_open(struct process_maps *maps, pid_t pid);

/* The next mapping of a file. Memory without a file is passed over. false: there are no more that are read, or reading failed
 * and set errno. */
bool process_maps_next(struct process_maps *maps, struct process_mapping *mapping);

/* What process_maps_open did not open may be closed, too. */
void process_maps_close(struct process_maps *maps);

/* Opens what is mapped, for reading. -1: it cannot be reached. */
int process_open_mapping(pid_t pid, const struct process_mapping *mapping);

#endif
