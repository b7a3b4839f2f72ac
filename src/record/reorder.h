#ifndef REORDER_H
#define REORDER_H

#include "base/mem.h"
#include "record/record.h"

enum { REORDER_MAX_CPUS = 4096 };

/* Puts records into the order of time. Where every CPU has a buffer of its own a record may come after younger ones of other
 * CPUs. The program sends a heartbeat from every CPU through the same buffers, so a record can be passed on when every CPU has
 * sent a heartbeat that is younger. Records that come in batches can be when their batch is there.
 *
 * All times are in nanoseconds, of CLOCK_BOOTTIME. `now` is when the bytes were read. */
struct reorder;

/* `ncpus`: how many CPUs send heartbeats. `is_batched`: records come in batches, too. The arena's, but for what reorder_free
 * frees. */
struct reorder *reorder_new(int ncpus, bool is_batched, struct mem *mem);
void reorder_free(struct reorder *reorder);

/* Keeps a copy of the record and of its texts. Of a record that came in a batch `now` is 0, as it had to wait. */
void reorder_add(struct reorder *reorder, const struct record *record, uint64_t now);

/* A heartbeat that was sent at `nsecs`: reorder_next then returns what can be passed on. Returns the time up to which
 * everything has arrived. A CPU whose heartbeats do not come is not waited for when nothing else comes late either, and in no
 * case beyond five seconds. */
uint64_t reorder_tick(struct reorder *reorder, uint64_t cpu, uint64_t nsecs, uint64_t now);

/* The same when all that was kept in batches has come up to `nsecs`. */
uint64_t reorder_batch(struct reorder *reorder, uint64_t nsecs, uint64_t now);

/* No more will come: reorder_next then returns all. */
void reorder_flush(struct reorder *reorder);

/* The next record in the order of time; it is valid until the next call of any function here. false: none can be passed on yet.
 */
bool reorder_next(struct reorder *reorder, struct record *record);

/* Up to when everything has arrived, so that all that is missing is younger. 0: nothing was passed on yet. */
uint64_t reorder_released(const struct reorder *reorder);

/* How many bytes the records that are held take. */
size_t reorder_size(const struct reorder *reorder);

#endif
