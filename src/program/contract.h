#ifndef CONTRACT_H
#define CONTRACT_H

#include "plan/plan.h"

/* A wire program says of itself what it is for, so that h2olog can decode what it prints after somebody has changed it. These
 * lines stand in it:
 *
 *   //: h2olog-program 1
 *   //: app-data 0
 *   //: mode quic               and the other lines of request.h
 *   //: texts 104 8320          bytes of a text in one printf, and at most
 *   //: event 0 quicly:accept master_conn_id,at,dcid
 *
 * One event line for each id: the fields that its record holds. */
struct contract {
    const char *path;
    struct slice text;
    struct request request; /* what the lines ask for */
};

/* Stands for the nonce of a run in a program that is only printed. */
#define CONTRACT_NO_NONCE "NONCE_OF_THE_RUN"

/* Appends the lines for a plan. */
void contract_describe(struct outbuf *out, const struct plan *plan);

/* Reads the file, and of its lines all but the last two kinds. 0, or -1 with `diag` set. Memory is the arena's. */
int contract_read(struct contract *contract, const char *path, struct mem *mem, struct diag *diag);

/* That a plan for the same request is what the program was made for. 0, or -1 with `diag` set. */
int contract_check(const struct contract *contract, const struct plan *plan, struct diag *diag);

/* Appends the program for a run. */
void contract_write(struct outbuf *out, const struct contract *contract, const char *nonce);

#endif
