#ifndef GROUP_H
#define GROUP_H

#include "show/exchange.h"

/* Puts the records of each request together. A request and its response are complete when its response's header fields are
 * out, which h2o does in one go: when the thread that sent them fires something else, or when 0.1 s have passed. They are
 * handed out unanswered when their connection is closed, when the server ends, or when too many are held: then the oldest is
 * given up. Records of a request that is not held, as when tracing began in between, begin one. */
struct group {
    struct group_member *members, *free, *held, *responding, *done, *out;
    size_t count; /* that are held */
    size_t max;   /* that may be */
    size_t bytes; /* of their records */
    uint64_t given_up;
};

/* `max`: requests that are held at most. All memory that it needs for that is taken here, but for the records' own. */
void group_init(struct group *group, size_t max);
void group_free(struct group *group);

/* Takes a record of any event; one without a role only tells that its thread has gone on. Afterwards group_next must be called
 * until it has none. */
void group_add(struct group *group, const struct record *record);

/* Everything of the server `pid` up to `nsecs` has come. */
void group_tick(struct group *group, pid_t pid, uint64_t nsecs);

/* Nothing more comes from the server `pid`. */
void group_end(struct group *group, pid_t pid);

/* The next one to be shown, until the next call; NULL: there is none. */
const struct exchange *group_next(struct group *group);

#endif
