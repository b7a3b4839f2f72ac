#ifndef DIAG_H
#define DIAG_H

#include "base/text.h"

/* h2olog's exit statuses. 128 + n: bpftrace died of signal n. */
enum diag_status {
    DIAG_OK = 0,      /* ran and was stopped, or the server ended */
    DIAG_FAILED = 1,  /* failed while running */
    DIAG_USAGE = 2,   /* the command line or a file named on it is wrong */
    DIAG_NOTHING = 3, /* there is nothing to trace */
    DIAG_MACHINE = 4, /* this machine or user cannot trace */
    DIAG_SIGNALLED = 128,
};

/* An error as a value: set by whoever finds it, reported once by main. */
struct diag {
    int status;
    char message[2048];
};

/* Where in a file: line and column count from 1. */
struct diag_pos {
    const char *file;
    int line, col;
};

/* How much h2olog says on stderr. */
struct diag_log {
    int debug;  /* the number of -d */
    bool quiet; /* errors only */
};

/* Both return -1, so that a function can end with `return diag_set(...)`. The message is one sentence without a full stop:
 * what, where, what was expected, what to do. Untrusted bytes must have been escaped. */
int diag_set(struct diag *diag, enum diag_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
int diag_at(struct diag *diag, struct diag_pos pos, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts a name, and ": ", before the message. Returns -1. */
int diag_name(struct diag *diag, const char *name);

/* What to do about this errno, with "; " before it, to stand at the end of a message; "" where it is not known here. */
const char *diag_remedy(int error);

/* An error in the argument of a long option, DIAG_USAGE: the message, then the argument around its byte `at`, and a caret under
 * that. */
int diag_caret(struct diag *diag, const char *option, struct slice argument, size_t at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* These three are the only code that writes to stderr. Each writes whole lines that begin with "h2olog: ". */
void diag_report(const struct diag *diag);
void diag_note(const struct diag_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void diag_debug(const struct diag_log *log, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Untrusted bytes for a message, escaped and cut to what `buffer` holds; returns `buffer`. */
const char *diag_quote(char *buffer, size_t size, struct slice text);

#endif
