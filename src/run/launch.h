#ifndef LAUNCH_H
#define LAUNCH_H

#include "run/await.h"
#include "run/follow.h"
#include "run/keeper.h"
#include "run/places.h"
#include "run/share.h"
#include "catalog/structures.h"
#include "program/contract.h"

/* What bpftrace is started with: the same for all servers of a run. The services of the keeper work on this. */
struct launch {
    const struct request *request;
    const struct catalog *catalog;
    const struct structures *structures;
    const struct files *templates;
    const struct bpftrace *bpftrace;
    const struct contract *contract; /* the program to run (--script); NULL: one is made */
    const char *command;             /* h2olog's command line, escaped */
    const struct diag_log *log;
    const char *output;            /* the file that is reopened; NULL: none */
    struct launch_server *servers; /* for which a start was tried, and which have not ended; the latest is first */
    uint64_t begun_nsecs;          /* CLOCK_BOOTTIME: when the run began */
    bool follows;                  /* --follow */
    struct follow following;
    struct share sharing;
    struct places places;          /* of files whose servers were read */
    struct await *await;           /* the first servers are still to come (--wait); NULL: they were there */
};

/* Makes the plan for a server (NULL: for none); says what was left out. 0, or -1 with `diag` set. */
int launch_plan(const struct launch *launch, const struct target *target, struct plan *plan, struct mem *mem,
                struct diag *diag);

/* What the keeper does for this run. */
struct keeper_services launch_services(struct launch *launch);

/* Frees what the services have taken. */
void launch_free(struct launch *launch);

#endif
