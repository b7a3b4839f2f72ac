#ifndef WIRE_PROGRAM_H
#define WIRE_PROGRAM_H

#include "plan/plan.h"

/* Appends the bpftrace program for `plan`, made from the templates. `nonce` is the word that begins every record. `command` is
 * h2olog's command line, escaped, which stands in the program. 0, or -1 with `diag` set. */
int wire_program_write(struct outbuf *out, const struct plan *plan, const char *nonce, const char *command,
                       const struct files *templates, struct mem *mem, struct diag *diag);

#endif
