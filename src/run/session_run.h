#ifndef SESSION_RUN_H
#define SESSION_RUN_H

#include "record/recording.h"
#include "run/keeper.h"
#include "show/output.h"

/* What a run came to, beside its output. */
struct session_counts {
    uint64_t lost;      /* events that bpftrace lost */
    bool misses_losses; /* more may be lost: this bpftrace does not count every loss */
    uint64_t damaged;   /* records that could not be decoded */
    uint64_t servers;   /* that were traced */
    uint64_t gaps, gap_ns; /* what was not seen of servers that came later, and how long that was in all */
};

/* What all sessions of a run share. Who makes it owns it, and what it points to. */
struct session_run {
    const struct keeper *keeper; /* NULL: a recording is replayed */
    const struct diag_log *log;
    struct output *output;
    struct session_counts counts;
    struct diag *diag;   /* the first error is kept, and is the one that is reported */
    uint64_t begin_nsecs; /* CLOCK_BOOTTIME when all servers of the beginning were traced: records before are dropped. 0: each
                             has a begin of its own; UINT64_MAX: they are not */
    uint64_t stop_nsecs; /* CLOCK_BOOTTIME when the run was stopped: later records are dropped. UINT64_MAX: it goes on */
    bool is_reader_gone; /* nobody reads the output any more */
    struct recording *recording; /* NULL: none is made */
    uint64_t nsessions;          /* that were opened */
    size_t nstarting;            /* servers of the beginning whose tracers are still to start */
    size_t nlesser;              /* smaller programs that are still to start */
    bool is_program_foreign; /* somebody may have changed the program (--script). Lines of its own and records that cannot be
                                decoded are then shown to the user. */
    int put_off_ms;          /* milliseconds: output that still comes may put the end off by this much, and no more */
};

/* Writes a block to the recording, if there is one. A recording that cannot be written sets the run's `diag`. */
void session_run_record(struct session_run *run, const struct recording_block *block);

/* Writes to the recording, if there is one, that the run was stopped at `stop_nsecs`. */
void session_run_record_stop(struct session_run *run);

/* Looks whether somebody has set the wall clock; a recording keeps that. `nsecs`: now, CLOCK_BOOTTIME. */
void session_run_watch_clock(struct session_run *run, uint64_t nsecs);

/* Shows a gap and says it on stderr. */
void session_run_tell_gap(struct session_run *run, const struct gap *gap);

/* What to say before a number of lost events: "at least " where bpftrace misses some, otherwise "". */
const char *session_run_at_least(const struct session_run *run);

/* Notes on stderr what the run came to. */
void session_run_summarize(const struct session_run *run);

#endif
