#ifndef WHOLE_PROGRAM_H
#define WHOLE_PROGRAM_H

#include "program/writer.h"

/* Appends the blocks of a program that reads whole requests in the server's structures, for the writer's plan. In one that is
 * kept offsets have names, which are defined as "offsets". 0, or -1 with the writer's `diag` set. */
int whole_program_write(struct writer *program, struct outbuf *out);

#endif
