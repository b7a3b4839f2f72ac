#ifndef SUMMARY_JSON_H
#define SUMMARY_JSON_H

#include "show/format.h"
#include "show/summary.h"

/* Appends what the summary shows of the interval that has ended, as an object (doc/h2olog.1 describes it) and a LF. */
void summary_json_put(const struct summary *summary, const struct format *format, struct outbuf *out);

#endif
