#ifndef FOLLOW_H
#define FOLLOW_H

#include "host/kin.h"
#include "host/look.h"

/* Finds the successors of servers (--follow). What it knows and does does not grow with the servers that have come and gone: of
 * each server of the command line it keeps that one and its latest successor, and of all processes the list of the last look.
 */

/* A server that the run began with, and those that came after it. */
struct follow_line {
    struct kin first, last;
    struct mem first_mem, last_mem;
};

struct follow {
    struct follow_line *lines;
    size_t nlines;
    struct look last; /* all processes */
    bool has_looked;
    struct mem mem;
};

/* Adds a server that the run begins with; nothing, once follow_find was called. `file` is its executable. */
void follow_add(struct follow *follow, pid_t pid, const struct process_file *file);

/* Whether this process is traced already, or has been. */
typedef bool follow_is_known(const void *context, const struct process *process);

/* A process that has come, or has executed another program, since the last call, and is a successor; 0: there is none. One that
 * is returned counts as its server's latest successor. */
pid_t follow_find(struct follow *follow, follow_is_known *is_known, const void *context);

/* Whether a process that has just come is a successor, which counts as its server's latest one then. */
bool follow_is_successor(struct follow *follow, const struct process *process);

/* The process counts as one that has just come, when follow_find looks next. */
void follow_look_again(struct follow *follow, pid_t pid);

void follow_free(struct follow *follow);

#endif
