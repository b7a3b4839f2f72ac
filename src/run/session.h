#ifndef SESSION_H
#define SESSION_H

#include "run/keeper.h"
#include "record/decode.h"
#include "record/reorder.h"
#include "show/output.h"
#include "record/recording.h"

/* What a run came to, beside its output. */
struct session_counts {
    uint64_t lost;      /* events that bpftrace lost */
    bool misses_losses; /* there were more, as it does not count all */
    uint64_t damaged;   /* records that did not decode whole */
    uint64_t servers;   /* that were traced */
};

/* What the servers of a run have in common. */
struct session_run {
    const struct keeper *keeper;
    const struct diag_log *log;
    struct output *output;
    struct session_counts counts;
    struct diag *diag;   /* of the first that went wrong */
    uint64_t stop_nsecs; /* later records do not belong to the run any more; UINT64_MAX: it goes on */
    bool is_reader_gone;
    struct recording *recording; /* NULL: none is made */
    uint64_t nservers;           /* that have begun */
    size_t nexpected;            /* servers whose tracers are still to start */
    size_t nlesser;              /* lesser programs that are still to start */
    bool is_program_foreign; /* somebody may have changed it: what it prints besides records, and what is wrong with those, is
                                told */
    int put_off_ms;          /* milliseconds: how long output that still comes may put the end off */
};

enum session_state {
    SESSION_STARTING, /* bpftrace attaches */
    SESSION_RUNNING,
    SESSION_ENDING,   /* the server has ended; bpftrace notices, detaches and then writes its last words, or does not notice */
    SESSION_STOPPING, /* a signal has ended the run; what happened before it is still to come */
    SESSION_KILLING,
    SESSION_DRAINING, /* bpftrace is dead; its last words are read */
    SESSION_DONE,
    SESSION_STATES,
};

enum session_event {
    SESSION_READY, /* everything is attached */
    SESSION_SIGNALLED,
    SESSION_COMPLETE, /* everything up to the end has come */
    SESSION_SERVER_ENDED,
    SESSION_TRACER_ENDED,
    SESSION_OUTPUT_ENDED,
    SESSION_READER_GONE,
    SESSION_LATE,
    SESSION_EVENTS,
};

/* A traced server: its bpftrace, and what becomes of that one's output. Times in milliseconds are CLOCK_MONOTONIC's. */
struct session {
    struct session_run *run;
    pid_t server, tracer;
    int server_fd, out, err; /* a pidfd, pipes; -1: closed */
    const char *command;     /* of the server, escaped */
    const struct plan *plan;
    bool is_lesser; /* its program is, as the kernel has refused the other one */
    struct decode *decode;
    struct reorder *reorder;     /* NULL: records come in order */
    const bool *is_wanted;       /* by event of the plan: it is shown; NULL: all are */
    const struct filter *filter; /* of what is shown, beyond the plan's; NULL: none */
    uint64_t id;                 /* counts the servers of the run */
    uint64_t now;                /* CLOCK_BOOTTIME, when what is being taken was read */
    enum session_state state;
    int64_t deadline;      /* when the state is LATE; -1: never */
    int64_t put_off_limit; /* output does not put STOPPING and DRAINING off beyond this */
    uint64_t end_nsecs;    /* when everything up to here has arrived, it can end */
    bool is_ready;         /* everything was attached */
    bool is_expected;      /* that bpftrace ends */
    bool is_complete;      /* everything up to the end has come */
    uint64_t newest;       /* of the records; 0: none came since bpftrace was paused */
    int wait_status;
    uint64_t damaged;     /* of decode's, what has been reported */
    int faults;           /* the same */
    struct outbuf errors; /* the end of what bpftrace said on stderr */
    size_t error_line;    /* where in it the unfinished line begins */
};

/* A session of which the first eight members are set. */
void session_begin(struct session *session);

/* Frees what it has made itself, and closes its files. */
void session_end(struct session *session);

void session_happen(struct session *session, enum session_event event);

/* Read what is there. */
void session_read_output(struct session *session);
void session_read_errors(struct session *session);

/* The same for bytes that were read at `nsecs`, as a recording has them. */
void session_take_output(struct session *session, struct slice bytes, uint64_t nsecs);
void session_take_errors(struct session *session, struct slice bytes, uint64_t nsecs);

/* bpftrace has said everything: what was held back goes out. */
void session_finish(struct session *session);

/* Tell the recording, if there is one. */
void session_record_start(struct session *session, struct slice note);
void session_record_stop(struct session_run *run);

/* `wait_status` as waitpid gives it. */
void session_bury(struct session *session, int wait_status);

/* The probes are attached and the pages touched. */
void session_announce(const struct session *session, uint64_t bytes);

/* Says what the run came to. */
void session_summarize(const struct session_run *run);

/* As long as something moves nothing is late; within a limit when it is to end. */
void session_put_off(struct session *session);

/* The same without a limit. */
void session_wait_longer(struct session *session);

/* Passes the deadline on as an event. */
void session_check_deadline(struct session *session);

#endif
