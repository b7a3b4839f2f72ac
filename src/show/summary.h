#ifndef SUMMARY_H
#define SUMMARY_H

#include "show/access_log.h"
#include "show/counted.h"
#include "show/tally.h"

/* Numbers of requests instead of the requests: stat, top and hist. */

enum summary_kind { SUMMARY_NONE, SUMMARY_STAT, SUMMARY_TOP, SUMMARY_HIST };

/* What the rows of top are sorted by. */
enum summary_sort {
    SUMMARY_BY_REQUESTS,
    SUMMARY_BY_ERRORS,
    SUMMARY_BY_P50,
    SUMMARY_BY_P99,
    SUMMARY_BY_MAX,
    SUMMARY_BY_BYTES,
    SUMMARY_SORTS
};
extern const char *const summary_sort_names[SUMMARY_SORTS];

enum {
    SUMMARY_COLUMNS = 8,
    SUMMARY_MOST_KEYS = 65536,
    SUMMARY_MOST_KEYS_OF_SLOT = 16384,
    SUMMARY_MOST_KEY_BYTES = 64 << 20,
    SUMMARY_MOST_LINES = 1000,
    SUMMARY_SLOTS = 60
};

/* What is asked for. */
struct summary_request {
    enum summary_kind kind;
    const char *columns[SUMMARY_COLUMNS]; /* of top's key, by name; of hist the one of --by */
    size_t ncolumns;
    struct access_log key;  /* writes them, with a tab between: no value has one, as it would be escaped */
    enum tally_value value; /* of hist */
    bool is_of_acks;        /* it is counted of acknowledgements of QUIC, not of requests */
    enum summary_sort sort;
    uint64_t interval_ms, window_ms; /* 0: the default */
    size_t lines;                    /* of top and of a key of hist, at most; 0: the default */
    bool is_cumulative;              /* top: since the start, and not of the window */
    const char *prom;                /* the file of --prom; NULL: none */
};

/* Requests with the same key. */
struct summary_row {
    char *key; /* columns with a tab between; NULL: other */
    struct tally tally;
};

/* What was counted. Begin with summary_init. */
struct summary {
    const struct summary_request *request;
    uint64_t from, until;       /* CLOCK_BOOTTIME of the interval; 0: it has not begun */
    uint64_t begun;             /* of the first one */
    struct tally now, total;    /* of the interval, and of all before it */
    struct summary_slot *slots; /* the last intervals, or parts of the window */
    struct outbuf key;          /* of the request in hand */
    size_t nslots, at;
    size_t key_bytes; /* of all keys, at most SUMMARY_MOST_KEY_BYTES and one more */
    struct counted counted;           /* by the servers themselves, for stat */
    struct counted_sums from_counted; /* what that was when the interval began */
    bool has_probes, has_structures;  /* requests came from these */
    uint64_t lost;   /* events, so far */
    uint64_t latest; /* CLOCK_BOOTTIME of the last tick */
};

void summary_init(struct summary *summary, const struct summary_request *request);
void summary_free(struct summary *summary);

void summary_add(struct summary *summary, const struct exchange *exchange);

/* The same for an acknowledgement. false: the record is none. */
bool summary_add_ack(struct summary *summary, const struct record *record);

/* It is `nsecs` (CLOCK_BOOTTIME) now, and all before has come. Whether an interval has ended: it is to be shown, and then
 * summary_next be called. */
bool summary_tick(struct summary *summary, uint64_t nsecs);
void summary_next(struct summary *summary);

/* No more is to come: ends the interval. Whether there is anything to be shown. */
bool summary_end(struct summary *summary);

/* Goes on with another interval. `request` is the summary's own. */
void summary_set_interval(struct summary *summary, struct summary_request *request, uint64_t interval_ms);

/* Of the window, for stat of the last minute; and since the start. The caller frees them. */
struct tally summary_window(const struct summary *summary);
struct tally summary_total(const struct summary *summary);

/* What the servers have counted since the interval, the window and the run began: none of them is a level. */
struct counted_sums summary_counted_now(const struct summary *summary);
struct counted_sums summary_counted_window(const struct summary *summary);

/* When the servers' own counters are to be read next: CLOCK_BOOTTIME in nanoseconds, 0 for at once; UINT64_MAX: never. */
uint64_t summary_count_at(const struct summary *summary);

/* How long the window is so far, in nanoseconds. */
uint64_t summary_window_ns(const struct summary *summary);

/* "server", "probes" or "both"; NULL: no request has come. */
const char *summary_source(const struct summary *summary);

uint64_t summary_interval_ms(const struct summary_request *request);

/* How many rows are shown at most. */
size_t summary_lines(const struct summary_request *request);

/* The rows of the window. */
struct summary_rows {
    struct summary_row *items; /* those with the most of what is sorted by, first */
    size_t count;
    struct summary_row other; /* the rest, added up; it has no key */
    size_t keys;              /* that there are in all */
};

/* `most` items at most. The caller frees them. */
struct summary_rows summary_rows(const struct summary *summary, size_t most);
void summary_free_rows(struct summary_rows *rows);

/* Appends the key behind a blank, or "*other": no key can look like that, as none has one blank only before it. */
void summary_put_key(struct outbuf *out, const struct summary_row *row);

/* The times of a row: durations, or where nothing tells these, times to the first byte. */
const struct histogram *summary_times(const struct tally *tally);

#endif
