#ifndef CONTRACT_H
#define CONTRACT_H

#include "plan/plan.h"

/* A wire program has lines that say what it was made for. With them h2olog can decode what the program prints after somebody
 * has changed it:
 *
 *   //: h2olog-program 3
 *   //: app-data 0
 *   //: mode quic               and the other lines of request.h
 *   //: texts 104 8192          bytes of a text in one part, and at most
 *   //: layout 5f1d0c           a hash of where the server's structures have what is read there, if anything is
 *   //: event 0 quicly:accept master_conn_id,at,dcid
 *
 * One event line for each id: the fields that its record holds. */
struct contract {
    const char *path;
    struct slice text;
    struct request request; /* what the lines ask for */
};

/* Stands where the nonce of the run will, in a program that is only printed. */
#define CONTRACT_NO_NONCE "NONCE_OF_THE_RUN"

/* The same of the server's pid. */
#define CONTRACT_NO_PID "PID_OF_THE_SERVER"

/* Appends the lines for a plan. */
void contract_describe(struct outbuf *out, const struct plan *plan);

/* Makes a request of the program's lines, for which a plan can then be made. Lines of texts and events are only compared with
 * that plan, by contract_check. The file's text stays in use. 0, or -1 with `diag` set. Memory is the arena's. */
int contract_read(struct contract *contract, const struct file *file, struct mem *mem, struct diag *diag);

/* Whether the plan, made for the contract's request, is what the program was made for. 0, or -1 with `diag` set. */
int contract_check(const struct contract *contract, const struct plan *plan, struct diag *diag);

/* Appends the program for a run, with its nonce and the server's pid. */
void contract_write(struct outbuf *out, const struct contract *contract, const char *nonce, pid_t pid);

#endif
