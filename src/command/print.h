#ifndef PRINT_H
#define PRINT_H

#include "command/setup.h"

/* The commands that print something and end. Each writes to stdout and returns 0, or -1 with `diag` set. */

int print_help(bool is_table, struct diag *diag);
int print_version(struct diag *diag);

/* --list: the probes of the catalogue, and with -p or -e which of them the target has. */
int print_list(const struct options *options, const struct catalog *catalog, const struct diag_log *log, struct mem *mem,
               struct diag *diag);

/* --doctor. Returns the exit status that tells whether tracing will work, or -1 with `diag` set. */
int print_doctor(const struct options *options, const struct setup_files *files, const struct diag_log *log, struct mem *mem,
                 struct diag *diag);

/* --emit-script: a program, fitted to the target if there is one. */
int print_program(const struct setup *setup, const struct setup_files *files, const struct diag_log *log, struct mem *mem,
                  struct diag *diag);

#endif
