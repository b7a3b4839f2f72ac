#ifndef WHOLE_PROGRAM_H
#define WHOLE_PROGRAM_H

#include "program/writer.h"

/* Appends the blocks of a program that reads whole requests in the server's structures, for the writer's plan. 0, or -1 with
 * its `diag` set. */
int whole_program_write(const struct writer *program, struct outbuf *out);

#endif
