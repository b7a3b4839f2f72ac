#ifndef SUMMARY_STAT_H
#define SUMMARY_STAT_H

#include "show/summary.h"

/* How much there is room for: all rows; those of what has happened; of these without half of the percentiles. */
enum summary_room { SUMMARY_ALL, SUMMARY_SHORT, SUMMARY_SHORTEST };

/* Appends what stat shows, without the line with the time. */
void summary_stat_put(const struct summary *summary, enum summary_room room, struct outbuf *out);

/* Appends a time in milliseconds; "-" if there are none. */
void summary_put_ms(struct outbuf *out, const struct histogram *times, double share, int width);

#endif
