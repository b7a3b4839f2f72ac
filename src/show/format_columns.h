#ifndef FORMAT_COLUMNS_H
#define FORMAT_COLUMNS_H

#include "show/format.h"

/* The columns before a line that the catalogue does not know: the time, and the server. */

/* Appends those that the format has, each with a blank behind it, for something that happened at `nsecs` (CLOCK_BOOTTIME) in
 * the server `pid`. */
void format_put_columns(struct format *format, struct outbuf *out, uint64_t nsecs, pid_t pid);

/* The same for the time alone. */
void format_put_time(struct format *format, struct outbuf *out, uint64_t nsecs);

/* How many there are. */
int format_count_columns(const struct format *format);

/* Appends a time of the local clock, to milliseconds, for messages. */
void format_put_clock(const struct format *format, struct outbuf *out, uint64_t nsecs);

#endif
