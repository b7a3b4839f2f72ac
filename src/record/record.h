#ifndef RECORD_H
#define RECORD_H

#include "plan/plan.h"

/* The values of a loss: how many events; CLOCK_BOOTTIME in nanoseconds, by when they had happened. */
enum { RECORD_LOST, RECORD_LOST_UNTIL, RECORD_LOSS_VALUES };

/* One event of the server. Where `event` is NULL it is a loss: of events later than all records before it. Slices are valid
 * until the next call of the function that gave it. */
struct record {
    const struct plan_event *event;
    uint64_t nsecs; /* CLOCK_BOOTTIME */
    uint64_t tid;
    pid_t pid; /* of the server; from the decoder 0 where the program sees one process only */
    struct types_value values[CATALOG_MAX_FIELDS]; /* by field of the catalogue; only those that the event shows are set */
};

/* The index of a field that the event shows; -1: it shows none of that name. */
int record_field(const struct record *record, const char *name);

#endif
