#include "host/sandbox.h"

#include "base/clock.h"
#include "base/writable.h"
#include "host/child.h"
#include "host/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Megabytes of memory, seconds of CPU time, and how long the end of one that was killed is waited for. */
enum { MAX_MEMORY = 256, MAX_CPU = 2, END_MS = 500 };

/* Sanitizers reserve terabytes. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

/* ---- In the process. */

/* The file becomes 0, the pipe 1, and there is no other. -1: there is no file yet. */
static bool
keep_two_files(int fd, int pipe)
{
    int copy = fcntl(pipe, F_DUPFD, 2);
    bool is_good = copy >= 0 && (fd < 0 || dup2(fd, 0) == 0) && dup2(copy, 1) == 1;
    if (fd < 0)
        close(0);
    child_close_from(2);
    return is_good;
}

static bool
drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &header, none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool
limit(int resource, rlim_t most)
{
    const struct rlimit limits = {most, most};
    return setrlimit(resource, &limits) == 0;
}

/* A root that may not become nobody, as in some containers, at least has no capabilities. */
static bool
give_up_rights(void)
{
    const struct privileges nobody = {PRIVILEGES_NOBODY, PRIVILEGES_NOBODY};
    struct diag ignored;
    bool is_nobody = geteuid() == 0 && privileges_drop(&nobody, &ignored) == 0;
    return (is_nobody || drop_capabilities()) && prctl(PR_SET_DUMPABLE, 0) == 0 && limit(RLIMIT_NOFILE, 2) &&
           limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, MAX_CPU) &&
           (IS_SANITIZED || limit(RLIMIT_AS, (rlim_t)MAX_MEMORY << 20));
}

/* The status with which the process ends: 0, errno of opening, or this. */
enum { KEPT_RIGHTS = 255 };

/* What is said before the work begins is sent before it. */
static void
open_here(const struct sandbox_file *file)
{
    struct outbuf head = {0};
    int fd = file->open(file->context, &head);
    if (fd < 0)
        _exit(errno > 0 && errno < KEPT_RIGHTS ? errno : EIO);
    if (dup2(fd, 0) != 0)
        _exit(EIO);
    child_close_from(2);
    if (writable_put_all(STDOUT_FILENO, (struct slice){head.ptr, head.len}) != 0)
        _exit(EIO);
}

static void
be_sandbox(const struct sandbox_file *file, sandbox_work *work, const void *context, int pipe, pid_t parent)
{
    struct outbuf answer = {0};
    if (!keep_two_files(file->open != NULL ? -1 : file->fd, pipe))
        _exit(errno);
    if (!child_die_with(parent))
        _exit(KEPT_RIGHTS);
    if (file->open != NULL)
        open_here(file);
    if (!give_up_rights() || !child_die_with(parent)) /* anew, as another user */
        _exit(KEPT_RIGHTS);
    work(0, context, &answer);
    _exit(writable_put_all(STDOUT_FILENO, (struct slice){answer.ptr, answer.len}) == 0 ? 0 : EIO);
}

/* ---- Outside. */

enum ending { AT_END, TOO_LATE, TOO_MUCH };

static enum ending
read_answer(int pipe, struct outbuf *answer, int64_t deadline)
{
    size_t before = answer->len;
    for (int64_t left; (left = deadline - clock_ms()) > 0;) {
        if (poll(&(struct pollfd){pipe, POLLIN, 0}, 1, (int)left) <= 0)
            continue;
        ssize_t got = read(pipe, text_reserve(answer, 65536), 65536);
        answer->len += got > 0 ? (size_t)got : 0;
        if (got == 0 || (got < 0 && errno != EINTR))
            return AT_END;
        if (answer->len - before > SANDBOX_MAX_ANSWER)
            return TOO_MUCH;
    }
    return TOO_LATE;
}

/* One that is stuck in the kernel, as in a read that never comes back, ends when it can; nobody waits for it. Its end of the
 * pipe is closed when it ends. */
static int
end_sandbox(pid_t pid, int pipe, bool is_over)
{
    int status = -1;
    if (!is_over)
        kill(pid, SIGKILL);
    struct pollfd end = {pipe, 0, 0};
    bool may_wait = is_over || (poll(&end, 1, END_MS) > 0 && (end.revents & POLLHUP) != 0);
    while (waitpid(pid, &status, may_wait ? 0 : WNOHANG) < 0 && errno == EINTR)
        continue;
    return status;
}

/* How a process has ended that has answered. */
static int
judge_status(int status, struct diag *diag)
{
    if (WIFSIGNALED(status))
        return diag_set(diag, DIAG_FAILED, "the process that reads it was killed by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    int code = WEXITSTATUS(status);
    if (code == KEPT_RIGHTS)
        return diag_set(diag, DIAG_FAILED, "a process to read it cannot give its rights up");
    errno = code;
    return code == 0 ? 0 : diag_set(diag, DIAG_FAILED, "%s%s", strerror(code), diag_remedy(code));
}

static int
judge(enum ending ending, int status, struct diag *diag)
{
    errno = 0;
    if (ending == TOO_LATE)
        return diag_set(diag, DIAG_FAILED, "it takes too long to read");
    if (ending == TOO_MUCH)
        return diag_set(diag, DIAG_FAILED, "what is read of it has more than %d bytes", SANDBOX_MAX_ANSWER);
    return judge_status(status, diag);
}

static int
cannot(const char *what, struct diag *diag)
{
    diag_set(diag, DIAG_FAILED, "h2olog cannot %s: %s%s", what, strerror(errno), diag_remedy(errno));
    errno = 0;
    return -1;
}

/* The answer of the process `pid`, which writes it into the pipe. */
static int
take_answer(pid_t pid, int pipe, int64_t deadline, struct outbuf *answer, struct diag *diag)
{
    if (pid < 0)
        return cannot("fork", diag);
    enum ending ending = read_answer(pipe, answer, deadline);
    return judge(ending, end_sandbox(pid, pipe, ending == AT_END), diag);
}

int
sandbox_run(const struct sandbox_file *file, sandbox_work *work, const void *context, int64_t deadline, struct outbuf *answer,
            struct diag *diag)
{
    int pipe[2];
    pid_t parent = getpid();
    if (pipe2(pipe, O_CLOEXEC) != 0)
        return cannot("make a pipe", diag);
    pid_t pid = fork();
    if (pid == 0)
        be_sandbox(file, work, context, pipe[1], parent);
    int error = errno;
    close(pipe[1]);
    errno = error;
    int status = take_answer(pid, pipe[0], deadline, answer, diag);
    error = errno;
    close(pipe[0]);
    errno = error;
    return status;
}
