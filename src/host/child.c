#include "host/child.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* glibc of Debian 11 does not name it */
#endif

/* The pipes between h2olog and a child that starts. `exec_error` carries errno where exec fails, and stays empty otherwise. */
struct pipes {
    int out[2], err[2], exec_error[2];
};

static void
close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static void
close_pipes(struct pipes *pipes)
{
    close_pair(pipes->out);
    close_pair(pipes->err);
    close_pair(pipes->exec_error);
}

static int
open_pipes(struct pipes *pipes, struct diag *diag)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->out, O_CLOEXEC) == 0 && pipe2(pipes->err, O_CLOEXEC) == 0 && pipe2(pipes->exec_error, O_CLOEXEC) == 0)
        return 0;
    diag_set(diag, DIAG_FAILED, "cannot make a pipe: %s%s", strerror(errno), diag_remedy(errno));
    close_pipes(pipes);
    return -1;
}

bool
child_die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent; /* it may have ended before */
}

static void
reset_signals(void)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &by_default, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

size_t
child_raise_files(void)
{
    enum { ENOUGH = 65536 };
    struct rlimit limit = {0, 0};
    const struct rlimit enough = {ENOUGH, ENOUGH};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ENOUGH;
    if (limit.rlim_max < ENOUGH && setrlimit(RLIMIT_NOFILE, &enough) == 0)
        return ENOUGH;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max;
}

/* bpftrace locks memory on older kernels. A limit that may not be raised stays as it is. What clients sent stands in its
 * memory, too; a core limit of 1 byte forbids a dump to a program as well (core(5)). */
static void
set_limits(void)
{
    struct rlimit limit;
    child_raise_files();
    limit = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &limit);
    limit = (struct rlimit){1, 1};
    setrlimit(RLIMIT_CORE, &limit);
}

/* In the child, between fork and exec. Does not return. */
static void
become(const char *path, char *const argv[], char *const envp[], int pass_fd, pid_t parent, struct pipes *pipes)
{
    setpgid(0, 0);
    if (!child_die_with(parent))
        _exit(127);
    reset_signals();
    set_limits();
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(pipes->out[1], STDOUT_FILENO);
    dup2(pipes->err[1], STDERR_FILENO);
    if (pass_fd >= 0)
        fcntl(pass_fd, F_SETFD, 0);
    execve(path, argv, envp);
    int error = errno;
    ssize_t ignored = write(pipes->exec_error[1], &error, sizeof(error));
    (void)ignored;
    _exit(127);
}

/* The ends of the pipes get numbers above those of stdin, stdout and stderr. false: errno says why. */
static bool
watch(struct child *child, const struct pipes *pipes)
{
    child->out = fcntl(pipes->out[0], F_DUPFD_CLOEXEC, 3);
    child->err = child->out >= 0 ? fcntl(pipes->err[0], F_DUPFD_CLOEXEC, 3) : -1;
    if (child->err < 0 || fcntl(child->out, F_SETFL, O_NONBLOCK) != 0 || fcntl(child->err, F_SETFL, O_NONBLOCK) != 0)
        return false;
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    return child->pidfd >= 0;
}

static int
finish_start(struct child *child, const char *path, struct pipes *pipes, struct diag *diag)
{
    int error;
    if (read(pipes->exec_error[0], &error, sizeof(error)) == sizeof(error)) {
        child_wait(child);
        return diag_set(diag, DIAG_MACHINE, "cannot run %s: %s", path, strerror(error));
    }
    if (watch(child, pipes))
        return 0;
    diag_set(diag, DIAG_MACHINE, "cannot watch %s: %s%s", path, strerror(errno), diag_remedy(errno));
    child_signal(child, SIGKILL);
    child_wait(child);
    return -1;
}

int
child_start(struct child *child, const char *path, char *const argv[], char *const envp[], int pass_fd, struct diag *diag)
{
    struct pipes pipes;
    if (open_pipes(&pipes, diag) != 0)
        return -1;
    pid_t parent = getpid();
    *child = (struct child){.pid = fork(), .pidfd = -1, .out = -1, .err = -1};
    if (child->pid == 0)
        become(path, argv, envp, pass_fd, parent, &pipes);
    if (child->pid < 0) {
        diag_set(diag, DIAG_FAILED, "cannot start %s: %s", path, strerror(errno));
        close_pipes(&pipes);
        return -1;
    }
    setpgid(child->pid, child->pid);
    close(pipes.exec_error[1]);
    pipes.exec_error[1] = -1;
    int status = finish_start(child, path, &pipes, diag);
    close_pipes(&pipes);
    return status;
}

void
child_signal(const struct child *child, int signal)
{
    kill(-child->pid, signal);
}

void
child_close_from(int first)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
    for (int fd = first; fd < 1024; fd++) /* before Linux 5.9 */
        close(fd);
}

void
child_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int
child_wait(struct child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child_close(&child->pidfd);
    child_close(&child->out);
    child_close(&child->err);
    return status;
}

void
child_read(int *fd, struct outbuf *out)
{
    ssize_t got = read(*fd, text_reserve(out, 4096), 4096);
    if (got > 0)
        out->len += (size_t)got;
    if (got == 0)
        child_close(fd);
}

/* Reads stdout until the program has ended and all of it has been read. stderr is read and dropped, so that it does not fill. A
 * program that takes too long or prints too much is killed. false: it took too long. */
static bool
read_all(struct child *child, struct outbuf *out, int timeout_ms)
{
    enum { MOST = 64 * 1024 };
    struct outbuf ignored = {0};
    int64_t end = clock_ms() + timeout_ms, left;
    bool has_ended = false;
    while ((!has_ended || child->out >= 0) && out->len < MOST && (left = end - clock_ms()) > 0) {
        struct pollfd fds[] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0}, {has_ended ? -1 : child->pidfd, POLLIN, 0}};
        if (poll(fds, 3, (int)left) <= 0)
            continue;
        if (fds[0].revents != 0)
            child_read(&child->out, out);
        if (fds[1].revents != 0)
            child_read(&child->err, &ignored);
        has_ended |= fds[2].revents != 0;
        ignored.len = 0;
    }
    text_free(&ignored);
    bool is_whole = has_ended && child->out < 0;
    if (!is_whole)
        child_signal(child, SIGKILL);
    return is_whole || out->len >= MOST;
}

int
child_capture(const char *path, char *const argv[], char *const envp[], struct outbuf *out, int timeout_ms, struct diag *diag)
{
    struct child child;
    if (child_start(&child, path, argv, envp, -1, diag) != 0)
        return -1;
    bool is_in_time = read_all(&child, out, timeout_ms);
    int status = child_wait(&child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (!is_in_time)
        return diag_set(diag, DIAG_MACHINE,
                        "%s %s did not answer within %g s; the host may be slow or busy: try again, or name a bpftrace that "
                        "works with --bpftrace PATH",
                        path, argv[1], timeout_ms / 1000.0);
    int number = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    return diag_set(diag, DIAG_MACHINE, "%s %s failed with %s %d; name a bpftrace that works with --bpftrace PATH", path,
                    argv[1], WIFEXITED(status) ? "status" : "signal", number);
}
