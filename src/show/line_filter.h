#ifndef LINE_FILTER_H
#define LINE_FILTER_H

#include "show/format.h"
#include "base/regex.h"

/* Which lines are shown. A rule looks at a line's tag and, if it has a regular expression, at what stands behind the tag. If
 * there are rules that include, one of them must fit. No rule that excludes may fit. */
struct line_filter {
    struct line_filter_rule {
        bool excludes;
        const char *tag;     /* a glob, in any case; NULL: any */
        struct regex *regex; /* NULL: none */
    } * rules;
    size_t nrules;
    bool includes;        /* there is a rule that includes */
    struct filter filter; /* must fit, too */
    struct outbuf line;   /* the line of the record in hand; empty: it was not needed yet */
};

/* Adds a rule of the option --include or --exclude ("TAG,TAG"), or --include-regex or --exclude-regex ("[TAG:]REGEX"). Memory
 * is the arena's, and what line_filter_free frees, after an error too. 0, or -1 with `diag` set. */
int line_filter_add(struct line_filter *line_filter, const char *option, const char *value, struct mem *mem, struct diag *diag);
void line_filter_free(struct line_filter *line_filter);

/* The tag before the colon of "[TAG:]REGEX", which the arena owns; NULL: there is none. */
const char *line_filter_tag(const char *value, struct mem *mem);

bool line_filter_fits_all(struct line_filter *line_filter, const struct record *record);

/* Every record is asked about, and most runs have no rule. */
static inline bool
line_filter_fits(struct line_filter *line_filter, const struct record *record)
{
    return (line_filter->nrules == 0 && line_filter->filter.count == 0) || line_filter_fits_all(line_filter, record);
}

/* How many texts were too much work for a regular expression. */
uint64_t line_filter_given_up(const struct line_filter *line_filter);

#endif
