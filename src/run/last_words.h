#ifndef LAST_WORDS_H
#define LAST_WORDS_H

#include "run/session_struct.h"

/* What bpftrace says on stderr, and what its end means. */

/* Reads what is there, and closes the file at its end. */
void last_words_read(struct session *session);

/* Takes bytes of stderr that were read at `nsecs` (CLOCK_BOOTTIME). The end of them is kept. */
void last_words_take(struct session *session, struct slice bytes, uint64_t nsecs);

/* bpftrace has ended though nobody told it to: sets the run's `diag`, unless there is an error already. Where the kernel has
 * refused the program, asks the keeper for a smaller one instead, once. */
void last_words_explain(struct session *session);

void last_words_free(struct session *session);

/* Whether bpftrace has ended so that a smaller program is to be tried. */
bool last_words_want_lesser(const struct session *session);

/* Nothing that the program has read in the server's structures was a request: has its probes traced instead, or says so. */
void last_words_doubt(const struct session *session);

#endif
