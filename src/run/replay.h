#ifndef REPLAY_H
#define REPLAY_H

#include "run/session.h"

/* What is shown of a recording. */
struct replay {
    const char *path;
    const char *mode;            /* NULL: all that was recorded */
    const char *const *patterns; /* as -t; none: all */
    size_t npatterns;
    const struct filter_word *words; /* filters and the view */
    size_t nwords;
    uint64_t most;                        /* records; 0: all */
    const char *format;                   /* NULL: that of the recorded run */
    struct format_options format_options; /* more than those of that run */
    struct paint paint;
    struct sink *sink;
    const struct diag_log *log;
};

/* Decodes and formats a recording as it was when it was made, and prints a summary. Needs neither root nor bpftrace. 0, or -1
 * with `diag` set: what came before is in the output. */
int replay_run(const struct replay *replay, struct diag *diag);

#endif
