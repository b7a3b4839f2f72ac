#include "host/terminal.h"

#include "host/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
is_in_foreground(const struct terminal *terminal)
{
    return terminal->fd >= 0 && tcgetpgrp(terminal->fd) == getpgrp();
}

/* Whoever has changed it since knows better. */
static void
restore(const struct terminal *terminal)
{
    struct termios now;
    if (tcgetattr(terminal->fd, &now) == 0 && now.c_lflag == terminal->own.c_lflag)
        tcsetattr(terminal->fd, TCSANOW, &terminal->usual);
}

/* Waits for h2olog's end. It is in another process group, so that what ends that one as a whole does not end it. */
static void
be_guard(const struct terminal *terminal, int pipe)
{
    sigset_t all;
    char byte;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setpgid(0, 0);
    prctl(PR_SET_NAME, "h2olog-keys");
    if (dup2(terminal->fd, 0) != 0 || dup2(pipe, 1) != 1)
        _exit(1);
    child_close_from(2);
    while (read(1, &byte, 1) < 0 && errno == EINTR)
        continue;
    struct terminal here = *terminal;
    here.fd = 0;
    restore(&here);
    _exit(0);
}

/* false: nobody would restore it. */
static bool
start_guard(struct terminal *terminal)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        be_guard(terminal, ends[0]);
    close(ends[0]);
    if (pid < 0)
        close(ends[1]);
    terminal->guard = pid;
    terminal->line = ends[1];
    return pid > 0;
}

void
terminal_open(struct terminal *terminal, int fd)
{
    *terminal = (struct terminal){.fd = fd, .line = -1, .guard = -1};
    bool is_usable = isatty(fd) && is_in_foreground(terminal) && tcgetattr(fd, &terminal->usual) == 0;
    terminal->own = terminal->usual;
    terminal->own.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    terminal->own.c_cc[VMIN] = 1;
    terminal->own.c_cc[VTIME] = 0;
    if (is_usable && start_guard(terminal))
        terminal_enter(terminal);
    else
        terminal->fd = -1;
}

int
terminal_poll_fd(const struct terminal *terminal)
{
    return is_in_foreground(terminal) ? terminal->fd : -1;
}

int
terminal_key(struct terminal *terminal)
{
    unsigned char key;
    ssize_t got = is_in_foreground(terminal) ? read(terminal->fd, &key, 1) : -1;
    if (got == 0 || (got < 0 && errno == EIO))
        terminal->fd = -1;
    return got == 1 ? key : -1;
}

void
terminal_leave(const struct terminal *terminal)
{
    if (is_in_foreground(terminal))
        restore(terminal);
}

void
terminal_enter(const struct terminal *terminal)
{
    if (is_in_foreground(terminal))
        tcsetattr(terminal->fd, TCSADRAIN, &terminal->own);
}

void
terminal_close(struct terminal *terminal)
{
    terminal_leave(terminal);
    if (terminal->guard > 0) {
        kill(terminal->guard, SIGKILL);
        while (waitpid(terminal->guard, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    child_close(&terminal->line);
    *terminal = (struct terminal){.fd = -1, .line = -1, .guard = -1};
}
