#ifndef FORMAT_H
#define FORMAT_H

#include "record/record.h"
#include "show/paint.h"

struct format_options {
    bool extra; /* provider, pid, tid, seq and nsecs in every JSON object, the pid before every line */
    bool names; /* names beside numbers that have one */
};

/* How records are shown. */
struct format {
    const struct format_row *row;
    struct format_options options;
    int64_t realtime_offset; /* CLOCK_REALTIME - CLOCK_BOOTTIME, in nanoseconds */
    uint64_t seq;            /* of the next record, from 1 */
    struct paint paint;      /* of lines */
};

/* Makes the format that is called `name` ("line" or "json") and takes the clocks' offset. false: there is none of this name. */
bool format_init(struct format *format, const char *name, struct format_options options);

/* Appends one line with its LF; nothing for a loss where the form has no place for it. Returns how many values it shows in part
 * only. */
int format_record(struct format *format, struct outbuf *out, const struct record *record);

/* Whether it is JSON; there a loss of events is a record. */
bool format_is_json(const struct format *format);

/* The forms. line: "ConnID ReqID Tag ...", as the catalogue says for the event; without its word, connection, stream or request
 * or "-", tag, and "name=value" for the others. json: an object {"at": ..., "type": ..., then the fields in the catalogue's
 * order. */
typedef void format_function(struct format *format, struct outbuf *out, const struct record *record);
format_function format_line, format_json, format_json_loss;

/* Colours and cuts the line that begins at `from` as the paint asks for. */
void format_paint(const struct format *format, struct outbuf *out, size_t from, const struct record *record);

/* As JSON: milliseconds since 1970 of a CLOCK_BOOTTIME. */
void format_json_time(const struct format *format, struct outbuf *out, uint64_t nsecs);

/* What belongs beside a value of the name `name`: the exact bytes of one that is not valid UTF-8, the full length of one that
 * was cut, a name. Each is `, "name_suffix": ...`. */
void format_json_companions(const struct format *format, struct outbuf *out, const struct record *record, int field,
                            const char *name);

/* Appends ", " and a key. */
void format_json_member(struct outbuf *out, const char *name, const char *suffix);

/* How many values of a record are shown in part. */
int format_count_cut(const struct record *record);

/* Whether a field's value is there to be shown. */
bool format_is_there(const struct record *record, int field);

#endif
