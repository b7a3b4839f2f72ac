#define _GNU_SOURCE 1
#include "clock.h"

#include <errno.h>
#include <time.h>

int64_t
clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void
clock_sleep_until(int64_t time)
{
    const struct timespec until = {time / NS_PER_S, time % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}
