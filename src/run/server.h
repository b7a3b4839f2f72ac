#ifndef SERVER_H
#define SERVER_H

#include "run/launch.h"
#include "plan/select.h"
#include "run/session.h"

/* A session with all that it stands on. */
struct server {
    struct mem mem;
    struct session session;
    struct bpftrace lesser; /* what runs a lesser program */
    struct bpftrace_row lesser_row;
    struct plan plan;
    struct reorder *reorder;
    struct target target;
};

/* How servers of a run are understood. */
struct server_request {
    const struct request *plan;
    const struct catalog *catalog;
    const struct bpftrace *tracer;
    struct select *select; /* NULL: everything is shown */
    int cpus;
    struct session_run *run;
};

/* The files and pids of a session: `pid` and `note` are known, others may be -1 and 0. */
struct server_files {
    pid_t pid, tracer;
    int server_fd, out, err;
    struct slice note;
};

/* Plans as the keeper did, from the note. The server, which owns the files; NULL with `diag` set, and then it does not. */
struct server *server_open(const struct server_request *request, const struct server_files *files, struct diag *diag);
void server_close(struct server *server);

#endif
