#ifndef VIEW_H
#define VIEW_H

#include "show/access_log.h"
#include "show/query.h"
#include "show/line_filter.h"

/* What is made of the records that the program lets through: --group, --query, --log-format, -I, -X, and filters which are
 * about what is shown of whole requests. */
struct view {
    bool is_grouped;       /* by request */
    uint64_t max_requests; /* that are held, then */
    struct query query;    /* no root: none */
    struct access_log log; /* no pieces: none */
    struct line_filter line_filter;
    struct filter statuses; /* --status, of whole requests */
};

/* Makes the view that the words ask for, which must last as long, and adds to `filter` what the program can do of it. 0, or -1
 * with `diag` set; view_free frees what is not the arena's, in any case. */
int view_make(struct view *view, const struct filter_word *words, size_t nwords, bool is_json, struct filter *filter,
              struct mem *mem, struct diag *diag);
void view_free(struct view *view);

/* Whether the option asks for what a program cannot do by itself. */
bool view_is_needed(const char *option);

/* Whether the exchange is wanted. */
bool view_wants(const struct view *view, const struct exchange *exchange);

/* Texts that were too much work for the regular expressions. */
uint64_t view_given_up(const struct view *view);

#endif
