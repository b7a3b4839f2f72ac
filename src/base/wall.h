#ifndef WALL_H
#define WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The wall clock while events are looked at: somebody may set it meanwhile. All times are in nanoseconds. An offset is
 * CLOCK_REALTIME - CLOCK_BOOTTIME. */

enum { WALL_STEPS = 64 };

struct wall {
    struct wall_step {
        uint64_t since; /* CLOCK_BOOTTIME */
        int64_t offset;
    } steps[WALL_STEPS]; /* in the order of time; the first offset holds for all that was before, too */
    size_t count;
};

/* Begins with this offset. */
void wall_begin(struct wall *wall, int64_t offset);

/* The clock was set at `nsecs` (CLOCK_BOOTTIME). When it is set too often the oldest steps are forgotten. */
void wall_step(struct wall *wall, uint64_t nsecs, int64_t offset);

/* The offset at `nsecs` (CLOCK_BOOTTIME). */
int64_t wall_offset(const struct wall *wall, uint64_t nsecs);

/* Since 1970, for `nsecs` of CLOCK_BOOTTIME. */
uint64_t wall_time(const struct wall *wall, uint64_t nsecs);

/* Looks at the machine's clock, `nsecs` (CLOCK_BOOTTIME) being now. Whether it was set by a millisecond or more: then the step
 * was added. */
bool wall_watch(struct wall *wall, uint64_t nsecs);

#endif
