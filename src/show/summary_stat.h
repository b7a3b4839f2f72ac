#ifndef SUMMARY_STAT_H
#define SUMMARY_STAT_H

#include "show/summary.h"

/* Appends what stat shows, without the line with the time. `is_short`: rows of what has not happened are left out. */
void summary_stat_put(const struct summary *summary, bool is_short, struct outbuf *out);

/* Appends a time in milliseconds; "-" if there are none. */
void summary_put_ms(struct outbuf *out, const struct histogram *times, double share, int width);

#endif
