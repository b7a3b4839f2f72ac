#ifndef TRACE_H
#define TRACE_H

#include "command/setup.h"

/* The commands that show records: of servers that run, or of a recording. Both return 0, or -1 with `diag` set. */

/* Traces until the run ends; needs root. */
int trace_servers(struct setup *setup, const struct setup_files *files, const struct diag_log *log, struct mem *mem,
                  struct diag *diag);

/* --replay. */
int trace_recording(const struct setup *setup, const struct diag_log *log, struct diag *diag);

#endif
