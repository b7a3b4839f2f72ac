#ifndef NUMBERS_H
#define NUMBERS_H

#include "plan/plan.h"

/* A program that counts requests in maps and prints them now and then, by itself. */

enum numbers_kind { NUMBERS_STAT, NUMBERS_TOP, NUMBERS_HIST };

enum { NUMBERS_MOST_COLUMNS = 8 };

struct numbers {
    enum numbers_kind kind;
    const char *const *columns; /* of the key, as summary_parse.h has them */
    size_t ncolumns;
    const char *value; /* of NUMBERS_HIST, as "duration" */
    unsigned interval_ms, lines;
    const char *command; /* h2olog's command line, escaped */
    const char *halves;  /* which part of a query is decided where; NULL: there is no query */
};

/* Appends the program, for a plan of whole requests in a server's structures. A column or a value that it cannot count by is an
 * error. 0, or -1 with `diag` set. */
int numbers_write(struct outbuf *out, const struct plan *plan, const struct numbers *numbers, const struct files *templates,
                  struct mem *mem, struct diag *diag);

#endif
