#ifndef REQUEST_H
#define REQUEST_H

#include "plan/plan.h"

/* What a plan was asked for, as lines, so that recordings and programs can be understood by the same plan later:
 *
 *   mode quic
 *   type PATTERN          one line for each
 *   redact PATTERN        one line for each
 *   transport batch       unless it is a stream
 *   filter conn 1,2       one line for each: the option's name, and what it was given
 *
 * Whether application data was asked for stands beside them. */

/* Appends the lines, each behind `mark`. `put` writes what came from a command line: text_put, or text_escape where more than a
 * line must not come of it. */
void request_put(struct outbuf *out, const struct plan_request *request, const char *mark,
                 void (*put)(struct outbuf *, struct slice));

/* Takes the line "KEY VALUE". 1: it has; 0: it is none of these; -1 with `diag` set. Memory is the arena's. */
int request_take(struct plan_request *request, struct slice key, struct slice value, struct mem *mem, struct diag *diag);

#endif
