#ifndef KEEPER_H
#define KEEPER_H

#include "base/diag.h"
#include "host/child.h"

/* The keeper is the process that stays root. It starts the tracers, which are bpftraces, pauses them, waits for their end and
 * opens files. It never reads what a tracer or a server writes. h2olog itself reads that, is not root, and can give the keeper
 * the orders below and no others.
 *
 * However h2olog ends, the kernel kills the keeper, by `lifeline`, and each tracer, by its own line. However the keeper ends,
 * the kernel kills the tracers (child.h), and h2olog reads the end of `socket`. */
struct keeper {
    int socket;
    int lifeline; /* the writing end of a signal_pipe */
    pid_t pid;
};

enum { KEEPER_NOTE_SIZE = 128 * 1024 };

/* A pause ends before the next heartbeat of the program is due, which comes every 25 ms. */
enum { KEEPER_PAUSE_MS = 18 };

/* What the keeper does when it is ordered to, or when it is time. All of it runs in the keeper. */
struct keeper_services {
    void *context;
    /* Starts a tracer for a server, with the smaller program if `is_lesser`. Appends to `note` what is needed to understand the
     * tracer's output, and sets `server_fd` to a pidfd of the server. 0, or -1 with `diag` set. */
    int (*start)(void *context, pid_t server, bool is_lesser, struct child *tracer, int *server_fd, struct outbuf *note,
                 struct diag *diag);
    size_t (*touch)(void *context, pid_t server);    /* makes the server's pages readable for the program; returns bytes */
    int (*reopen)(void *context, struct diag *diag); /* a file descriptor, or -1 */
    pid_t (*find)(void *context);                    /* another server that is to be traced; 0: none now; NULL: never */
    int interval_ms;                                 /* between calls of `find` */
};

enum keeper_order {
    KEEPER_PAUSE,        /* a tracer, which goes on by itself after KEEPER_PAUSE_MS */
    KEEPER_ANSWER,       /* at once; its pid means nothing */
    KEEPER_TOUCH,        /* a server's pages */
    KEEPER_START_LESSER, /* a tracer for a server, with the smaller program: the kernel has refused the whole one */
    KEEPER_REOPEN,       /* the output; its pid means nothing */
};

enum keeper_kind {
    KEEPER_STARTED,    /* `tracer` was started for `server`: `files` are its own, `text` is the note */
    KEEPER_FAILED,     /* no tracer could be started for `server`: `diag` says why */
    KEEPER_ENDED,      /* `tracer` has ended: `number` is its status as waitpid gives it */
    KEEPER_TOUCHED,    /* `number` bytes of `server` were made readable */
    KEEPER_OPENED,     /* `files.out` is the next file to write to; or it is -1, and `diag` says why */
    KEEPER_ANSWERED,   /* it takes orders */
    KEEPER_TERMINATED, /* it got SIGTERM, which is meant for the run */
    KEEPER_GONE,       /* the keeper itself has ended */
};

/* What h2olog gets of a tracer; -1: closed. Both lines are writing ends of a signal_pipe, and h2olog is the only one that has
 * them. */
struct keeper_files {
    int server, tracer; /* pidfds */
    int out, err;       /* what the tracer prints */
    int kill, resume;   /* kills it, as its end kills it, too; and ends a pause that the keeper does not end */
};

void keeper_close_files(struct keeper_files *files);

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

/* Gives an order about the tracer or the server `pid`. One that the keeper has no room for, as it does not read any more, is
 * dropped. */
void keeper_order(const struct keeper *keeper, enum keeper_order order, pid_t pid);

/* Reads the next news, for which `buffer` has KEEPER_NOTE_SIZE bytes. false: there is none now. When there is, `socket` is
 * readable. */
bool keeper_read(const struct keeper *keeper, struct keeper_news *news, char *buffer);

/* Ends the keeper and with it all tracers. Waits two seconds at most, as a process that is stuck in the kernel dies later. */
void keeper_stop(struct keeper *keeper);

#endif
