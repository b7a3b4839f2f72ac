#include "base/clock.h"

#include <time.h>

static int64_t
nsecs(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
clock_ms(void)
{
    return nsecs(CLOCK_MONOTONIC) / 1000000;
}

uint64_t
clock_boot_nsecs(void)
{
    return (uint64_t)nsecs(CLOCK_BOOTTIME);
}

int64_t
clock_realtime_offset(void)
{
    return nsecs(CLOCK_REALTIME) - nsecs(CLOCK_BOOTTIME);
}
