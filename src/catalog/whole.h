#ifndef WHOLE_H
#define WHOLE_H

#include "catalog/catalog.h"

/* The events that whole requests are sent as when they are read in the server's structures (structures.h). No probe is behind
 * them, and nobody sees them: show/unfold.h makes of them what the probes of a request would have said. Those of a request come
 * in this order, from one thread, with nothing else of it between them; header fields of the request come before the end, and
 * those of the response behind it. */

enum whole_event {
    WHOLE_LINE,   /* method and path */
    WHOLE_TARGET, /* scheme and authority */
    WHOLE_END,    /* numbers */
    WHOLE_SNI,
    WHOLE_CUT, /* not all header fields were sent */
    WHOLE_EVENTS
};

/* Fields of all of them. */
enum { WHOLE_CONN_ID, WHOLE_REQ_ID };

enum { WHOLE_LINE_HTTP_VERSION = WHOLE_REQ_ID + 1, WHOLE_METHOD, WHOLE_PATH };
enum { WHOLE_SCHEME = WHOLE_REQ_ID + 1, WHOLE_AUTHORITY };
enum { WHOLE_SERVER_NAME = WHOLE_REQ_ID + 1 };
enum { WHOLE_IS_RESPONSE = WHOLE_REQ_ID + 1 };

/* Times are microseconds since 1970; 0: it has not happened. WHOLE_UNKNOWN: this h2o does not say. */
enum {
    WHOLE_HTTP_VERSION = WHOLE_REQ_ID + 1,
    WHOLE_STATUS, /* 0: there was no response */
    WHOLE_BYTES,
    WHOLE_HEADER_BYTES,
    WHOLE_REQUEST_BYTES,
    WHOLE_CONNECTED_AT,
    WHOLE_BEGIN_AT,
    WHOLE_BODY_BEGIN_AT,
    WHOLE_PROCESSED_AT,
    WHOLE_RESPONSE_START_AT,
    WHOLE_RESPONSE_END_AT,
    WHOLE_RTT, /* of the connection, milliseconds; 0: it is not known */
    WHOLE_ADDRESS,
    WHOLE_FIELDS
};

#define WHOLE_UNKNOWN UINT64_MAX

/* Turns of the loop that sends header fields of a message, of which each sends one or further parts of a long one; h2o takes
 * 100 fields from a client. The kernel's verifier follows each turn, but for a loop that is a range: there so many turns are
 * added to the number of fields. One text has no more than WHOLE_TURNS_OF_TEXT. */
enum { WHOLE_TURNS = 96, WHOLE_MORE_TURNS = 200, WHOLE_TURNS_OF_TEXT = 64 };

/* The description of an event. The arena's. */
const struct catalog_probe *whole_probe(enum whole_event event, struct mem *mem);

/* The event that the probe describes; WHOLE_EVENTS: it is another one. */
enum whole_event whole_event_of(const struct catalog_probe *probe);

/* The name of the header field that a field of an event is the value of, as ":path"; NULL: it is no header's. */
const char *whole_header(enum whole_event event, int field);

#endif
