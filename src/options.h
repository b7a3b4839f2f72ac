#ifndef OPTIONS_H
#define OPTIONS_H

#include "diag.h"

#include <sys/types.h>

/* What the command line asks for. The strings are those of argv. */
struct options {
    pid_t pid; /* 0: find it */
    bool http;
    bool list;
    bool emit_script;
    const char *bpftrace;
    const char *probes_dir;
    const char *templates_dir;
    int debug;
    bool help, help_mdoc;
    bool version;
};

/* argv is not reordered for the caller. 0, or -1 with `diag` set (DIAG_USAGE). */
int options_parse(struct options *options, int argc, char **argv, struct diag *diag);

/* The text of --help; with `mdoc` the option list in the language of man pages. */
void options_help(struct outbuf *out, bool mdoc);

#endif
