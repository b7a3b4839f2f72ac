#ifndef INTAKE_H
#define INTAKE_H

#include "run/session_struct.h"

/* What bpftrace prints, from bytes to the output: decoded, put into the order of time, filtered and shown. */

/* What the bytes tell of the session, as bits. */
enum intake_news {
    INTAKE_READY = 1,    /* a heartbeat has come: everything is attached */
    INTAKE_COMPLETE = 2, /* everything up to the session's end is here */
    INTAKE_DOUBTFUL = 4, /* nothing that was to be a request was one */
};

/* Reads what is there, and closes the file at its end. Returns bits of intake_news. `has_come` says whether there was anything.
 */
unsigned intake_read(struct session *session, bool *has_come);

/* Takes bytes of stdout that were read at `nsecs` (CLOCK_BOOTTIME). Returns bits of intake_news. */
unsigned intake_take(struct session *session, struct slice bytes, uint64_t nsecs);

/* Has the keeper asked, once more, whether the process of the item is to be shown. Until it answers nothing more is read. */
void intake_ask(struct session *session);

/* It has answered: the process is one of the session's servers now, or it is not to be shown. Goes on, if that was asked.
 * Returns bits of intake_news. */
unsigned intake_judge(struct session *session, pid_t pid);

/* The process that was asked for is not to be shown; or it had ended before anybody could look at it, and its records are lost.
 */
unsigned intake_refuse(struct session *session, bool is_gone);

/* Takes a loss that bpftrace told of: it stands before all records that are not passed on yet, as it may be older than those.
 */
void intake_lose(struct session *session, uint64_t lost);

/* No more bytes will come: shows what was held back. */
void intake_finish(struct session *session);

/* Writes what was read at `intake.now` to the recording, if there is one. */
void intake_record(struct session *session, enum recording_kind kind, struct slice bytes);

/* Shows a line of bpftrace's own at debug level 3. */
void intake_debug_line(const struct session *session, struct slice line);

#endif
