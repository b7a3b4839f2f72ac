#ifndef CHILD_H
#define CHILD_H

#include "base/diag.h"

#include <sys/types.h>

/* A program that this process started, in a process group of its own, with default signal handling. The kernel kills it when
 * this process ends. */
struct child {
    pid_t pid;
    int pidfd;    /* readable when it has ended */
    int out, err; /* its stdout and stderr; non-blocking; -1 when closed */
};

/* Starts `path` with `argv` and exactly the environment `envp`, stdin on /dev/null. `pass_fd` (or -1) stays open in the child
 * under the same number. That the program could not be executed is an error here, not an exit status. 0, or -1 with `diag` set.
 */
int child_start(struct child *child, const char *path, char *const argv[], char *const envp[], int pass_fd, struct diag *diag);

/* Raises the limit of open files of this process, and of those that it starts, as far as it may, up to what bpftrace may need.
 * Returns it. */
size_t child_raise_files(void);

/* For a fork: the kernel kills it when its parent ends. Becoming another user takes that back. false: `parent`, by which it was
 * forked, has ended already, or this cannot be had. */
bool child_die_with(pid_t parent);

/* Signals the whole process group. */
void child_signal(const struct child *child, int signal);

/* Waits for the end and closes what is still open; returns the status as waitpid gives it. */
int child_wait(struct child *child);

/* Closes this descriptor and all above it. */
void child_close_from(int first);

/* Closes one of a child's files, if it is open, and marks it so. */
void child_close(int *fd);

/* Appends what is there of one of a child's files; closes the file at its end. */
void child_read(int *fd, struct outbuf *out);

/* Runs a program to its end, `timeout_ms` milliseconds at most, and appends its stdout to `out`, some 64 KiB at most. 0 if it
 * exited with 0, or -1 with `diag` set. */
int child_capture(const char *path, char *const argv[], char *const envp[], struct outbuf *out, int timeout_ms,
                  struct diag *diag);

#endif
