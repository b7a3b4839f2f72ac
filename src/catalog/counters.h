#ifndef COUNTERS_H
#define COUNTERS_H

#include "base/text.h"

/* What h2o counts by itself, in its memory: reading it costs the server nothing. Which members these are stands in files
 * *.structures. What h2o counts of a connection of QUIC is added when that ends, but for packets received. */
enum counter {
    COUNTER_CONNECTIONS_OPEN,
    COUNTER_CONNECTIONS_ACTIVE,
    COUNTER_QUIC_CONNECTIONS_OPEN,
    COUNTER_CONNECTIONS_OPENED,
    COUNTER_CONNECTIONS_CLOSED, /* those opened that are not open: no member */
    COUNTER_TLS_HANDSHAKES_FULL,
    COUNTER_TLS_HANDSHAKES_RESUMED,
    COUNTER_TLS_HANDSHAKES_FAILED,
    COUNTER_QUIC_HANDSHAKES,
    COUNTER_QUIC_HANDSHAKE_TIMEOUTS,
    COUNTER_QUIC_PACKETS_RECEIVED,
    COUNTER_QUIC_PACKETS_SENT,
    COUNTER_QUIC_PACKETS_LOST,
    COUNTERS
};

struct counter_row {
    const char *name, *help; /* a sentence */
    bool is_level;           /* how many there are now; otherwise how many there were since the server began */
};

extern const struct counter_row counter_rows[COUNTERS];

struct counters {
    uint64_t numbers[COUNTERS];
    bool are_known[COUNTERS];
    bool is_of_run; /* the server began during the run, so all that it has counted is of it */
};

/* false: there is none of that name. */
bool counters_find(struct slice name, int *counter);

/* "of_run=1 connections_open=12 connections_active=3", of those that are known. Words of other names are passed over, as a
 * later h2olog may count more. false: it is something else. */
void counters_write(struct outbuf *out, const struct counters *counters);
bool counters_read(struct counters *counters, struct slice text);

#endif
