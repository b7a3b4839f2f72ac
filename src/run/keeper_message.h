#ifndef KEEPER_MESSAGE_H
#define KEEPER_MESSAGE_H

#include "base/diag.h"

#include <sys/types.h>

/* What goes over the socket between h2olog (keeper.h) and the keeper (keeper_serve.h). */

enum { KEEPER_NOTE_SIZE = 128 * 1024 };

enum keeper_order {
    KEEPER_PAUSE,        /* a tracer, which goes on by itself after KEEPER_PAUSE_MS */
    KEEPER_ANSWER,       /* at once; its pid means nothing */
    KEEPER_TOUCH,        /* a server's pages */
    KEEPER_COUNT,        /* what a server counts by itself */
    KEEPER_START_LESSER, /* a tracer for a server, with the smaller program: the kernel has refused the whole one */
    KEEPER_JUDGE,        /* a process of which a tracer by file has shown an event: is it to be shown? */
    KEEPER_REOPEN,       /* the output; its pid means nothing */
};

enum keeper_kind {
    KEEPER_STARTED,    /* `tracer` was started for `server`: `files` are its own, `text` is the note */
    KEEPER_JOINED,     /* `tracer` sees `server`, too: `files.out` is its pidfd, `text` is the note */
    KEEPER_REFUSED,    /* the process `server` is not to be shown; `number` is 1 if it has ended */
    KEEPER_FAILED,     /* no tracer could be started for `server`: `diag` says why */
    KEEPER_ENDED,      /* `tracer` has ended: `number` is its status as waitpid gives it */
    KEEPER_TOUCHED,    /* `number` bytes of `server` were made readable */
    KEEPER_COUNTED,    /* `text` is what `server` has counted (counters.h) */
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

#define KEEPER_NO_FILES        \
    {                          \
        -1, -1, -1, -1, -1, -1 \
    }

enum { KEEPER_MAX_FILES = sizeof(struct keeper_files) / sizeof(int) };

/* The keeper sends messages: files go beside one (SCM_RIGHTS), and a text behind it. */
struct keeper_message {
    enum keeper_kind kind;
    pid_t server, tracer;
    bool is_lesser;
    uint64_t number;
    struct diag diag;
};

/* h2olog sends orders. */
struct keeper_order_message {
    enum keeper_order kind;
    pid_t pid;
};

#endif
