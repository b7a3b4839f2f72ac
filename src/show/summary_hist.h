#ifndef SUMMARY_HIST_H
#define SUMMARY_HIST_H

#include "show/summary.h"

/* Appends the picture of a histogram, as lines: one a third of a decade, and for each key of --by one. */
void summary_hist_put(const struct summary *summary, struct outbuf *out);

#endif
