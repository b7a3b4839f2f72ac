#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define NS_PER_S 1000000000
#define NS_PER_MS 1000000

/* Monotonic nanoseconds. */
int64_t
clock_now(void);

void
clock_sleep_until(int64_t time);

#endif
