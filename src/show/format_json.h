#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "show/format.h"
#include "show/gap.h"

/* Records as JSON. */

/* Appends the object of an event, without LF: {"at": ..., "type": ..., then the fields in the catalogue's order}. */
void format_json(const struct format *format, struct outbuf *out, const struct record *record);

/* The same of a loss. */
void format_json_loss(const struct format *format, struct outbuf *out, const struct record *record);

/* The same of a gap. Its time is that of its end. */
void format_json_gap(const struct format *format, struct outbuf *out, const struct gap *gap);

/* Appends a CLOCK_BOOTTIME in nanoseconds as milliseconds since 1970. */
void format_json_time(const struct format *format, struct outbuf *out, uint64_t nsecs);

/* Appends what belongs beside a value that is called `name`: the exact bytes of a text that is not valid UTF-8, the full length
 * of one that was cut or redacted, the name of a number. Each is `, "name_suffix": ...`. */
void format_json_companions(const struct format *format, struct outbuf *out, const struct record *record, int field,
                            const char *name);

/* Appends ", " and a key. */
void format_json_member(struct outbuf *out, const char *name, const char *suffix);

#endif
