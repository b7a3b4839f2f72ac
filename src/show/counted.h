#ifndef COUNTED_H
#define COUNTED_H

#include "catalog/counters.h"

#include <sys/types.h>

/* What all servers of a run have counted by themselves since h2olog first looked. Begin with {0}. */
struct counted {
    struct counted_server *servers; /* that are there */
    size_t nservers;
    bool were_known[COUNTERS]; /* by all servers, while there were any */
    struct counted_sums {
        uint64_t numbers[COUNTERS]; /* of those that are no levels */
    } sums;
};

void counted_free(struct counted *counted);

/* What the server said at `nsecs`, CLOCK_BOOTTIME. */
void counted_add(struct counted *counted, pid_t pid, const struct counters *counters, uint64_t nsecs);

/* Whether all servers have said it since. */
bool counted_is_current(const struct counted *counted, uint64_t since);

/* It has ended, and with it what it had open. */
void counted_end(struct counted *counted, pid_t pid);

/* How many there are now, of a level. */
uint64_t counted_level(const struct counted *counted, enum counter counter);

/* Whether all servers say it: a sum of some of them would look like that of all. */
bool counted_is_known(const struct counted *counted, enum counter counter);

/* Whether anything is known. */
bool counted_is_there(const struct counted *counted);

#endif
