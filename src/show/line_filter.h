#ifndef LINE_FILTER_H
#define LINE_FILTER_H

#include "show/format.h"
#include "base/regex.h"

/* Which lines are shown of what the program let through. A rule looks at a line's tag and, if it has a regular expression, at
 * what stands behind the tag. If there are rules that include, one of them must fit; none that excludes may. */
struct line_filter {
    struct line_filter_rule {
        bool excludes;
        const char *tag;     /* a glob, in any case; NULL: any */
        struct regex *regex; /* NULL: none */
    } * rules;
    size_t nrules;
    bool includes;        /* there is a rule that does */
    struct filter filter; /* must fit, too */
    struct outbuf line;   /* of the record that is being looked at */
};

/* Adds what the option --include, --exclude ("TAG,TAG"), --include-regex or --exclude-regex ("[TAG:]REGEX") asks for. 0, or -1
 * with `diag` set. Memory is the arena's and what line_filter_free frees, after an error too. */
int line_filter_add(struct line_filter *line_filter, const char *option, const char *value, struct mem *mem, struct diag *diag);
void line_filter_free(struct line_filter *line_filter);

/* The tag before the colon of "[TAG:]REGEX", which the arena owns; NULL: there is none. */
const char *line_filter_tag(const char *value, struct mem *mem);

bool line_filter_fits(struct line_filter *line_filter, const struct record *record);

/* Texts that were too much work for a regular expression. */
uint64_t line_filter_given_up(const struct line_filter *line_filter);

#endif
