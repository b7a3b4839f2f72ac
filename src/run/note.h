#ifndef NOTE_H
#define NOTE_H

#include "catalog/catalog.h"
#include "host/target.h"
#include "record/wire.h"

/* What the keeper tells of a server, as text. Recordings keep it.
 *
 * Of a start: "NONCE WORD...", LF, the server's command line, LF, and a line for each of its probes (usdt.h). The words are
 *
 *   lesser    the program is the smaller one, made for the bpftrace of bpftrace_lessened
 *   by-file   it sees all processes of the server's executable
 *   structures  whole requests are read in the server's structures, not from its probes
 *   since=N   the server was found later than the others: it, or the run, began then (CLOCK_BOOTTIME in nanoseconds)
 *
 * Of a server that a program by file sees, too: "- WORD..." and its command line. */
struct note {
    char nonce[WIRE_NONCE_SIZE]; /* "-": there is none */
    bool is_lesser, is_by_file, has_structures;
    uint64_t since;      /* 0: the run began with it */
    const char *command; /* escaped */
    struct usdt_probes probes;
};

/* Appends a note: of `note` all but the command and the probes is used, and of the target's probes those that the catalogue's
 * providers have (NULL: none). 0, or -1 with `diag` set. */
int note_write(struct outbuf *out, const struct note *note, const struct target *target, const struct catalog *catalog,
               size_t most, struct diag *diag);

/* Memory is the arena's. 0, or -1 with `diag` set. */
int note_read(struct note *note, struct slice text, struct mem *mem, struct diag *diag);

#endif
