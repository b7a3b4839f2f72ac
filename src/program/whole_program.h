#ifndef WHOLE_PROGRAM_H
#define WHOLE_PROGRAM_H

#include "program/writer.h"

/* Appends the blocks of a program that reads whole requests in the server's structures, for the writer's plan. 0, or -1 with
 * its `diag` set. */
int whole_program_write(const struct writer *program, struct outbuf *out);

/* Writes the statements that read a request, end hits that are none or are not wanted, and set $status, $http_version,
 * $conn_id, and the variables that are named, as "$path" ($path_len is its length), "$bytes", "$begin_at" or "$sni". */
void whole_program_read(const struct writer *writer, struct member_reader *reader, const char *const *names, size_t count);

#endif
