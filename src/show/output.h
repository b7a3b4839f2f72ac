#ifndef OUTPUT_H
#define OUTPUT_H

#include "show/gap.h"
#include "show/group.h"
#include "show/keylog.h"
#include "show/report.h"
#include "show/sink.h"
#include "show/view.h"

/* The way of the records of all servers: through the view, in a format, into the sink. */
struct output {
    struct view *view;
    struct format *format;
    struct sink *sink;
    uint64_t most; /* records or requests that are shown; 0: any number */
    struct group group;
    uint64_t shown;      /* records; requests, if the view groups them */
    uint64_t waiting;    /* requests that were shown while they waited, beside those */
    uint64_t unanswered; /* of these: requests without a response */
    uint64_t incomplete; /* of these: requests of which something may be missing */
    bool are_whole;      /* requests were read in a server's structures */
    uint64_t cut;        /* values that are shown in part */
    const struct diag_log *log;
    struct summary summary;
    struct keylog keylog;
    bool is_held;         /* on a terminal the numbers are not drawn anew */
    char said[64];        /* what a key did: it stands in the last line there */
    bool has_prom_failed; /* its file could not be written the last time */
    uint64_t blocks; /* of it, so far: what `most` counts then */
};

/* Begins with `view`, `format`, `sink`, `log` and `most` set. output_close frees what the output has made itself. */
void output_open(struct output *output);
void output_close(struct output *output);

/* Writes the file of --prom for the first time, if there is one: what cannot be written is an error at once. 0, or -1 with
 * `diag` set. */
int output_begin_prom(struct output *output, struct diag *diag);

/* Whether as much is shown as was wanted. */
bool output_is_full(const struct output *output);

/* Takes a record, which may be a loss. */
void output_record(struct output *output, const struct record *record);

/* The same for requests only, which a loss shown before was one of, too: of a server, as the loss says. */
void output_mark_loss(struct output *output, const struct record *loss);

/* Shows a gap, in JSON. */
void output_gap(struct output *output, const struct gap *gap);

/* Everything of the server `pid` up to `nsecs` (CLOCK_BOOTTIME) has come. */
void output_tick(struct output *output, pid_t pid, uint64_t nsecs);

/* What a server has counted by itself, as it said at `nsecs` (CLOCK_BOOTTIME); and when that is to be read next, as
 * summary_count_at has it. */
void output_count(struct output *output, pid_t pid, const struct counters *counters, uint64_t nsecs);
uint64_t output_count_at(const struct output *output);

/* Nothing more comes from the server `pid`: requests that were held are shown. */
void output_end(struct output *output, pid_t pid);

#endif
