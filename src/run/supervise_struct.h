#ifndef SUPERVISE_STRUCT_H
#define SUPERVISE_STRUCT_H

#include "run/session.h"

struct supervise;

/* What a run is made of, for the files of supervise only: supervise.c has the loop, supervise_news.c takes what the keeper
 * tells. */

enum { MAX_SESSIONS = 256 };

enum phase {
    TRACING,
    FLUSHING, /* no session is left. What has been read is written */
    OVER,
};

struct run {
    const struct supervise *part;
    struct session_run shared;
    struct session_config config;
    struct session *sessions[MAX_SESSIONS];
    size_t nsessions;
    enum phase phase;
    int64_t deadline;    /* of FLUSHING, in milliseconds of CLOCK_MONOTONIC */
    int64_t limit;       /* in the same: beyond it neither a slow reader nor the keeper put the end off; 0: no end has begun */
    char *note;          /* KEEPER_NOTE_SIZE bytes */
    int signals;
    int64_t end_ms;    /* --duration: when it is over; 0: tracing has not begun, or may last */
    bool is_waiting;   /* no server has come yet */
    bool has_begun;    /* all servers of the beginning are traced */
    bool is_full;      /* -k: as many records were shown as were wanted, and the sessions know */
    bool is_failure_told; /* while others are traced on */
    bool is_reopening; /* the keeper has been asked for the next file */
    int64_t asked_ms;  /* when the keeper was asked for an answer that has not come; 0: it was not */
    uint64_t counted;  /* of which moment the servers' own counters were asked for last (output_count_at) */
    int next_fd;       /* the file that is written to when all is in this one; -1: none */
};

/* Ends the run in order: what happens later does not belong to it. */
void supervise_stop(struct run *run);

/* The end has begun: from now on it is put off within the limit only. */
void supervise_begin_end(struct run *run);
void supervise_stop_all(struct run *run);
void supervise_abandon_all(struct run *run);
bool supervise_is_stopping(const struct run *run);

/* Takes one of the keeper's news, so that what a tracer has written is read before the news of its end. */
void supervise_read_news(struct run *run);

#endif
