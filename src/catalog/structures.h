#ifndef STRUCTURES_H
#define STRUCTURES_H

#include "base/files.h"
#include "catalog/counters.h"
#include "host/members.h"
#include "host/usdt.h"

/* Where the server has a whole request: in the structure that a function of it is called with when the request ends. The
 * values that are read there, and how C would name them, stand in files *.structures, which probes/README.md describes. */

enum structures_protocol { STRUCTURES_HTTP1, STRUCTURES_HTTP2, STRUCTURES_HTTP3, STRUCTURES_PROTOCOLS };

/* The values. The last ones are there once for each protocol: STRUCTURES_SENDER is that of HTTP/1, and structures_of has the
 * others. The sender is the structure that the code which sends the response works on. `self` and `back` are the same address
 * where the request is of that protocol. Of method, path, scheme and authority it is a structure of a pointer and a length; of
 * times a struct timeval; of an address a sockaddr. */
enum structures_value {
    STRUCTURES_CONN,
    STRUCTURES_CONN_ID,
    STRUCTURES_HTTP_VERSION,
    STRUCTURES_STATUS,
    STRUCTURES_PATHCONF,
    STRUCTURES_BYTES,
    STRUCTURES_HEADER_BYTES,
    STRUCTURES_REQUEST_BYTES,
    STRUCTURES_METHOD,
    STRUCTURES_PATH,
    STRUCTURES_SCHEME,
    STRUCTURES_AUTHORITY,
    STRUCTURES_CONNECTED_AT,
    STRUCTURES_BEGIN_AT,
    STRUCTURES_BODY_BEGIN_AT,
    STRUCTURES_PROCESSED_AT,
    STRUCTURES_RESPONSE_START_AT,
    STRUCTURES_RESPONSE_END_AT,
    STRUCTURES_REQUEST_HEADERS,
    STRUCTURES_NREQUEST_HEADERS,
    STRUCTURES_RESPONSE_HEADERS,
    STRUCTURES_NRESPONSE_HEADERS,
    STRUCTURES_HEADER_SIZE,
    STRUCTURES_HEADER_NAME,
    STRUCTURES_HEADER_NAME_LEN,
    STRUCTURES_HEADER_VALUE,
    STRUCTURES_HEADER_VALUE_LEN,
    STRUCTURES_QUIC_ADDRESS, /* these two from a quicly connection on */
    STRUCTURES_QUIC_SNI,
    STRUCTURES_THREADS,  /* from here on from where the program begins (members.h): how many threads there are, */
    STRUCTURES_CONTEXTS, /* a pointer to that many contexts, */
    STRUCTURES_CONTEXT_SIZE,
    STRUCTURES_CONTEXT_OWNER, /* what each has a pointer to, */
    STRUCTURES_OWNER,         /* where that is, */
    STRUCTURES_COUNTERS,      /* and what h2o counts: counters.h */
    STRUCTURES_SENDER = STRUCTURES_COUNTERS + COUNTERS,
    STRUCTURES_SELF,
    STRUCTURES_BACK,
    STRUCTURES_REQ_ID,
    STRUCTURES_ADDRESS,
    STRUCTURES_SNI,
    STRUCTURES_RTT, /* milliseconds; 0: there is none */
    STRUCTURES_OF_PROTOCOL = STRUCTURES_RTT - STRUCTURES_SENDER + 1,
    STRUCTURES_VALUES = STRUCTURES_SENDER + STRUCTURES_OF_PROTOCOL * STRUCTURES_PROTOCOLS,
};

/* The index of a value of a protocol. */
static inline int
structures_of(enum structures_value value, enum structures_protocol protocol)
{
    return (int)value + (int)protocol * STRUCTURES_OF_PROTOCOL;
}

/* Where the values stand in some h2o, for binaries without debugging information. */
struct structures_layout {
    const char *name; /* when that h2o was: "2026-06" */
    struct members_place places[STRUCTURES_VALUES];
};

struct structures {
    const char *function; /* its first argument is the request; NULL: no file says anything */
    struct members_wanted wanted[STRUCTURES_VALUES];
    struct structures_layout *layouts; /* in the order of the files */
    size_t nlayouts;
};

/* How many sites of the server's probe send_response confirm the places, of those that say anything: the operands of status and
 * conn_id say where these stand, behind what the code there works on and behind the connection. Compilers choose that, so one
 * site that agrees is enough to believe a binary what it says of itself. */
int structures_confirmations(const struct members_place *places, const struct usdt_probes *probes, int *known);

/* The name of a value, as in the files: "status", "http1.req_id". The arena's. */
const char *structures_name(int value, struct mem *mem);

/* Parses the files. The first thing that is not understood, and a value that is missing, is an error with its position. 0, or
 * -1 with `diag` set. Memory is the arena's. */
int structures_parse(struct structures *structures, const struct files *files, struct mem *mem, struct diag *diag);

#endif
