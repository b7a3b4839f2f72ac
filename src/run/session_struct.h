#ifndef SESSION_STRUCT_H
#define SESSION_STRUCT_H

#include "host/target.h"
#include "record/decode.h"
#include "record/reorder.h"
#include "run/session_run.h"

/* What a session is made of. Only the five files that make up the session read this: session.c, lifecycle.c, servers.c,
 * intake.c and last_words.c. Others know session.h. */

enum session_state {
    SESSION_STARTING, /* bpftrace attaches */
    SESSION_RUNNING,
    SESSION_ENDING,   /* the server has ended. bpftrace notices that, detaches and writes what is left; or it does not notice */
    SESSION_STOPPING, /* the run was stopped. What happened before that is still to come */
    SESSION_KILLING,  /* bpftrace was killed and is not dead yet */
    SESSION_DRAINING, /* bpftrace is dead. What it wrote last is read */
    SESSION_DONE,
    SESSION_STATES,
};

/* Where the session stands: lifecycle.c. Milliseconds are CLOCK_MONOTONIC's, nanoseconds CLOCK_BOOTTIME's. */
struct session_life {
    enum session_state state;
    int64_t deadline;      /* milliseconds: when the state has lasted too long; -1: never */
    int64_t untold_since;  /* milliseconds: since when bpftrace has ended and the keeper has not told; 0: this is not so */
    bool is_told;          /* how bpftrace has ended */
    int64_t put_off_limit; /* milliseconds: output does not put the end of STOPPING and DRAINING off beyond this */
    uint64_t first_nsecs;  /* when bpftrace's first output was read; 0: there was none. It reads when all probes are attached,
                            * and prints then what came meanwhile */
    uint64_t begin_nsecs;  /* the first heartbeat behind that; 0: there was none. What was before does not belong to the run */
    uint64_t end_nsecs;   /* the session is complete when everything up to this time is here; UINT64_MAX: there is no end yet */
    bool is_ready;        /* everything was attached */
    bool is_end_expected; /* bpftrace may end, which is then no error */
    bool is_complete;     /* everything up to `end_nsecs` is here */
};

/* A server that the session's tracer sees: servers.c. */
struct session_server {
    pid_t pid;
    int pidfd;          /* -1: nothing tells of its end */
    uint64_t since;     /* CLOCK_BOOTTIME in nanoseconds: it came then, later than the run; 0: the run began with it */
    uint64_t end_nsecs; /* when it has ended, in the same; UINT64_MAX: it has not */
    bool is_gap_told;
    char *command; /* escaped */
};

/* A process that is not to be shown, which was said of an event at this time (CLOCK_BOOTTIME in nanoseconds). */
struct session_other {
    pid_t pid;
    uint64_t nsecs;
    bool is_gone; /* it had ended, so nobody knows what it was */
};

enum { SESSION_OTHERS = 64 };

struct session_servers {
    struct session_server *items; /* from malloc, as the number of those that come and go has no bounds */
    size_t count;
    int ends;         /* an epoll of the pidfds; -1: there is none */
    bool are_by_file; /* the tracer sees all processes of a file, and more may come */
    struct session_other others[SESSION_OTHERS]; /* the last ones */
    size_t nothers;                              /* that there were */
};

/* From bytes to output: intake.c. */
struct session_intake {
    struct decode *decode;
    struct decode_item item; /* the last one of it */
    pid_t asked;         /* the process of the item, of which the keeper is asked whether it is to be shown; 0: there is none */
    int64_t asked_ms;    /* milliseconds of CLOCK_MONOTONIC: when */
    struct outbuf later; /* of a replay: what stands behind the item and did not fit */
    struct reorder *reorder; /* NULL: records come in order */
    uint64_t now;            /* CLOCK_BOOTTIME in nanoseconds, when the bytes in hand were read */
    uint64_t newest;         /* the time of the last record, in the same; 0: none has come since bpftrace was paused */
    int64_t paused;          /* milliseconds of CLOCK_MONOTONIC: since when bpftrace has been in a pause; 0: it is in none */
    unsigned doubts;         /* that the program has told of, of hits that were no requests */
    bool is_believed;        /* others were */
    uint64_t damaged;        /* of the decoder's damaged records: how many are in the run's count */
    int faults;              /* of the decoder's faults: how many the user was told of */
};

/* What bpftrace says on stderr: last_words.c. */
struct session_words {
    struct outbuf text; /* the end of what it said */
    size_t line;        /* where in the text the line begins that is not complete yet */
};

struct session {
    struct mem mem; /* of everything here */
    struct session_run *run;
    uint64_t id; /* counts the sessions of the run, from 0 */
    pid_t server, tracer; /* the server that it began with */
    struct session_servers servers;
    struct keeper_files files; /* without the server's pidfd, which is in `servers` */
    int wait_status;         /* of bpftrace, as waitpid gives it; -1: the keeper did not tell */
    const char *command;     /* of the server, escaped */
    bool is_later;           /* the server came later than the run */
    struct bpftrace lesser;  /* if `is_lesser`: the bpftrace that the smaller program was made for */
    bool is_lesser; /* the program is the smaller one, as the kernel has refused the whole one */
    struct target target;
    struct plan plan;
    const bool *is_wanted;       /* by event of the plan: it is shown; NULL: all are */
    const struct filter *filter; /* of what is shown, beside the plan's own; NULL: none */
    struct session_life life;
    struct session_intake intake;
    struct session_words words;
};

#endif
