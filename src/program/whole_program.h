#ifndef WHOLE_PROGRAM_H
#define WHOLE_PROGRAM_H

#include "program/writer.h"

/* Turns of the loop that sends header fields of a message, of which each sends one or further parts of a long one; h2o takes
 * 100 fields from a client. The kernel's verifier follows each turn, but for a loop that is a range: there so many turns are
 * added to the number of fields. */
enum { WHOLE_PROGRAM_TURNS = 96, WHOLE_PROGRAM_MORE_TURNS = 200 };

/* Appends the blocks of a program that reads whole requests in the server's structures, for the writer's plan. In one that is
 * kept offsets have names, which are defined as "offsets". 0, or -1 with the writer's `diag` set. */
int whole_program_write(struct writer *program, struct outbuf *out);

#endif
