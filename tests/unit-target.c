#include "host/find.h"
#include "host/target.h"

#include "host/process.h"
#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;

/* The servers that a test has started. */
static struct {
    pid_t pid;
    int script; /* its script, which never comes */
} started[2];
static int nstarted;

static void
tear_down(void)
{
    while (nstarted > 0) {
        nstarted--;
        kill(started[nstarted].pid, SIGKILL);
        waitpid(started[nstarted].pid, NULL, 0);
        close(started[nstarted].script);
    }
    mem_free(&mem);
}

/* Starts `path` under the name `name`; it is ended after the test. */
static pid_t
start(const char *path, const char *name)
{
    pid_t pid = fixture_server(path, name, &started[nstarted].script);
    started[nstarted++].pid = pid;
    return pid;
}

START_TEST(no_process)
{
    static const pid_t pids[] = {4194304, 0x7fffffff, 0, -1};
    for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
        struct target target;
        diag = (struct diag){0};
        ck_assert_int_eq(target_open(&target, pids[i], &mem, &diag), -1);
        ck_assert_int_eq(diag.status, DIAG_NOTHING);
        const char *start = mem_printf(&mem, "there is no process %d (", pids[i]);
        ck_assert_msg(strncmp(diag.message, start, strlen(start)) == 0, "%s", diag.message);
        ck_assert_ptr_nonnull(strstr(diag.message, "; pgrep -xo h2o prints the pid of a running h2o"));
        ck_assert_int_eq(target.pidfd, -1);
        target_close(&target);
    }
}
END_TEST

START_TEST(a_process_without_probes)
{
    struct target target;
    ck_assert_int_eq(target_open(&target, getpid(), &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    const char *start = mem_printf(&mem, "process %d (%s) has none of h2o's probes; ", getpid(), target.command);
    ck_assert_msg(strncmp(diag.message, start, strlen(start)) == 0, "%s", diag.message);
    ck_assert_ptr_nonnull(strstr(diag.message, "-DWITH_DTRACE=on"));
    ck_assert_uint_eq(target_touch(&target), 0);
    target_close(&target);
    target_close(&target);
}
END_TEST

/* What the process calls itself must not drive the terminal. */
START_TEST(the_command_is_escaped)
{
    const char *server = fixture_server_path();
    struct target target;
    ck_assert_msg(target_open(&target, start(server, "h2o\033[31m\n\\"), &mem, &diag) == 0, "%s", diag.message);
    ck_assert_str_eq(target.command, "h2o\\x1b[31m\\x0a\\\\ --lifetime 30 --script -");
    target_close(&target);
}
END_TEST

START_TEST(objects_have_their_marks)
{
    const char *server = fixture_server_path();
    struct target target;
    size_t count = 0;
    ck_assert_msg(target_open(&target, start(server, server), &mem, &diag) == 0, "%s", diag.message);
    char *real = realpath(server, NULL);
    ck_assert_ptr_nonnull(real);
    for (size_t i = 0; i < target.nobjects; i++) {
        count += target.objects[i].is_exe;
        ck_assert(target.objects[i].is_exe == (strcmp(target.objects[i].first.path, real) == 0));
    }
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(usdt_find(&target.probes, "h2o", "receive_request")->object, real);
    free(real);
    target_close(&target);
}
END_TEST

/* The probes of a binary that is not there any more, or that another one has taken the place of. */
static void
check_without_binary(bool is_replaced)
{
    char dir[] = "/tmp/unit-target-XXXXXX";
    struct target target;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    const char *path = mem_printf(&mem, "%s/server", dir), *other = mem_printf(&mem, "%s/other", dir);
    fixture_copy(fixture_server_path(), path);
    fixture_copy("/bin/sh", other);
    pid_t pid = start(path, path);
    ck_assert_int_eq(is_replaced ? rename(other, path) : remove(path), 0);
    int status = target_open(&target, pid, &mem, &diag);
    remove(path);
    remove(other);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_msg(status == 0, "%s", diag.message);
    ck_assert(target.by_path);
    const struct usdt_probe *probe = usdt_find(&target.probes, "h2o", "receive_request");
    ck_assert_ptr_nonnull(probe);
    ck_assert_uint_gt(probe->sites[0].address, 0);
    ck_assert_uint_gt(target_touch(&target), 0);
    target_close(&target);
}

START_TEST(a_binary_that_was_deleted)
{
    if (geteuid() == 0)
        check_without_binary(false);
}
END_TEST

START_TEST(a_binary_that_was_replaced)
{
    if (geteuid() == 0)
        check_without_binary(true);
}
END_TEST

START_TEST(the_pidfd_tells_of_the_end)
{
    const char *server = fixture_server_path();
    struct target target;
    pid_t pid = start(server, server);
    ck_assert_msg(target_open(&target, pid, &mem, &diag) == 0, "%s", diag.message);
    siginfo_t info;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(info.si_pid, pid);
    ck_assert_uint_eq(target_touch(&target), 0);
    target_close(&target);
}
END_TEST

/* Others may run on the host, so there are two at least. */
START_TEST(of_several_one_must_be_chosen)
{
    const char *server = fixture_server_path();
    pid_t pid = 0;
    start(server, server);
    start(server, server);
    ck_assert_int_eq(find_server(&pid, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
    ck_assert_ptr_nonnull(
        strstr(diag.message, " processes have h2o's probes; choose with -p PID[,PID], or take all of them with -p all:\n  "));
    ck_assert_int_eq(pid, 0);
}
END_TEST

/* Only root may have many groups. */
static void
join_groups(size_t count)
{
    static gid_t groups[2000];
    for (size_t i = 0; i < count; i++)
        groups[i] = (gid_t)(1000000 + i);
    if (geteuid() == 0 && setgroups(count, groups) != 0)
        _exit(1);
}

/* Only the first 4 KiB of what /proc says were read, so that a process of 500 groups seemed to have no signals. */
START_TEST(a_process_of_many_groups_may_have_signals_before_it)
{
    const uint64_t end = 1u << (SIGTERM - 1);
    uint64_t pending;
    pid_t pid = fork();
    if (pid == 0) {
        join_groups(2000);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    ck_assert(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    ck_assert(process_is_stopped(pid, &pending) && pending == 0);
    kill(pid, SIGTERM);
    ck_assert(process_is_stopped(pid, &pending) && pending == end);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    ck_assert(!process_is_stopped(pid, &pending));
}
END_TEST

Suite *
target_suite(void)
{
    Suite *suite = suite_create("target");
    TCase *tcase = tcase_create("target");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, no_process);
    tcase_add_test(tcase, a_process_without_probes);
    tcase_add_test(tcase, the_command_is_escaped);
    tcase_add_test(tcase, a_process_of_many_groups_may_have_signals_before_it);
    tcase_add_test(tcase, objects_have_their_marks);
    tcase_add_test(tcase, a_binary_that_was_deleted);
    tcase_add_test(tcase, a_binary_that_was_replaced);
    tcase_add_test(tcase, the_pidfd_tells_of_the_end);
    tcase_add_test(tcase, of_several_one_must_be_chosen);
    suite_add_tcase(suite, tcase);
    return suite;
}
