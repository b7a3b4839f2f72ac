#ifndef SINK_H
#define SINK_H

#include "base/diag.h"

/* Where records go: a file, with what is not written to it yet. */
struct sink {
    int fd;
    const char *name;      /* for messages, escaped; NULL: it is stdout */
    struct outbuf pending; /* formatted, not yet written: [done, len) */
    size_t done;
    struct outbuf ends; /* of the records that are pending: a size_t each, how far into it they reach */
    size_t block;    /* bytes: sink_pass writes when so many are pending, or after a second; 0: at once */
    bool is_blocked; /* the reader is slow */
    int64_t since;   /* CLOCK_MONOTONIC in milliseconds: when what is pending began to wait; 0: nothing waits */
};

enum sink_state {
    SINK_FAILED = -1, /* `diag` is set, and says how many records are missing; a file ends with a whole record */
    SINK_EMPTY,       /* all is written */
    SINK_FULL,        /* the reader is slow; try again when poll(2) says POLLOUT */
    SINK_WAITING,     /* less than a block is there */
    SINK_GONE,        /* there is no reader any more (EPIPE) */
};

/* What is pending ends with a whole record. */
void sink_end_record(struct sink *sink);

/* Drops what is pending. */
void sink_drop(struct sink *sink);

void sink_free(struct sink *sink);

/* Writes what is pending, as far as that does not block. */
enum sink_state sink_flush(struct sink *sink, struct diag *diag);

/* The same, but only when a block is pending or something has waited for a second. */
enum sink_state sink_pass(struct sink *sink, struct diag *diag);

#endif
