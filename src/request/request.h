#ifndef REQUEST_H
#define REQUEST_H

#include "request/filter.h"
#include "request/redact.h"

/* How records come from the server. */
enum request_transport {
    REQUEST_AUTO,   /* what is best with this bpftrace */
    REQUEST_STREAM, /* each is printed when it happens */
    REQUEST_BATCH   /* most are kept in BPF maps, which are printed now and then; see batch.bt */
};

/* A batch is shown this many milliseconds after its first event, at most, unless something else was asked for. */
enum { REQUEST_BATCH_MS = 100 };

/* Bytes of a text that are read, unless something else was asked for: what servers take of a header field, as nginx and Apache
 * do. */
enum { REQUEST_TEXT_LIMIT = 8192 };

/* Bytes of memory for records that wait, of the kernel's and bpftrace's together, unless something else was asked for. With 128
 * MiB bpftrace 0.17 loses nothing of one HTTP/3 download at full speed, which is 200,000 events in half a second. */
enum { REQUEST_STREAM_BUFFER = 64 << 20, REQUEST_BATCH_BUFFER = 128 << 20, REQUEST_LEAST_BUFFER = 4 << 20 };
#define REQUEST_MOST_BUFFER ((uint64_t)4 << 30)

/* Where whole requests come from. */
enum request_source {
    REQUEST_EITHER, /* the server's structures if they can be read, or else its probes */
    REQUEST_SERVER, /* its structures */
    REQUEST_PROBES
};

/* The mode of whole HTTP requests: it takes all probes that have a role. */
#define REQUEST_EXCHANGES "requests"

/* What the user asks for; a plan is made for it. */
struct request {
    const char *group;           /* the mode: a group of the catalogue, "all", or REQUEST_EXCHANGES */
    const char *const *patterns; /* "event", "provider:probe", or globs: these instead of the mode's own; NULL: none */
    size_t npatterns;
    struct redact redact;
    struct filter filter;
    enum request_transport transport;
    enum request_source source; /* a recording keeps which one it was, for each server (note.h) */
    unsigned text_limit; /* bytes of each text that are read at most; 0: REQUEST_TEXT_LIMIT */
    unsigned batch_ms;   /* of REQUEST_BATCH; it stands only in the program, not in the lines below */
    size_t buffer;       /* bytes of memory for records that wait; 0: REQUEST_STREAM_BUFFER or REQUEST_BATCH_BUFFER */
    const char *needs_whole; /* what was asked for that only the server's structures have, as "bytes"; NULL: nothing */
    bool shows_whole;        /* something is shown that only they have, or "-" instead */
    bool wants_sni;          /* of whole requests: the name that the client asked TLS for */
    const char *where;   /* those for which this bpftrace expression holds; NULL: all. Of whole requests that are read in the
                          * server it is in the variables of whole_program.h, of events of QUIC in those of client.h */
    uint32_t left_out;   /* of whole requests that are read in the server: numbers that are not sent, as bits by field of
                          * WHOLE_END */
    bool app_data;       /* application data too, and secrets of events that a pattern names literally */
};

/* The same as lines. Recordings and programs keep them, so that the same plan can be made again when they are read:
 *
 *   mode quic
 *   type PATTERN          one line for each
 *   redact PATTERN        one line for each
 *   transport batch       unless it is a stream
 *   text-limit 8192
 *   without 2040          numbers of whole requests that are not sent, as bits, if there are any
 *   sni yes               if that of whole requests is asked for
 *   where EXPRESSION      if there is one
 *   filter conn 1,2       one line for each: the option's name, and what it was given
 *
 * Whether application data was asked for stands beside them, and in recordings how much memory. */

/* Whether whole requests are asked for, of which the server's structures tell, too. */
bool request_is_of_exchanges(const struct request *request);

/* Whether `where` is about events of QUIC. Whole requests that are put together from probes have one that nobody uses. */
bool request_chooses_clients(const struct request *request);

/* Whether `where` needs the variable, as "$address", or its length. */
bool request_asks(const struct request *request, const char *variable);

/* Appends the lines, each behind `mark`. `put` writes what came from a command line: text_put, or text_escape where more than a
 * line must not come of it. */
void request_put(struct outbuf *out, const struct request *request, const char *mark,
                 void (*put)(struct outbuf *, struct slice));

/* Takes the line "KEY VALUE". 1: it has; 0: it is none of these; -1 with `diag` set. Memory is the arena's. */
int request_take(struct request *request, struct slice key, struct slice value, struct mem *mem, struct diag *diag);

#endif
