#ifndef SESSION_H
#define SESSION_H

#include "plan/select.h"
#include "run/session_run.h"

#include <poll.h>

/* A session is one bpftrace run for one server, or by its file for all processes of it: its processes, the plan for what they
 * print, and the way of that into the output. */
struct session;

/* How the sessions of a run understand their servers: from the same things the keeper makes the programs from. */
struct session_config {
    const struct request *request;
    const struct catalog *catalog;
    const struct bpftrace *bpftrace;
    struct select *select; /* which of the events are shown; NULL: all */
    int cpus;              /* that send heartbeats */
    struct session_run *run;
};

/* What the keeper hands over when it has started bpftrace. In a replay only `server` and `note` are known: the tracer is 0 and
 * the files are -1. */
struct session_start {
    pid_t server, tracer;
    struct keeper_files files;
    struct slice note; /* note.h */
};

/* Makes the plan that the keeper made, from the note. The session, which owns the files from then on; or NULL with `diag` set,
 * and the files are still the caller's. */
struct session *session_open(const struct session_config *config, const struct session_start *start, struct diag *diag);

/* Closes the files and frees the session. Does not end its bpftrace. */
void session_close(struct session *session);

/* Whether this is the session of the tracer; or, where that is 0, of the server. */
bool session_is_of(const struct session *session, pid_t server, pid_t tracer);

/* The keeper says of a process that the tracer sees it, and that it is to be shown; `note` is as of note.h. The session owns
 * the pidfd (-1: there is none). 0, or -1 with `diag` set. */
int session_join(struct session *session, pid_t pid, int pidfd, struct slice note, struct diag *diag);

/* The same: that it is not to be shown; `is_gone`: as it had ended before anybody could look at it. */
void session_refuse(struct session *session, pid_t pid, bool is_gone);

/* What the server has counted by itself, as counters_write has it; it came at `nsecs`, CLOCK_BOOTTIME. */
void session_count(struct session *session, pid_t pid, struct slice counted, uint64_t nsecs);

/* All its servers have ended, but it could go on with others of the same file. */
bool session_is_idle(const struct session *session);

/* It shows a server that came later than the run. */
bool session_has_successor(const struct session *session);

/* No more servers of its file are to come. */
void session_release(struct session *session);

/* All its probes are attached. */
bool session_is_ready(const struct session *session);

/* Nothing more comes of it: it can be closed. */
bool session_is_done(const struct session *session);

/* ---- A session whose bpftrace is there. */

enum { SESSION_FILES = 4 };

/* Sets what poll(2) is to wait for. Without `may_read` the output is left out. */
void session_poll(const struct session *session, struct pollfd fds[SESSION_FILES], bool may_read);

/* Reads what poll(2) has found. */
void session_read(struct session *session, const struct pollfd fds[SESSION_FILES]);

/* When session_check must be called at the latest, in milliseconds of CLOCK_MONOTONIC; -1: at no time. */
int64_t session_deadline(const struct session *session);

/* Acts on a deadline that has passed and on output that has ended. `is_held_back`: the reader of the output is slow, and the
 * session may take longer for it. */
void session_check(struct session *session, bool is_held_back);

/* Whether bpftrace was paused and has not been heard of for long: somebody has stopped it, the machine is slow, or the keeper
 * has not let it go on. session_wait_for_pause waits anew, and lets it go on where the keeper is silent. */
bool session_is_overdue(const struct session *session);
void session_wait_for_pause(struct session *session, bool is_keeper_silent);

/* Something has moved, so that nothing is late yet; but the end is put off within a limit only. */
void session_put_off(struct session *session);

/* The run was stopped. The session goes on until everything that happened before is here; stopped again, it is done at once. */
void session_stop(struct session *session);

/* Nobody wants more of it: the reader is gone, or as many records as were wanted are shown. */
void session_abandon(struct session *session);

/* bpftrace has ended, with `wait_status` as waitpid gives it. */
void session_tracer_ended(struct session *session, int wait_status);

/* Asks the keeper for what the servers that are traced have counted by themselves. */
void session_ask_counters(const struct session *session);

/* Says what is being attached to. */
void session_introduce(const struct session *session);

/* Says at debug level 1 that the probes are attached, and how many bytes of a server were made readable. */
void session_announce(const struct session *session, pid_t server, uint64_t bytes);

/* Writes to the recording, if there is one, that the session began with this note. */
void session_record_start(struct session *session, struct slice note);

/* ---- A session out of a recording: what bpftrace wrote, in bytes that were read at `nsecs` (CLOCK_BOOTTIME). */

void session_take_output(struct session *session, struct slice bytes, uint64_t nsecs);
void session_take_errors(struct session *session, struct slice bytes, uint64_t nsecs);

/* What was said of a process. 0, or -1 with `diag` set. */
int session_take_server(struct session *session, struct slice bytes, uint64_t nsecs, struct diag *diag);

/* bpftrace has said everything: records that were held back are shown. `is_complete`: bpftrace was killed when everything that
 * was wanted had come, so that what is cut off at the end is no damage. */
void session_finish(struct session *session, bool is_complete);

#endif
