#ifndef FIND_H
#define FIND_H

#include "host/process.h"

/* Looks for servers among the processes of the host. A helper that a server has forked is none. Processes of users who would
 * make the search last are passed over, and an error says so. Memory is the arena's. */

struct find_servers {
    pid_t *pids; /* ascending for one executable of one user */
    size_t count;
};

/* An executable that servers are asked to run (-e). */
struct find_exe {
    const char *path; /* as it was given */
    struct process_file file;
    struct process_exe exe; /* what a process says that was started by its name */
};

/* Opens and judges the file, as -e names it; `is_forced` as in open.h. 0, or -1 with `diag` set; errno as of open_input. */
int find_open_exe(struct find_exe *exe, const char *path, bool is_forced, struct mem *mem, struct diag *diag);

/* What is looked for. */
struct find_query {
    const struct find_exe *exe; /* NULL: any h2o. The file, under its last name, or what had its name */
    bool (*is_known)(void *context, const struct process *process); /* is asked of all processes, by pid, and true passes one
                                                                       over; NULL: none is */
    void *context;
};

/* All that there are. 0, or -1 with `diag` set; DIAG_NOTHING: there is none. */
int find_all(struct find_servers *servers, const struct find_query *query, struct mem *mem, struct diag *diag);

/* The only one that there is, of any. 0, or -1 with `diag` set: none (DIAG_NOTHING), or several, which are listed (DIAG_USAGE).
 */
int find_server(pid_t *pid, struct mem *mem, struct diag *diag);

/* The same of those that were found, one at least. */
int find_only(pid_t *pid, const struct find_servers *servers, struct mem *mem, struct diag *diag);

/* Several where one was to be: lists them, behind `what`, and says what to do. Returns -1. */
int find_several(const struct find_servers *servers, const char *what, struct mem *mem, struct diag *diag);

/* What a process of the command line is. */
enum find_kind {
    FIND_SERVER,
    FIND_HELPER,  /* a server has forked it, which stands for it */
    FIND_STARTER, /* of servers, which stand for it */
    FIND_OTHER,   /* stands for itself; what it is will show */
};

/* What stands for process `pid`. `note` is set to a sentence about it, NULL where it stands for itself. */
enum find_kind find_meant(struct find_servers *servers, pid_t pid, const char **note, struct mem *mem);

#endif
