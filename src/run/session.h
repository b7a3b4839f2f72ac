#ifndef TRACEE_H
#define TRACEE_H

#include "run/keeper.h"
#include "record/decode.h"
#include "record/order.h"
#include "show/output.h"
#include "record/recording.h"

/* What a run came to, beside its output. */
struct tracee_counts {
    uint64_t lost;      /* events that bpftrace lost */
    bool misses_losses; /* there were more, as it does not count all */
    uint64_t damaged;   /* records that did not decode whole */
    uint64_t servers;   /* that were traced */
};

/* What the servers of a run have in common. */
struct tracee_run {
    const struct keeper *keeper;
    const struct diag_log *log;
    struct output *output;
    struct tracee_counts counts;
    struct diag *diag;   /* of the first that went wrong */
    uint64_t stop_nsecs; /* later records do not belong to the run any more; UINT64_MAX: it goes on */
    bool is_reader_gone;
    struct recording *recording; /* NULL: none is made */
    uint64_t nservers;           /* that have begun */
    bool is_program_foreign; /* somebody may have changed it: what it prints besides records, and what is wrong with those, is
                                told */
    int put_off_ms;          /* milliseconds: how long output that still comes may put the end off */
};

enum tracee_state {
    TRACEE_STARTING, /* bpftrace attaches */
    TRACEE_RUNNING,
    TRACEE_ENDING,   /* the server has ended; bpftrace notices, detaches and then writes its last words, or does not notice */
    TRACEE_STOPPING, /* a signal has ended the run; what happened before it is still to come */
    TRACEE_KILLING,
    TRACEE_DRAINING, /* bpftrace is dead; its last words are read */
    TRACEE_DONE,
    TRACEE_STATES,
};

enum tracee_event {
    TRACEE_READY, /* everything is attached */
    TRACEE_SIGNALLED,
    TRACEE_COMPLETE, /* everything up to the end has come */
    TRACEE_SERVER_ENDED,
    TRACEE_TRACER_ENDED,
    TRACEE_OUTPUT_ENDED,
    TRACEE_READER_GONE,
    TRACEE_LATE,
    TRACEE_EVENTS,
};

/* A traced server: its bpftrace, and what becomes of that one's output. Times in milliseconds are CLOCK_MONOTONIC's. */
struct tracee {
    struct tracee_run *run;
    pid_t server, tracer;
    int server_fd, out, err; /* a pidfd, pipes; -1: closed */
    const char *command;     /* of the server, escaped */
    const struct plan *plan;
    struct decode *decode;
    struct order *order;         /* NULL: records come in order */
    const bool *is_wanted;       /* by event of the plan: it is shown; NULL: all are */
    const struct filter *filter; /* of what is shown, beyond the plan's; NULL: none */
    uint64_t id;                 /* counts the servers of the run */
    uint64_t now;                /* CLOCK_BOOTTIME, when what is being taken was read */
    enum tracee_state state;
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

/* A tracee of which the first eight members are set. */
void tracee_begin(struct tracee *tracee);

/* Frees what it has made itself, and closes its files. */
void tracee_end(struct tracee *tracee);

void tracee_happen(struct tracee *tracee, enum tracee_event event);

/* Read what is there. */
void tracee_read_output(struct tracee *tracee);
void tracee_read_errors(struct tracee *tracee);

/* The same for bytes that were read at `nsecs`, as a recording has them. */
void tracee_take_output(struct tracee *tracee, struct slice bytes, uint64_t nsecs);
void tracee_take_errors(struct tracee *tracee, struct slice bytes, uint64_t nsecs);

/* bpftrace has said everything: what was held back goes out. */
void tracee_finish(struct tracee *tracee);

/* Tell the recording, if there is one. */
void tracee_record_start(struct tracee *tracee, struct slice note);
void tracee_record_stop(struct tracee_run *run);

/* `wait_status` as waitpid gives it. */
void tracee_bury(struct tracee *tracee, int wait_status);

/* The probes are attached and the pages touched. */
void tracee_announce(const struct tracee *tracee, uint64_t bytes);

/* Says what the run came to. */
void tracee_summarize(const struct tracee_run *run);

/* As long as something moves nothing is late; within a limit when it is to end. */
void tracee_put_off(struct tracee *tracee);

/* The same without a limit. */
void tracee_wait_longer(struct tracee *tracee);

/* Passes the deadline on as an event. */
void tracee_check_deadline(struct tracee *tracee);

#endif
