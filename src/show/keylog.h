#ifndef KEYLOG_H
#define KEYLOG_H

#include "record/record.h"

#include <sys/types.h>

/* Secrets of TLS 1.3 in the form of an NSS key log (https://datatracker.ietf.org/doc/draft-ietf-tls-keylogfile/), which
 * Wireshark and curl's SSLKEYLOGFILE have: "LABEL CLIENT_RANDOM SECRET". picotls tells the random bytes of a session's
 * ClientHello and its secrets by themselves; what joins them is a pointer that a later session may get, too. Begin with {0}. */
struct keylog {
    struct keylog_session *sessions; /* a hash table, the oldest first */
    uint64_t lines, sessions_seen;
    uint64_t orphans; /* secrets of sessions that began before they were traced, or whose beginning was lost */
};

/* Takes an event of picotls; appends a line if it is a secret. false: it is none, or of no session that is known. */
bool keylog_take(struct keylog *keylog, const struct record *record, struct outbuf *out);

void keylog_free(struct keylog *keylog);

#endif
