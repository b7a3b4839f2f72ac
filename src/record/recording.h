#ifndef RECORDING_H
#define RECORDING_H

#include "plan/plan.h"

/* A recording: what bpftrace printed, and what is needed to understand it. This is version 5 of the format: a header of lines
 * up to "begin", whose values are as h2olog was given them, then blocks.
 *
 *   h2olog-recording 5
 *   program h2olog 0.1.0      which h2olog made it
 *   host NAME
 *   command LINE              h2olog's command line, escaped
 *   bpftrace 0.17.0
 *   cpus 2                    whose heartbeats are waited for
 *   offset NS                 CLOCK_REALTIME - CLOCK_BOOTTIME
 *   mode quic                and the other lines of request.h
 *   format json
 *   extra 0
 *   names 0
 *   time clock                before lines: a name of format.h; no line: none, as in version 1
 *   servers 1                 several may appear; no line: one, as in version 1
 *   together 1                the run begins with a block; 0, or no line: with each server's first heartbeat
 *   app-data 0
 *   buffer 0                 bytes of memory for records; 0, or no line: the default
 *   count N                  so many records were wanted; no line: all
 *   show OPTION VALUE        one line for each option of the view, if there was one: view.h
 *   file LEN NAME             one for each file of the catalogue: LEN bytes and LF follow. NAME ends in .d: a provider file
 *   begin
 *
 * A block is "KIND SERVER NSECS LEN", LF, LEN bytes, LF. SERVER counts the servers of the run from 0, NSECS is CLOCK_BOOTTIME.
 *
 *   start    tracing begins: the server's pid, LF, and the note of launch.h
 *   out err  what bpftrace wrote there
 *   end      bpftrace has said everything; "complete" when it was ended after all that was wanted
 *   stop     the run was stopped: later records do not belong to it
 *   begin    all servers that the run began with are traced: what was before does not belong to it
 *   clock    the wall clock was set: the offset from here on, as in the header
 *   server   what was said of a process:
 *              PID joined           a note follows behind LF: the tracer sees it, too
 *              PID other            it is not shown
 *              PID gone             it had ended, so nobody knows whose it was
 *              PID ended
 *              PID unseen FROM TO   in NSECS: its probes were never attached
 *
 * Versions 1 to 4 can still be read. Before version 5 all records of numbers in maps had one width, before version 4 texts
 * ended where their lengths say (decode.h), and there was no line "text-limit", before version 3 there were no blocks "begin",
 * in version 1 no "clock" and "server".
 *
 * The header is UTF-8 without control characters, and has 64 MiB at most; so has a block.
 */
struct recording {
    int fd;
    const char *path; /* for errors */
    bool has_failed;
};

enum recording_kind {
    RECORDING_START,
    RECORDING_OUT,
    RECORDING_ERR,
    RECORDING_END,
    RECORDING_STOP,
    RECORDING_BEGIN,
    RECORDING_CLOCK,
    RECORDING_SERVER,
    RECORDING_KINDS
};

struct recording_header {
    const char *command, *format, *host, *program;
    const char *time; /* before lines; NULL: none */
    struct request request;
    struct bpftrace bpftrace;
    int cpus;
    int64_t offset;
    uint64_t most;             /* records; 0: all */
    struct filter_word *words; /* of the view */
    size_t nwords;
    bool extra, names, has_servers, begins_together;
    struct files files;
};

struct recording_block {
    enum recording_kind kind;
    uint64_t server, nsecs;
    struct slice bytes;
    bool is_cut; /* the file breaks off here: the bytes are fewer than the block says */
};

/* Writing. What cannot be written is an error once, in `diag`, and -1 from then on. */
int recording_begin(struct recording *recording, const struct recording_header *header, struct diag *diag);
int recording_put(struct recording *recording, const struct recording_block *block, struct diag *diag);

/* Reads the header off the front of the stream. 0, or -1 with `diag` set. Memory is the arena's. */
int recording_read_header(struct recording_header *header, struct files_stream *stream, struct mem *mem, struct diag *diag);

/* Reads an offset of CLOCK_REALTIME in nanoseconds. It is at most 146 years, so that a time of this century can be added.
 * false: it is none. */
bool recording_read_offset(struct slice text, int64_t *offset);

/* The block behind `block`, which is {0} before the first. 1: there is one, whose bytes are valid until the next call; 0: the
 * file ends; -1: it breaks off or is damaged, with `diag` set. A block of bpftrace's output that breaks off is given all the
 * same, and the error comes with the next call. */
int recording_read_block(struct recording_block *block, struct files_stream *stream, struct diag *diag);

#endif
