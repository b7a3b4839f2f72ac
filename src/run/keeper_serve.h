#ifndef KEEPER_SERVE_H
#define KEEPER_SERVE_H

#include "host/child.h"
#include "run/keeper_message.h"

/* A pause ends before the next heartbeat of the program is due, which comes every 25 ms. */
enum { KEEPER_PAUSE_MS = 18 };

/* A server that a tracer sees already. */
struct keeper_join {
    pid_t tracer;
    int server_fd; /* a pidfd; -1: it has ended */
    bool is_gone;  /* it had ended before anybody could look at it */
};

/* What the keeper does when it is ordered to, or when it is time. All of it runs in the keeper. */
struct keeper_services {
    void *context;
    /* Starts a tracer for a server, with the smaller program if `is_lesser`. Appends to `note` what is needed to understand the
     * tracer's output, and sets `server_fd` to a pidfd of the server. 0, or -1 with `diag` set. */
    int (*start)(void *context, pid_t server, bool is_lesser, struct child *tracer, int *server_fd, struct outbuf *note,
                 struct diag *diag);
    /* Whether a tracer sees the server already, by its file, and is to show it: `to` and `note` say which and what of it. With
     * `is_chosen` it is to be shown; otherwise if it is the successor of one that is. */
    bool (*join)(void *context, pid_t server, bool is_chosen, struct keeper_join *to, struct outbuf *note); /* NULL: never */
    void (*ended)(void *context, pid_t tracer, int wait_status); /* NULL: nobody wants to know */
    size_t (*touch)(void *context, pid_t server);    /* makes the server's pages readable for the program; returns bytes */
    void (*count)(void *context, pid_t server, struct outbuf *out); /* appends what the server has counted (counters.h) */
    int (*reopen)(void *context, struct diag *diag); /* a file descriptor, or -1; NULL: there is nothing to reopen */
    /* Another server that is to be traced; 0: none now; -1: there is none to come, and `diag` says why. NULL: never. */
    pid_t (*find)(void *context, struct diag *diag);
    int interval_ms; /* between calls of `find` */
};

/* The keeper's life: starts tracers for `servers`, and serves until h2olog closes the socket. */
void keeper_serve(int socket, const struct keeper_services *services, const pid_t *servers, size_t nservers);

#endif
