#ifndef REPORT_H
#define REPORT_H

#include "show/access_log.h"
#include "show/line_filter.h"

/* How requests are shown. */
struct report {
    struct format *format;
    struct line_filter *line_filter; /* of their lines */
    const struct access_log *log;    /* NULL: lines, or an object a request, as the format says */
};

/* Appends an exchange: its lines and an empty one, or an object (README describes it), or a line of the access log. Appends
 * nothing where none of its lines is shown. Returns how many values it shows in part only. */
int report_put(const struct report *report, struct outbuf *out, const struct exchange *exchange);

/* How many values of it are known in part only. */
int report_count_cut(const struct exchange *exchange);

#endif
