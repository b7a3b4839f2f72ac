#ifndef FORMAT_LINE_H
#define FORMAT_LINE_H

#include "show/format.h"

/* Records as lines. */

/* Appends the line of an event, without LF: "ConnID ReqID Tag ..." as the catalogue says for it. Where the catalogue says
 * nothing: connection, stream or request, or "-" for what it has not, the tag, and "name=value" for the other fields. */
void format_line(const struct format *format, struct outbuf *out, const struct record *record);

/* Colours and cuts the line that begins at `from`, and ends with its LF, as the paint asks for. */
void format_paint(const struct format *format, struct outbuf *out, size_t from, const struct record *record);

#endif
