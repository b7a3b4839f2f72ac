#ifndef GAP_H
#define GAP_H

#include <stdint.h>
#include <sys/types.h>

/* What was not seen of a server: from when it, or the run, began until its probes were attached. */
struct gap {
    pid_t pid;
    uint64_t from, to; /* CLOCK_BOOTTIME in nanoseconds */
};

#endif
