#ifndef LIST_H
#define LIST_H

#include "host/target.h"
#include "plan/select.h"

struct list {
    const struct catalog *catalog;
    const struct target *target; /* NULL: none */
    struct select *select;       /* which probes are listed; its `was_used` is set */
    bool is_json;
};

/* Appends a line for every description of a probe in the catalogue: "provider:name", its fields and their types. With a target
 * there is one line a probe, the description that fits, beginning with "+" where the target has it as described and "-" where
 * it has not, and the probes that only the target knows follow with "?". In JSON a line is an object with "provider", "probe",
 * "event", "tag", "mode", "fields" and, with a target, "is_there"; of what only the target knows with "arguments" instead of
 * what the catalogue would say. */
void list_write(struct outbuf *out, const struct list *list);

#endif
