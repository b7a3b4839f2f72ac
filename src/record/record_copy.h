#ifndef RECORD_COPY_H
#define RECORD_COPY_H

#include "record/record.h"

/* Copies of records, which outlive the decoder's next call. A record and its texts are one piece of memory. */

/* Appends a copy, whose size is a multiple of 16. */
void record_copy_put(struct outbuf *out, const struct record *record);

/* Reads the copy at `start`, where record_copy_put began to write it; its texts point into it. Returns its size. */
size_t record_copy_get(const char *start, struct record *record);

#endif
