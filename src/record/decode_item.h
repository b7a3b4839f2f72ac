#ifndef DECODE_ITEM_H
#define DECODE_ITEM_H

#include "record/record.h"

/* What the decoder makes of the input: one item after the other. */

enum decode_kind {
    DECODE_RECORD,
    DECODE_TICK,   /* CPU `number` sent a heartbeat at `nsecs` */
    DECODE_BATCH,  /* everything that was put into maps up to `nsecs` has come */
    DECODE_DOUBT,  /* what the server called a function with is no request, or not where it was looked for */
    DECODE_LOST,   /* `number` events were lost, by bpftrace or from the maps */
    DECODE_NOTICE, /* bpftrace says `text`, a line without its end */
};

/* Slices are valid until the decoder is called again. */
struct decode_item {
    enum decode_kind kind;
    struct record record;
    bool is_batched; /* the record was kept in a map */
    uint64_t nsecs;  /* CLOCK_BOOTTIME */
    uint64_t number;
    struct slice text;
};

/* Something that did not decode. */
struct decode_fault {
    uint64_t number;                /* of the record, from 1 */
    const struct plan_event *event; /* NULL: of no event of the plan */
};

#endif
