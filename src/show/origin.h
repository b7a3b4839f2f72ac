#ifndef ORIGIN_H
#define ORIGIN_H

#include "record/record.h"

/* Where a response comes from whose request is not held. */
enum origin {
    ORIGIN_PUSHED,   /* there was no request: HTTP/2 server push */
    ORIGIN_GIVEN_UP, /* its request was given up, and shown */
    ORIGIN_LOST,     /* records were lost: those of its request may be among them */
    ORIGIN_UNPARSED, /* its request could not be parsed, so no probe told of it */
    ORIGIN_BEFORE,   /* its request came before tracing began */
};

/* h2o never uses a connection's number twice, and later connections have higher ones. So do later requests of a connection,
 * but for pushed streams, whose numbers are even. This remembers of a server up to which connection a response may be from
 * before, and of the connections of late what their first request was. Memory does not grow with connections. */
struct origins {
    struct origin_server *servers;         /* a list */
    struct origin_connection *connections; /* by their hash; the younger one stays */
};

void origins_init(struct origins *origins);
void origins_free(struct origins *origins);

/* Takes every record that has a connection and a request. */
void origins_note(struct origins *origins, const struct record *record);

/* A request of this connection was given up. */
void origins_give_up(struct origins *origins, pid_t pid, uint64_t conn_id);

/* Takes a loss of record.h. */
void origins_lose(struct origins *origins, const struct record *loss);

/* Nothing more comes from the server. */
void origins_end(struct origins *origins, pid_t pid);

/* Whether records of this time may have been lost. */
bool origins_are_lossy(const struct origins *origins, pid_t pid, uint64_t nsecs);

/* Where the response comes from that the record `status` begins. `*version`: of its connection, or 0, when that is not known.
 */
enum origin origins_find(const struct origins *origins, const struct record *status, uint64_t *version);

#endif
