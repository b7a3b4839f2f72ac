#ifndef ORDER_H
#define ORDER_H

#include "decode.h"

enum { ORDER_MAX_CPUS = 4096 };

/* Puts records into time order. With a buffer for each CPU a record may come after younger ones of other CPUs. The program sends a
 * heartbeat from every CPU through the same buffers, so a record is safe to pass on when every CPU has sent a heartbeat that is
 * younger. */
struct order {
    int ncpus;        /* whose heartbeats are waited for */
    int nseen;        /* how many of them have sent one */
    uint64_t *ticks;  /* by CPU: the last heartbeat; 0: none yet */
    struct outbuf bytes;         /* the records that are held, with their texts */
    struct order_held *held;     /* index of `bytes` */
    size_t nheld, cap, next;     /* [next, ready) may be passed on */
    size_t ready;
};

/* `ncpus`: how many CPUs send heartbeats. */
void order_init(struct order *order, int ncpus, struct mem *mem);
void order_free(struct order *order);

/* Keeps a copy of the record and its texts. */
void order_add(struct order *order, const struct record *record);

/* A heartbeat: order_next then returns what has become safe. Returns the time up to which everything has arrived. */
uint64_t order_tick(struct order *order, uint64_t cpu, uint64_t nsecs);

/* No more will come: order_next then returns all. */
void order_flush(struct order *order);

/* The next record in time order; it is valid until the next call of any function here. false: none is safe yet. */
bool order_next(struct order *order, struct record *record);

#endif
