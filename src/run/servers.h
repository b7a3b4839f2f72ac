#ifndef SERVERS_H
#define SERVERS_H

#include "run/session_struct.h"

/* The servers of a session: one, or with a program by file all processes of the file that are to be shown. */

struct note;

/* The session takes the pidfd; -1: there is none. One that it has already is no new one. */
void servers_add(struct session *session, pid_t pid, int pidfd, const struct note *note);

/* Writes to a recording that is made what is said of a process: "joined" with its note,
 * "other", "ended", or "unseen FROM TO". */
void servers_record(struct session *session, pid_t pid, const char *what, struct slice note);

/* Whether records of the process are shown. */
bool servers_has(const struct session *session, pid_t pid);

/* The process of an event at `nsecs` is not to be shown; `is_gone`: it had ended, so nobody knows what it was. What was said of
 * it so; NULL: nothing. That holds for events that are older, or a second younger at most, as another process may get its pid,
 * and the program leaves it out by then. */
void servers_refuse(struct session *session, pid_t pid, uint64_t nsecs, bool is_gone);
const struct session_other *servers_refused(const struct session *session, pid_t pid, uint64_t nsecs);

/* Whether one of them has not ended; whether this one has not. */
bool servers_is_alive(const struct session *session, pid_t pid);
bool servers_are_alive(const struct session *session);

/* The command line of one; that of the first where it is none of them. */
const char *servers_command(const struct session *session, pid_t pid);

/* Reads who has ended. Returns whether anybody has. */
bool servers_read_ends(struct session *session);

/* The same out of a recording. */
void servers_end(struct session *session, pid_t pid);

/* All probes are attached: tells of servers that came before. */
void servers_tell_gaps(struct session *session);

/* They never were: tells of servers that came later than the run. A replay repeats that, by the pid and "FROM TO" of its block.
 */
void servers_tell_unseen(struct session *session);
bool servers_repeat_unseen(struct session *session, pid_t pid, struct slice times);

/* Whether the run had begun at `nsecs` (CLOCK_BOOTTIME), with this session: nothing is shown of before. */
bool servers_have_begun(const struct session *session, uint64_t nsecs);

/* Everything up to `complete` has come. */
void servers_tick(struct session *session, uint64_t complete);

/* A loss is one of all servers. */
void servers_lose(struct session *session, struct record *loss);

/* Nothing more comes. */
void servers_finish(struct session *session);

void servers_close(struct session *session);

#endif
