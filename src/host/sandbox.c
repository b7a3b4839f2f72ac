#include "host/sandbox.h"

#include "base/clock.h"
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

#ifndef SYS_close_range
#define SYS_close_range 436 /* glibc of Debian 11 does not name it */
#endif

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

/* The file becomes 0, the pipe 1, and there is no other. */
static bool
keep_two_files(int fd, int pipe)
{
    int copy = fcntl(pipe, F_DUPFD, 2);
    if (copy < 0 || dup2(fd, 0) < 0 || dup2(copy, 1) < 0)
        return false;
    if (syscall(SYS_close_range, 2u, ~0u, 0u) == 0)
        return true;
    for (int other = 2; other < 1024; other++) /* before Linux 5.9 */
        close(other);
    return true;
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

/* Becoming another user takes the death signal back, so it is asked for behind that. */
static bool
die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static bool
send_answer(struct slice answer)
{
    while (answer.len > 0) {
        ssize_t done = write(1, answer.ptr, answer.len);
        if (done < 0 && errno != EINTR)
            return false;
        text_skip(&answer, done > 0 ? (size_t)done : 0);
    }
    return true;
}

static void
be_sandbox(sandbox_work *work, const void *context, int fd, int pipe, pid_t parent)
{
    struct outbuf answer = {0};
    if (!keep_two_files(fd, pipe) || !give_up_rights() || !die_with(parent))
        _exit(1);
    work(0, context, &answer);
    _exit(send_answer((struct slice){answer.ptr, answer.len}) ? 0 : 1);
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

static int
judge(enum ending ending, int status, struct diag *diag)
{
    if (ending == TOO_LATE)
        return diag_set(diag, DIAG_FAILED, "it takes too long to read");
    if (ending == TOO_MUCH)
        return diag_set(diag, DIAG_FAILED, "what is read of it has more than %d bytes", SANDBOX_MAX_ANSWER);
    if (WIFSIGNALED(status))
        return diag_set(diag, DIAG_FAILED, "the process that reads it was killed by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    return WEXITSTATUS(status) == 0 ? 0 : diag_set(diag, DIAG_FAILED, "a process to read it cannot give its rights up");
}

int
sandbox_run(sandbox_work *work, const void *context, int fd, int64_t deadline, struct outbuf *answer, struct diag *diag)
{
    int pipe[2];
    pid_t parent = getpid();
    if (pipe2(pipe, O_CLOEXEC) != 0)
        return diag_set(diag, DIAG_FAILED, "cannot make a pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        be_sandbox(work, context, fd, pipe[1], parent);
    int error = errno;
    close(pipe[1]);
    int status = 0;
    if (pid < 0) {
        status = diag_set(diag, DIAG_FAILED, "cannot fork: %s", strerror(error));
    } else {
        enum ending ending = read_answer(pipe[0], answer, deadline);
        status = judge(ending, end_sandbox(pid, pipe[0], ending == AT_END), diag);
    }
    close(pipe[0]);
    return status;
}
