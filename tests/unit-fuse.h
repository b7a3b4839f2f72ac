#ifndef UNIT_FUSE_H
#define UNIT_FUSE_H

#include <stdbool.h>
#include <sys/types.h>

/* A file system (FUSE) with one file, "file", as a user can have it mounted for all. While the process that serves it is
 * stopped, whoever asks for anything waits and cannot be killed. */

struct fuse_mount {
    char path[64]; /* of the directory */
    pid_t pid;     /* of the process that serves it */
};

/* false: there is no FUSE here, or no right to mount; nothing is to be ended. */
bool fuse_start(struct fuse_mount *mount, const void *bytes, size_t len);

/* From now on it takes every question and answers none: whoever asks for anything waits, and cannot be killed. */
void fuse_fall_silent(const struct fuse_mount *mount);

/* Whoever waits goes on, with an error. */
void fuse_end(const struct fuse_mount *mount);

#endif
