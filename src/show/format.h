#ifndef FORMAT_H
#define FORMAT_H

#include "base/wall.h"
#include "record/record.h"
#include "show/paint.h"

/* The time before a line. */
enum format_time {
    FORMAT_NO_TIME,
    FORMAT_CLOCK,   /* 13:04:05.678, local */
    FORMAT_ISO,     /* 2026-11-24T13:04:05.678+01:00 (RFC 3339) */
    FORMAT_ELAPSED, /* seconds since the first line: 1.234567 */
    FORMAT_DELTA,   /* the same since the line before */
};

struct format_options {
    bool extra;       /* provider, pid, tid, seq and nsecs in every JSON object, the pid before every line */
    bool names;       /* names beside numbers that have one */
    bool has_servers; /* several may appear: their pids tell them apart, in lines and objects */
    enum format_time time;
};

/* How records are shown: in which of the two forms, and what both need for it. format_line.h and format_json.h have the forms,
 * format_record.h uses the one that was chosen. */
struct format {
    bool is_json;
    struct format_options options;
    struct wall wall;
    uint64_t seq;                   /* of the next record, from 1 */
    struct paint paint;             /* of lines */
    uint64_t first_line, last_line; /* CLOCK_BOOTTIME of those so far that have a time; 0: none has been */
    char sample[32];                /* of every object: `, "sample": 0.01`; "": all connections are shown */
};

/* Makes the format that is called `name` ("line" or "json") and looks at the clock. false: there is none of this name. */
bool format_init(struct format *format, const char *name, struct format_options options);

/* The time that is called `name`: none, clock, iso, elapsed or delta. false: there is none of this name. */
bool format_find_time(enum format_time *time, const char *name);

/* The name of a time, as recordings keep it. */
const char *format_time_name(enum format_time time);

/* Says in every object which share of the connections is shown, so that counts can be scaled; 0: nothing. */
void format_set_share(struct format *format, double share);

/* Whether it is JSON, where a loss of events is a record. */
bool format_is_json(const struct format *format);

/* How many values of a record are shown in part. A value of bytes has a limit of its own, says so itself, and does not count.
 */
int format_count_cut(const struct record *record);

/* Whether a field is to be shown: the plan has it, and the server has set it. */
static inline bool
format_is_there(const struct record *record, int field)
{
    return record->event->is_shown[field] &&
           !(record->event->probe->fields[field].is_optional && record->values[field].is_null);
}

#endif
