#ifndef SUMMARY_PARSE_H
#define SUMMARY_PARSE_H

#include "show/summary.h"

/* What an option of stat, top and hist asks for: `option` is its long name, or that of the command, and `value` what it was
 * given. 0, or -1 with `diag` set. Memory is the arena's. */
int summary_parse(struct summary_request *request, const char *option, const char *value, struct mem *mem, struct diag *diag);

/* Whether the option means something for what is shown. */
bool summary_takes(const struct summary_request *request, const char *option);

/* What it needs that only the server's structures have, as "duration"; NULL: nothing. */
const char *summary_needs_whole(const struct summary_request *request);

/* "stat", "top", "hist", or "hist rtt and cwnd". */
const char *summary_name(const struct summary_request *request);

/* Which numbers of a request are not needed, as bits by field of WHOLE_END. */
uint32_t summary_left_out(const struct summary_request *request);

#endif
