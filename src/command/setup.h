#ifndef SETUP_H
#define SETUP_H

#include "base/files.h"
#include "command/options.h"
#include "program/contract.h"
#include "catalog/structures.h"
#include "plan/select.h"
#include "show/view.h"

/* What the command line asks for, in the terms of the modules below. Memory is the arena's. It must stay where it is, as its
 * members point to each other. */
struct setup {
    const struct options *options;
    const char *command;       /* h2olog's command line, escaped */
    const char *format;        /* "line" or "json" */
    struct filter_word *words; /* the filters and the options of the view, as they were given */
    size_t nwords;
    struct filter filter; /* what the program can do of these */
    struct view view;     /* and what is done with its records */
    struct request request;
    bool has_contract; /* --script: the request is that of the program, and not all of its events may be shown */
    struct contract contract;
    struct select select;
};

/* 0, or -1 with `diag` set; setup_free in any case. */
int setup_make(struct setup *setup, const struct options *options, const char *command, struct mem *mem, struct diag *diag);

/* Whether the catalogue knows what the options name: 0, with a note if only the server may know it, or -1 with `diag` set. */
int setup_check(const struct setup *setup, const struct catalog *catalog, const struct diag_log *log, struct mem *mem,
                struct diag *diag);

/* Frees what is not the arena's. */
void setup_free(struct setup *setup);

/* The transport that the user wants. */
enum request_transport setup_transport(const struct options *options);

/* The time before lines that was asked for. */
enum format_time setup_time(const struct options *options);

/* The format that a replay is asked for, by -f or by its command; NULL: it is that of the recorded run. */
const char *setup_replay_format(const struct options *options);

/* The first option that was given and that a program cannot do by itself; NULL: there is none. */
const char *setup_view_option(const struct setup *setup);

/* The files that programs are made from. */
struct setup_files {
    struct files probes;    /* *.probes */
    struct file provider;   /* the DTrace provider file of --probes NAME.d; without a name: there is none */
    struct files templates; /* *.bt */
    struct structures structures; /* of files *.structures */
    struct catalog catalog; /* made of the first two */
};

/* Reads the files, built-in or named by options. For root all that the command line names must be in nobody else's hands,
 * unless there is --force. 0, or -1 with `diag` set. Memory is the arena's. */
int setup_load(struct setup_files *files, const struct options *options, struct mem *mem, struct diag *diag);

#endif
