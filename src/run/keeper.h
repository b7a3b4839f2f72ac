#ifndef KEEPER_H
#define KEEPER_H

#include "run/keeper_serve.h"

/* The keeper is the process that stays root. It starts the tracers, which are bpftraces, pauses them, waits for their end and
 * opens files. It never reads what a tracer or a server writes. h2olog itself reads that, is not root, and can give the keeper
 * the orders below and no others.
 *
 * However h2olog ends, the kernel kills the keeper, by `lifeline`, and each tracer, by its own line. However the keeper ends,
 * the kernel kills the tracers (child.h), lets h2olog go on if that was stopped, by `waker`, and h2olog reads the end of
 * `socket`. */
struct keeper {
    int socket;
    int lifeline, waker; /* the writing end of a signal_pipe, and the reading end of another */
    pid_t pid;
};

/* What the keeper tells. Who reads it owns the files. */
struct keeper_news {
    enum keeper_kind kind;
    pid_t server, tracer;
    bool is_lesser; /* STARTED, FAILED: with the smaller program */
    uint64_t number;
    struct keeper_files files;
    struct diag diag;
    struct slice text; /* valid until the next call of keeper_read */
};

/* Forks the keeper, which starts tracers for `servers` at once. 0, or -1 with `diag` set. */
int keeper_start(struct keeper *keeper, const struct keeper_services *services, const pid_t *servers, size_t nservers,
                 struct diag *diag);

void keeper_close_files(struct keeper_files *files);

/* Gives an order about the tracer or the server `pid`. One that the keeper has no room for, as it does not read any more, is
 * dropped. */
void keeper_order(const struct keeper *keeper, enum keeper_order order, pid_t pid);

/* Reads the next news, for which `buffer` has KEEPER_NOTE_SIZE bytes. false: there is none now. When there is, `socket` is
 * readable. */
bool keeper_read(const struct keeper *keeper, struct keeper_news *news, char *buffer);

/* Ends the keeper and with it all tracers. Waits two seconds at most, as a process that is stuck in the kernel dies later. */
void keeper_stop(struct keeper *keeper);

#endif
