#include "base/wall.h"

#include "base/clock.h"

#include <string.h>

void
wall_begin(struct wall *wall, int64_t offset)
{
    *wall = (struct wall){.steps = {{0, offset}}, .count = 1};
}

void
wall_step(struct wall *wall, uint64_t nsecs, int64_t offset)
{
    if (wall->count == WALL_STEPS)
        memmove(wall->steps, wall->steps + 1, --wall->count * sizeof(wall->steps[0]));
    wall->steps[wall->count++] = (struct wall_step){nsecs, offset};
}

int64_t
wall_offset(const struct wall *wall, uint64_t nsecs)
{
    size_t i = wall->count - 1;
    while (i > 0 && nsecs < wall->steps[i].since)
        i--;
    return wall->steps[i].offset;
}

uint64_t
wall_time(const struct wall *wall, uint64_t nsecs)
{
    return nsecs + (uint64_t)wall_offset(wall, nsecs);
}

static bool
are_near(int64_t a, int64_t b)
{
    enum { TOLERANCE_NS = 1000 * 1000 };
    return a - b < TOLERANCE_NS && b - a < TOLERANCE_NS;
}

/* An offset is the difference of two clocks that are read one after the other. Who was interrupted between them sees a step
 * that is none, but not twice. */
bool
wall_watch(struct wall *wall, uint64_t nsecs)
{
    const int64_t last = wall->steps[wall->count - 1].offset, offset = clock_realtime_offset();
    if (are_near(offset, last) || !are_near(offset, clock_realtime_offset()))
        return false;
    wall_step(wall, nsecs, offset);
    return true;
}
