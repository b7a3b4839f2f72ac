#ifndef REPLAY_H
#define REPLAY_H

#include "run/session.h"

/* Which recording is shown, and how. */
struct replay {
    const char *path;
    bool is_forced;              /* --force, see open.h */
    const char *mode;            /* NULL: all that was recorded */
    const char *const *patterns; /* as -t; none: all */
    size_t npatterns;
    const struct filter_word *words; /* filters and the view */
    size_t nwords;
    struct redact redact;                 /* held back beside what the recorded run held back */
    uint64_t most;                        /* records; 0: all */
    const char *format;                   /* NULL: that of the recorded run */
    struct format_options format_options; /* in addition to those of that run */
    bool has_time;                        /* the time before lines is these options', not that of the run */
    struct paint paint;
    const char *prom; /* as in summary.h; a recording names none */
    struct sink *sink;
    const struct diag_log *log;
};

/* Shows a recording as the run did that made it, and notes on stderr what it came to. Needs neither root nor bpftrace. 0, or -1
 * with `diag` set; what came before the error is in the output. */
int replay_run(const struct replay *replay, struct diag *diag);

#endif
