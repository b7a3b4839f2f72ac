#ifndef SIGNAL_PIPE_H
#define SIGNAL_PIPE_H

#include "base/diag.h"

#include <sys/types.h>

/* A pipe by which a process without rights signals one that belongs to root. The kernel sends the signal when the writing end is
 * written to or closed, as it is when its holder dies: whatever state the processes are in, stopped and stuck ones too, and with
 * the rights of the process that has bound the pipe (F_SETOWN and F_SETSIG in fcntl(2)).
 *
 * `reader` must stay open somewhere for that. A process that is to be told of the end of another must not have `writer`. */
struct signal_pipe {
    int reader, writer; /* -1: closed */
};

/* 0, or -1 with `diag` set. */
int signal_pipe_open(struct signal_pipe *pipe, struct diag *diag);

/* From now on the pipe sends `signal` to the process `whom`, or, if that is negative, to the group -`whom`. 0, or -1 with `diag`
 * set. */
int signal_pipe_bind(const struct signal_pipe *pipe, pid_t whom, int signal, struct diag *diag);

/* Whether nobody has the writing end any more. */
bool signal_pipe_is_closed(const struct signal_pipe *pipe);

/* Sends the signal. */
void signal_pipe_send(int writer);

void signal_pipe_close(struct signal_pipe *pipe);

#endif
