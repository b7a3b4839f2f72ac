#ifndef SHARE_H
#define SHARE_H

#include "host/process.h"

/* The tracers that are attached to a file, and so see all processes that run it. A process that is not to be traced pays for a
 * record of each event, until it stands in the program's map of others (templates/others.bt); then for the trap alone. */

enum { SHARE_MAX_OTHERS = 1024 }; /* of a tracer; later ones cost a record each */

struct share_other {
    pid_t pid;
    uint64_t started;
    bool is_told; /* it stands in the map */
};

struct share_tracer {
    struct share_tracer *next;
    pid_t tracer;
    struct process_file file;
    uint64_t mark; /* attach_mark */
    int map;       /* -1: it is not found yet */
    struct share_other others[SHARE_MAX_OTHERS];
    size_t nothers;
};

struct share {
    struct share_tracer *first;
};

void share_add(struct share *share, pid_t tracer, const struct process_file *file, uint64_t mark);

/* The tracer has ended. */
void share_remove(struct share *share, pid_t tracer);

/* The tracer of the file; 0: there is none. */
pid_t share_find(const struct share *share, const struct process_file *file);

/* The tracer is not to show the process, which runs its file. */
void share_leave_out(struct share *share, pid_t tracer, const struct process *process);

/* To be called now and then: tells the program what could not be told before, and forgets processes that have ended. */
void share_tend(struct share *share);

void share_free(struct share *share);

#endif
