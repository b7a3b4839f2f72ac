#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: for deadlines. */
int64_t clock_ms(void);

/* Nanoseconds of CLOCK_BOOTTIME: bpftrace's `nsecs`. */
uint64_t clock_boot_nsecs(void);

/* CLOCK_REALTIME - CLOCK_BOOTTIME, in nanoseconds. */
int64_t clock_realtime_offset(void);

#endif
