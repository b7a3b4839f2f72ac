#ifndef KEEPER_H
#define KEEPER_H

#include "host/child.h"
#include "base/diag.h"

/* The process that stays root. It starts the tracers, pauses and kills them and sees them end, and opens files; it never reads
 * what a tracer or a server says. h2olog itself, which does, can ask it for the requests below and for nothing else. Each dies
 * with the other. */
struct keeper {
    int socket;
    pid_t pid;
};

enum { KEEPER_NOTE_SIZE = 128 * 1024 };

/* A pause ends before the next heartbeat of the program is due, which comes every 25 ms. */
enum { KEEPER_PAUSE_MS = 18 };

/* What the keeper does on request, or when something happens. All run in the keeper. */
struct keeper_services {
    void *context;
    /* Starts the tracer of a server, with a lesser program if that is asked for, and appends to `note` what its output means.
     * `server_fd`: a pidfd of the server. 0, or -1 with `diag` set. */
    int (*start)(void *context, pid_t server, bool is_lesser, struct child *tracer, int *server_fd, struct outbuf *note,
                 struct diag *diag);
    size_t (*touch)(void *context, pid_t server);
    int (*reopen)(void *context, struct diag *diag); /* a file descriptor, or -1 */
    pid_t (*find)(void *context);                    /* another server that is to be traced; 0: none now; NULL: never */
    int interval_ms;                                 /* between calls of `find` */
};

enum keeper_request {
    KEEPER_KILL,
    KEEPER_TOUCH,
    KEEPER_REOPEN,
    KEEPER_PAUSE,
    KEEPER_START_LESSER, /* once more, with a lesser program, as the kernel has refused the one of before */
};

enum keeper_kind {
    KEEPER_STARTED, /* a tracer: `server`, `tracer`, the files, `text` is the note */
    KEEPER_FAILED,  /* it could not be started: `diag` */
    KEEPER_ENDED,   /* `tracer` has, with `number` as waitpid gives it */
    KEEPER_TOUCHED, /* `server`: `number` bytes */
    KEEPER_OPENED,  /* `out`; -1 with `diag` */
    KEEPER_GONE,    /* the keeper itself */
};

/* Whoever reads it owns the files. */
struct keeper_news {
    enum keeper_kind kind;
    pid_t server, tracer;
    bool is_lesser; /* STARTED, FAILED: with the lesser program */
    uint64_t number;
    int server_fd, out, err;
    struct diag diag;
    struct slice text; /* valid until the next call of keeper_read */
};

/* Forks the keeper, which starts tracers for `servers` at once. 0, or -1 with `diag` set. */
int keeper_start(struct keeper *keeper, const struct keeper_services *services, const pid_t *servers, size_t nservers,
                 struct diag *diag);

/* `pid`: of the tracer for KILL and PAUSE, of the server for TOUCH and START_LESSER. A paused tracer goes on by itself after
 * KEEPER_PAUSE_MS. */
void keeper_ask(const struct keeper *keeper, enum keeper_request request, pid_t pid);

/* The next news; false: there is none now. `socket` is readable when there may be. `buffer` has KEEPER_NOTE_SIZE bytes. */
bool keeper_read(const struct keeper *keeper, struct keeper_news *news, char *buffer);

/* Ends the keeper and with it all tracers. */
void keeper_stop(struct keeper *keeper);

#endif
