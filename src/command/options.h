#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/diag.h"

#include <sys/types.h>

enum { OPTIONS_MAX_LIST = 512, OPTIONS_MAX_PIDS = 64 };

/* Words of an option that may be repeated and takes several, separated by commas. */
struct options_list {
    const char *items[OPTIONS_MAX_LIST];
    size_t count;
};

struct options_pids {
    pid_t items[OPTIONS_MAX_PIDS];
    size_t count;
    bool all; /* every h2o of the host */
};

/* What the command line asks for. The strings are those of argv, which is changed where a list has commas. */
struct options {
    const char *mode;          /* "http", "quic" or "all"; of stat, top and hist, which are among `filters`, "http" */
    bool has_mode, has_format; /* they were given */
    struct options_pids pids;  /* none: find it */
    const char *pid_file;
    bool follow, wait;
    bool http;
    struct options_list types;
    struct options_filters {
        struct options_word {
            const char *option, *value;
        } items[OPTIONS_MAX_LIST];
        size_t count;
    } filters;            /* and the options of the view: by long name, in the order they were given */
    uint64_t count;       /* 0: no limit */
    bool once;
    bool is_of_events;    /* a command that is made of events, which are among `types` then: hist rtt, hist cwnd, keylog */
    bool is_keylog;       /* that one */
    uint64_t duration_ms; /* the same */
    const char *format;   /* "line" or "json": the mode's own if it was not given */
    const char *time;     /* none, clock, iso, elapsed or delta; NULL: it was not given */
    bool extra;
    bool names;
    bool app_data;
    bool list;
    bool doctor;
    const char *exe;
    const char *emit_script; /* the form: "standalone" or "wire"; NULL: do not */
    const char *script;
    struct options_list redact;
    bool redact_default;
    const char *output; /* NULL: stdout */
    const char *record, *replay;
    const char *prom; /* NULL: none */
    bool append;
    bool line_buffered, buffered;
    const char *color; /* "auto", "always" or "never"; NULL: auto */
    bool wide;
    bool quiet;
    const char *user; /* NULL: _h2olog if there is one, or who called sudo, or nobody */
    bool keep_root;
    bool force;
    const char *source;         /* "auto", "server" or "probes"; NULL: auto */
    const char *transport;      /* "stream" or "batch"; NULL: the best */
    uint64_t batch_interval_ms; /* 0: the default */
    unsigned text_limit;        /* bytes; 0: the default */
    uint64_t buffer;            /* bytes; 0: the default */
    const char *bpftrace;
    const char *probes_path;
    const char *templates_dir;
    int debug;
    bool help, help_table;
    bool version;
};

/* 0, or -1 with `diag` set (DIAG_USAGE). */
int options_parse(struct options *options, int argc, char **argv, struct diag *diag);

/* The format that a mode has if none is asked for. */
const char *options_format(const char *mode);

/* The text of --help; or a table of the options, from which the man page and the completions are made (doc/options.awk). */
void options_help(struct outbuf *out, bool is_table);

#endif
