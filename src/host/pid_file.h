#ifndef PID_FILE_H
#define PID_FILE_H

#include "base/diag.h"
#include "base/mem.h"

#include <sys/types.h>

enum pid_file_state {
    PID_FILE_BAD = -1, /* `diag` says why */
    PID_FILE_READ,
    PID_FILE_MISSING, /* there is none, or nothing in it yet; `diag` says so, too */
};

/* Reads a process's number from the file, as servers write it (--pid-file): one number, with blanks around it. `is_forced` as
 * in open.h. Memory is the arena's. */
enum pid_file_state pid_file_read(pid_t *pid, const char *path, bool is_forced, struct mem *mem, struct diag *diag);

#endif
