#include "host/child.h"

#include "host/bpftrace.h"
#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;
static char *envp[] = {"PATH=/usr/bin:/bin", NULL};

static void
tear_down(void)
{
    mem_free(&mem);
}

static void
start(struct child *child, const char *script, int pass_fd)
{
    char *argv[] = {"sh", "-c", (char *)script, NULL};
    ck_assert_msg(child_start(child, "/bin/sh", argv, envp, pass_fd, &diag) == 0, "%s", diag.message);
}

/* All of a pipe, up to its end. */
static void
read_all(int fd, struct outbuf *out)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};
    ssize_t got = 1;
    while (got > 0 && poll(&poll_fd, 1, 5000) > 0)
        if ((got = read(fd, text_reserve(out, 4096), 4096)) > 0)
            out->len += (size_t)got;
}

START_TEST(stdout_and_stderr_are_apart_and_do_not_block)
{
    struct child child;
    struct outbuf out = {0}, err = {0};
    char byte;
    start(&child, "read never || echo out; echo err >&2; exit 3", -1);
    ck_assert(fcntl(child.out, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(child.err, F_GETFL) & O_NONBLOCK);
    ck_assert_int_eq(getpgid(child.pid), child.pid);
    read_all(child.out, &out);
    read_all(child.err, &err);
    fixture_equal(&out, "out\n");
    fixture_equal(&err, "err\n");
    struct pollfd ended = {child.pidfd, POLLIN, 0};
    ck_assert_int_eq(poll(&ended, 1, 5000), 1);
    int fd = child.out, status = child_wait(&child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert(child.out == -1 && child.err == -1 && child.pidfd == -1);
    ck_assert_int_eq((int)read(fd, &byte, 1), -1);
    text_free(&out);
    text_free(&err);
}
END_TEST

START_TEST(one_file_is_passed_on_and_no_other)
{
    struct child child;
    struct outbuf out = {0};
    int passed = memfd_create("passed", MFD_CLOEXEC), kept = memfd_create("kept", MFD_CLOEXEC);
    ck_assert_int_eq((int)write(passed, "program", 7), 7);
    char *script = mem_printf(&mem, "cat /proc/self/fd/%d; test -e /proc/self/fd/%d || echo -none", passed, kept);
    start(&child, script, passed);
    read_all(child.out, &out);
    fixture_equal(&out, "program-none\n");
    ck_assert(fcntl(passed, F_GETFD) & FD_CLOEXEC);
    child_wait(&child);
    close(passed);
    close(kept);
    text_free(&out);
}
END_TEST

START_TEST(signals_are_as_by_default)
{
    struct child child;
    struct outbuf out = {0};
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    start(&child, "grep -E '^Sig(Blk|Ign)' /proc/self/status", -1);
    read_all(child.out, &out);
    text_putc(&out, '\0');
    unsigned long blocked = 1, ignored = 1;
    ck_assert_int_eq(sscanf(out.ptr, "SigBlk: %lx SigIgn: %lx", &blocked, &ignored), 2);
    ck_assert_uint_eq(blocked, 0);
    ck_assert_uint_eq(ignored & 0x7fffffff, 0); /* the two after these are the C library's own and cannot be set */
    child_wait(&child);
    text_free(&out);
}
END_TEST

START_TEST(a_signal_reaches_the_whole_group)
{
    struct child child;
    struct outbuf out = {0};
    start(&child, "sleep 60 & sleep 60 & echo started; wait", -1);
    struct pollfd poll_out = {child.out, POLLIN, 0};
    ck_assert_int_eq(poll(&poll_out, 1, 5000), 1);
    child_signal(&child, SIGKILL);
    read_all(child.out, &out); /* ends when the last of them is gone */
    fixture_equal(&out, "started\n");
    ck_assert_int_eq(WTERMSIG(child_wait(&child)), SIGKILL);
    text_free(&out);
}
END_TEST

static void
check_capture_within(int timeout_ms, const char *script, const char *message)
{
    char *argv[] = {"sh", "-c", (char *)script, NULL};
    struct outbuf out = {0};
    ck_assert_int_eq(child_capture("/bin/sh", argv, envp, &out, timeout_ms, &diag), -1);
    ck_assert_str_eq(diag.message, message);
    ck_assert_int_eq(diag.status, DIAG_MACHINE);
    text_free(&out);
}

static void
check_capture(const char *script, const char *message)
{
    check_capture_within(10000, script, message);
}

START_TEST(a_capture_fails_with_the_program)
{
    check_capture("exit 3", "/bin/sh -c failed with status 3; name a bpftrace that works with --bpftrace PATH");
    check_capture("kill -15 $$", "/bin/sh -c failed with signal 15; name a bpftrace that works with --bpftrace PATH");
    check_capture("exec cat /dev/zero", "/bin/sh -c failed with signal 9; name a bpftrace that works with --bpftrace PATH");
}
END_TEST

/* Regression: it "failed with signal 9", which was h2olog's own. */
START_TEST(a_capture_that_takes_too_long_says_how_long)
{
    check_capture_within(100, "sleep 60",
                         "/bin/sh -c did not answer within 0.1 s; the host may be slow or busy: try again, or name a bpftrace "
                         "that works with --bpftrace PATH");
    check_capture_within(1500, "sleep 60 & exit 3",
                         "/bin/sh -c did not answer within 1.5 s; the host may be slow or busy: try again, or name a bpftrace "
                         "that works with --bpftrace PATH");
}
END_TEST

/* A bpftrace of the given --version output, in a directory that is PATH then. */
static char dir[] = "/tmp/unit-child-XXXXXX";

static void
make_tracer(const char *script)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    FILE *file = fopen(mem_printf(&mem, "%s/bpftrace", dir), "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    ck_assert_int_eq(chmod(mem_printf(&mem, "%s/bpftrace", dir), 0755), 0);
}

static void
remove_tracer(void)
{
    remove(mem_printf(&mem, "%s/bpftrace", dir));
    ck_assert_int_eq(rmdir(dir), 0);
    memset(dir + sizeof(dir) - 7, 'X', 6);
}

START_TEST(bpftrace_is_found_on_path)
{
    struct bpftrace bpftrace;
    unsetenv("SUDO_UID"), unsetenv("SUDO_GID");
    make_tracer("echo bpftrace v0.20.2");
    setenv("PATH", mem_printf(&mem, "/nonexistent::%s:/bin", dir), 1);
    ck_assert_msg(bpftrace_find(&bpftrace, NULL, false, &mem, &diag) == 0, "%s", diag.message);
    ck_assert_str_eq(bpftrace.path, mem_printf(&mem, "%s/bpftrace", dir));
    ck_assert(bpftrace.major == 0 && bpftrace.minor == 20 && bpftrace.patch == 2);
    ck_assert_str_eq(bpftrace.row.string_size_variable, "BPFTRACE_MAX_STRLEN");
    remove_tracer();
}
END_TEST

/* Who may run one command line by sudo had root run a bpftrace of his, where sudo left his PATH as it was. */
START_TEST(root_takes_no_path_from_who_called_sudo)
{
    struct bpftrace bpftrace;
    if (geteuid() != 0)
        return;
    make_tracer("echo bpftrace v0.20.2");
    setenv("PATH", dir, 1), setenv("SUDO_UID", "4321", 1), setenv("SUDO_GID", "4321", 1);
    if (bpftrace_find(&bpftrace, NULL, false, &mem, &diag) != 0)
        ck_assert_ptr_nonnull(strstr(diag.message, "which is /usr/local/sbin:"));
    ck_assert(bpftrace.path == NULL || strstr(bpftrace.path, dir) == NULL);
    bpftrace_newest(&bpftrace);
    ck_assert_ptr_null(strstr(bpftrace_environment(&bpftrace, (struct bpftrace_memory){4096, 1}, false, &mem)[0], dir));
    unsetenv("SUDO_UID"), unsetenv("SUDO_GID");
    remove_tracer();
}
END_TEST

START_TEST(a_bpftrace_that_is_not_there_or_no_bpftrace)
{
    struct bpftrace bpftrace;
    unsetenv("SUDO_UID"), unsetenv("SUDO_GID");
    setenv("PATH", "/nonexistent", 1);
    ck_assert_int_eq(bpftrace_find(&bpftrace, NULL, false, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_MACHINE);
    ck_assert_str_eq(diag.message, "bpftrace is not on PATH; install it (apt-get install bpftrace), or name it with --bpftrace "
                                   "PATH");
    unsetenv("PATH");
    ck_assert_int_eq(bpftrace_find(&bpftrace, NULL, false, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_MACHINE);
    ck_assert_int_eq(bpftrace_find(&bpftrace, "/nonexistent/b", false, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "cannot run /nonexistent/b: No such file or directory");
    make_tracer("printf 'a\\033[31m\\nb'");
    const char *path = mem_printf(&mem, "%s/bpftrace", dir);
    ck_assert_int_eq(bpftrace_find(&bpftrace, path, false, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_MACHINE);
    ck_assert_str_eq(diag.message, mem_printf(&mem,
                                              "%s is not bpftrace: --version printed \"a\\x1b[31m\", expected "
                                              "\"bpftrace vX.Y.Z\"; name one with --bpftrace PATH",
                                              path));
    remove_tracer();
}
END_TEST

START_TEST(the_environment_of_bpftrace)
{
    static const struct {
        const char *version, *strlen, *keys;
    } rows[] = {
        {"bpftrace v0.17.0", "BPFTRACE_STRLEN=112", "BPFTRACE_MAP_KEYS_MAX=32768"},
        {"bpftrace v0.19.1", "BPFTRACE_STRLEN=112", "BPFTRACE_MAP_KEYS_MAX=32768"},
        {"bpftrace v0.20.0", "BPFTRACE_MAX_STRLEN=112", "BPFTRACE_MAX_MAP_KEYS=32768"},
        {"bpftrace v0.23.0", "BPFTRACE_MAX_STRLEN=1024", "BPFTRACE_MAX_MAP_KEYS=32768"},
    };
    struct bpftrace_memory memory = {.print_buffer = 4 * (size_t)sysconf(_SC_PAGESIZE), .map_keys = 32768};
    setenv("PATH", "/a:/b", 1);
    setenv("BPFTRACE_STRLEN", "7", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bpftrace bpftrace = {.path = "b"};
        ck_assert_int_eq(bpftrace_parse_version(&bpftrace, text_of(rows[i].version), &diag), 0);
        char **environment = bpftrace_environment(&bpftrace, memory, false, &mem);
        ck_assert_str_eq(environment[0], "PATH=/a:/b");
        ck_assert_str_eq(environment[1], rows[i].strlen);
        ck_assert_str_eq(environment[2], "BPFTRACE_PERF_RB_PAGES=4");
        ck_assert_str_eq(environment[3], rows[i].keys);
        ck_assert_str_eq(environment[4], "BPFTRACE_MAX_PROBES=16384");
        ck_assert_ptr_null(environment[5]);
        environment = bpftrace_environment(&bpftrace, memory, true, &mem);
        ck_assert_str_eq(environment[5], "BPFTRACE_LOG_SIZE=16777215");
        ck_assert_ptr_null(environment[6]);
    }
}
END_TEST

/* Regression: with 256-byte strings 0.24.2 printed "x-own:" for the five bytes "x-own", and nothing could be decoded. */
START_TEST(strings_of_0_24_to_0_26_are_long_enough_to_be_whole)
{
    for (unsigned minor = 12; minor < 30; minor++) {
        struct bpftrace bpftrace = {.path = "b"};
        ck_assert_int_eq(bpftrace_parse_version(&bpftrace, text_of(mem_printf(&mem, "bpftrace v0.%u.0", minor)), &diag), 0);
        ck_assert_uint_ge(bpftrace.row.string_size, minor >= 24 && minor < 27 ? 1024 : bpftrace.row.text_chunk + 2);
    }
}
END_TEST

START_TEST(the_newest_tracer_reaches_every_argument)
{
    struct bpftrace bpftrace;
    bpftrace_newest(&bpftrace);
    ck_assert_str_eq(bpftrace.path, "bpftrace");
    ck_assert(bpftrace_is_set(&bpftrace) && bpftrace.row.max_args == 12 && !bpftrace.row.per_cpu_buffers);
    ck_assert(bpftrace.major == bpftrace.row.major && bpftrace.minor == bpftrace.row.minor);
}
END_TEST

Suite *
child_suite(void)
{
    Suite *suite = suite_create("child");
    TCase *tcase = tcase_create("child");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, stdout_and_stderr_are_apart_and_do_not_block);
    tcase_add_test(tcase, one_file_is_passed_on_and_no_other);
    tcase_add_test(tcase, signals_are_as_by_default);
    tcase_add_test(tcase, a_signal_reaches_the_whole_group);
    tcase_add_test(tcase, a_capture_fails_with_the_program);
    tcase_add_test(tcase, a_capture_that_takes_too_long_says_how_long);
    tcase_add_test(tcase, bpftrace_is_found_on_path);
    tcase_add_test(tcase, root_takes_no_path_from_who_called_sudo);
    tcase_add_test(tcase, a_bpftrace_that_is_not_there_or_no_bpftrace);
    tcase_add_test(tcase, the_environment_of_bpftrace);
    tcase_add_test(tcase, strings_of_0_24_to_0_26_are_long_enough_to_be_whole);
    tcase_add_test(tcase, the_newest_tracer_reaches_every_argument);
    suite_add_tcase(suite, tcase);
    return suite;
}
