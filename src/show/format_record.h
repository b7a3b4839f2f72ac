#ifndef FORMAT_RECORD_H
#define FORMAT_RECORD_H

#include "show/format.h"
#include "show/gap.h"

/* Appends the record in the chosen form, as one line with its LF. Nothing for a loss where records are lines: a line is an
 * event. Returns how many values it shows in part only. */
int format_record(struct format *format, struct outbuf *out, const struct record *record);

/* Appends a gap as a line of JSON. */
void format_gap(struct format *format, struct outbuf *out, const struct gap *gap);

#endif
