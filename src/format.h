#ifndef FORMAT_H
#define FORMAT_H

#include "decode.h"

/* Appends the record as a line of the documented format: "ConnID ReqID Tag ...". */
void format_line(struct outbuf *out, const struct record *record);

#endif
