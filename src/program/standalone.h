#ifndef STANDALONE_H
#define STANDALONE_H

#include "plan/plan.h"

/* What a program that needs no h2olog prints. */
struct standalone_options {
    const char *command; /* h2olog's command line, escaped: the program says where it comes from */
    bool is_json;
    bool extra;              /* the pid before every line; provider, pid, tid and nsecs in every object */
    bool names;              /* names beside numbers that have one */
    int64_t realtime_offset; /* CLOCK_REALTIME - CLOCK_BOOTTIME of the machine that it is for, in nanoseconds */
};

/* Appends a bpftrace program for people to read and change, which prints by itself what h2olog prints for the plan, but for
 * limits that it names. 0, or -1 with `diag` set. */
int standalone_write(struct outbuf *out, const struct plan *plan, const struct standalone_options *options,
                     const struct files *templates, struct mem *mem, struct diag *diag);

#endif
