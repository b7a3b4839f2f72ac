#ifndef TERMINAL_H
#define TERMINAL_H

#include "base/diag.h"

#include <sys/types.h>
#include <termios.h>

/* Keys of the terminal that h2olog is used at, one by one and unseen. However h2olog ends, the terminal is as it was: a process
 * of its own restores it when h2olog was killed. */
struct terminal {
    int fd; /* -1: there is none, or it has gone */
    struct termios usual, own;
    int line; /* the writing end of a pipe that tells that process of h2olog's end */
    pid_t guard;
};

/* Uses the terminal `fd`, if it is one and h2olog is in its foreground; without it there are no keys. */
void terminal_open(struct terminal *terminal, int fd);

/* What poll(2) is to wait for: the terminal, or -1 while h2olog is not in its foreground. */
int terminal_poll_fd(const struct terminal *terminal);

/* The next key; -1: there is none. */
int terminal_key(struct terminal *terminal);

/* Before h2olog is stopped, and when it goes on. */
void terminal_leave(const struct terminal *terminal);
void terminal_enter(const struct terminal *terminal);

void terminal_close(struct terminal *terminal);

#endif
