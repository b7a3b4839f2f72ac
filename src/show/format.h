#ifndef FORMAT_H
#define FORMAT_H

#include "base/wall.h"
#include "record/record.h"
#include "show/paint.h"

struct format_options {
    bool extra; /* provider, pid, tid, seq and nsecs in every JSON object, the pid before every line */
    bool names; /* names beside numbers that have one */
};

/* How records are shown: in which of the two forms, and what both need for it. format_line.h and format_json.h have the forms,
 * format_record.h uses the one that was chosen. */
struct format {
    bool is_json;
    struct format_options options;
    struct wall wall;
    uint64_t seq;       /* of the next record, from 1 */
    struct paint paint; /* of lines */
    char sample[32];    /* of every object: `, "sample": 0.01`; "": all connections are shown */
};

/* Makes the format that is called `name` ("line" or "json") and looks at the clock. false: there is none of this name. */
bool format_init(struct format *format, const char *name, struct format_options options);

/* Says in every object which share of the connections is shown, so that counts can be scaled; 0: nothing. */
void format_set_share(struct format *format, double share);

/* Whether it is JSON, where a loss of events is a record. */
bool format_is_json(const struct format *format);

/* How many values of a record are shown in part. A value of bytes has a limit of its own, says so itself, and does not count.
 */
int format_count_cut(const struct record *record);

/* Whether a field is to be shown: the plan has it, and the server has set it. */
bool format_is_there(const struct record *record, int field);

#endif
