#ifndef OPTION_RULES_H
#define OPTION_RULES_H

#include "command/option_rows.h"

/* Whether the options that were given, by row, go together: each is used by the command, none contradicts another, and what it
 * needs is there. 0, or -1 with `diag` set. */
int option_rules_check(const bool given[OPTION_ROWS], const struct options *options, struct diag *diag);

#endif
