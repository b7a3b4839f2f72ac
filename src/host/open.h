#ifndef OPEN_H
#define OPEN_H

#include "base/diag.h"
#include "base/mem.h"

/* Opens what the command line names, as root without being led astray by others (walk.h), and never waits: not for the other
 * end of a FIFO, and not for whoever holds a lease of the file. For other users than root nothing is judged, as nobody gains
 * anything from them. "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/N" and "/proc/self/fd/N" are the files that h2olog
 * was started with, and share their offset. */

enum open_kind {
    OPEN_FILE, /* a regular file, or a pipe that h2olog was started with */
    OPEN_DIRECTORY,
    OPEN_STREAM, /* anything but a directory */
};

/* What is read. */
struct open_input {
    const char *option;   /* messages begin with it */
    const char *expected; /* what should be there, as "the executable of an h2o" */
    enum open_kind kind;
    bool is_believed; /* a program of root's is made of it: nobody else may be able to change it */
    bool is_forced;   /* --force: nothing is judged */
    bool may_be_empty; /* a directory that is read need not have any of the files */
};

/* The descriptor, or -1 with `diag` set; errno is ENOENT where nothing has the name, and otherwise 0. */
int open_input(const struct open_input *input, const char *path, struct diag *diag);

/* The path by which a program is to be run. Where it was judged, as what is believed, it is absolute and without links, and
 * nobody else can change any part of it. NULL with `diag` set. May be the arena's. */
const char *open_program(const struct open_input *input, const char *path, struct mem *mem, struct diag *diag);

enum open_mode {
    OPEN_EMPTIED,
    OPEN_CONTINUED,
    OPEN_SECRET, /* continued, but not if others than its owner may read or write it */
    OPEN_ANEW,   /* continued, but what h2olog was started with cannot be opened a second time */
};

/* A file that is used besides, and the option that names it; `path` NULL: none is. */
struct open_used {
    const char *option, *path;
};

/* Opens an output file, which is made for its owner only: a regular file without other names, a FIFO that is being read, a
 * terminal, /dev/null or /dev/full. What is there is not touched before it has been judged. Everything is written at the end;
 * where a line is not ended there, it is. The file must be none of the `nused` that are used besides. The descriptor, or -1
 * with `diag` set. */
int open_output(const char *path, enum open_mode how, const struct open_used *used, size_t nused, struct diag *diag);

/* The same by a process of its own, as a file system that never answers, such as a stranger's, may hold whoever asks it, and
 * let nobody kill him. It is not waited for longer than five seconds. */
int open_output_apart(const char *path, enum open_mode how, const struct open_used *used, size_t nused, struct diag *diag);

/* The descriptor of h2olog's that the path names; -1: it names none. */
int open_own(const char *path);

/* The first of the files that the open regular file, or pipe, is, too; NULL: it is none. */
const struct open_used *open_find_used(int fd, const struct open_used *used, size_t nused);

#endif
