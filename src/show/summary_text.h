#ifndef SUMMARY_TEXT_H
#define SUMMARY_TEXT_H

#include "show/format.h"
#include "show/summary.h"

/* Appends what the summary shows of the interval that has ended, as lines. */
void summary_text_put(const struct summary *summary, const struct format *format, struct outbuf *out);

#endif
