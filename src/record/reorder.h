#ifndef REORDER_H
#define REORDER_H

#include "record/record.h"

enum { REORDER_MAX_CPUS = 4096 };

/* Puts records into time order. With a buffer for each CPU a record may come after younger ones of other CPUs. The program
 * sends a heartbeat from every CPU through the same buffers, so a record is safe to pass on when every CPU has sent a heartbeat
 * that is younger. What comes in batches is safe
 * when the batch is there. */
struct reorder {
    int ncpus;                  /* whose heartbeats are waited for */
    int nseen;                  /* how many of them have sent one */
    int highest;                /* the highest number of those */
    uint64_t first_seen;        /* when the first heartbeat came */
    uint64_t newest;            /* the youngest heartbeat of all */
    uint64_t late_at;           /* when a frame came late the last time */
    bool is_batched;            /* records come in batches, too */
    uint64_t batch;             /* up to when they all have come */
    bool is_sorted;             /* what is held came in the order of time */
    uint64_t released;          /* up to when records were passed on */
    struct reorder_cpu *cpus;   /* by CPU */
    struct outbuf bytes;        /* the records that are held, with their texts */
    size_t passed;              /* so many of them are of records that were passed on */
    struct reorder_held *held;  /* index of `bytes` */
    struct reorder_held *spare; /* as large, to sort into */
    size_t nheld, cap, next;    /* [next, ready) may be passed on */
    size_t ready;
};

/* `ncpus`: how many CPUs send heartbeats. With `is_batched` batches are waited for, too. */
void reorder_init(struct reorder *reorder, int ncpus, bool is_batched, struct mem *mem);
void reorder_free(struct reorder *reorder);

/* Keeps a copy of the record, which came at `now`, and of its texts. Of one that came in a batch `now` is 0: it had to wait. */
void reorder_add(struct reorder *reorder, const struct record *record, uint64_t now);

/* A heartbeat that was sent at `nsecs` and came at `now`, both in nanoseconds: reorder_next then returns what has become safe.
 * Returns the time up to which everything has arrived. A CPU whose heartbeats do not come is not waited for when nothing else
 * comes late either, and in no case beyond five seconds. */
uint64_t reorder_tick(struct reorder *reorder, uint64_t cpu, uint64_t nsecs, uint64_t now);

/* The same when all that is kept in batches has come up to `nsecs`. */
uint64_t reorder_batch(struct reorder *reorder, uint64_t nsecs, uint64_t now);

/* No more will come: reorder_next then returns all. */
void reorder_flush(struct reorder *reorder);

/* The next record in time order; it is valid until the next call of any function here. false: none is safe yet. */
bool reorder_next(struct reorder *reorder, struct record *record);

#endif
