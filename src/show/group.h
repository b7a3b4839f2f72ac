#ifndef GROUP_H
#define GROUP_H

#include "show/exchange.h"
#include "show/origin.h"

/* Puts the records of each request together. A request is complete when the header fields of its response are out. h2o sends
 * them all at once: they are out when their thread fires another probe, or after 0.5 s. A request without a response is handed
 * out when its connection is closed or the server ends, or when too many are held: then the oldest is given up.
 *
 * A key is a server, a connection and a request of it, and h2o uses each once. So nothing is handed out twice: what comes of a
 * request that was given up, or of one that began before tracing did, is dropped and counted. A response by itself is held
 * where h2o tells of no request (origin.h); it takes no other request's place. */
struct group {
    struct group_member *members;                         /* all of them, in one array */
    struct group_member *free, *held, *responding, *done; /* lists and the hash table, see group.c */
    struct group_member *upgrading;                       /* a list: their connection has become another one, of HTTP/2 */
    struct group_member *out;                             /* handed out with the last group_next */
    struct group_overdue *overdue;                        /* what was handed out because of the time */
    struct origins origins;
    size_t count;         /* requests that are held */
    size_t max;           /* how many may be */
    uint64_t pending_ns;  /* --pending; 0: none */
    size_t bare;          /* responses by themselves that are held, beside those */
    size_t bytes;         /* of the records of all */
    uint64_t given_up;    /* requests, so far */
    uint64_t before;      /* responses of requests from before, so far */
    uint64_t late;        /* responses of requests that were given up, so far */
    uint64_t late_fields; /* header fields of responses that were handed out already, so far */
};

/* `max`: requests that are held at most; `pending_ns`: how long a request waits before group_next_pending has it, or 0. Takes
 * all memory here but that of the records. */
void group_init(struct group *group, size_t max, uint64_t pending_ns);
void group_free(struct group *group);

/* Takes a record of any event, or a loss. One without a role tells only that its thread has gone on. After this, and after the
 * next two, group_next must be called until it has none. */
void group_add(struct group *group, const struct record *record);

/* Everything of the server `pid` up to `nsecs` has come. */
void group_tick(struct group *group, pid_t pid, uint64_t nsecs);

/* Nothing more comes from the server `pid`. */
void group_end(struct group *group, pid_t pid);

/* The next request that is complete, valid until the next call; NULL: there is none. */
const struct exchange *group_next(struct group *group);

/* The next request of the server `pid` that has waited for its response for so long at `nsecs`, once each: it is held on. Valid
 * until the next call of any. NULL: there is none. */
const struct exchange *group_next_pending(struct group *group, pid_t pid, uint64_t nsecs);

#endif
