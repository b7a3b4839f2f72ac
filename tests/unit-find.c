/* The search for a server among the processes of a host, some of whose users would rather not have it found. */

#include "base/clock.h"
#include "host/elf_reader.h"
#include "host/find.h"
#include "host/process.h"
#include "host/target.h"
#include "unit-elf.h"
#include "unit-fixture.h"
#include "unit-fuse.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;

static void
tear_down(void)
{
    mem_free(&mem);
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- B4: a file system that does not answer any more. */

struct hung {
    struct fuse_mount mount;
    pid_t pid; /* of a stranger's process whose executable is in it; it has h2o's notes */
};

/* false: it cannot be tried here. */
static bool
start_hung(struct hung *hung, uid_t user)
{
    struct outbuf notes = {0};
    elf_put_probe(&notes, "receive_request", "8@%rdi");
    char path[] = "/tmp/unit-find-XXXXXX";
    close(mkstemp(path));
    ck_assert(elf_copy_with_notes("/bin/sleep", path, &notes, notes.len));
    text_free(&notes);
    const struct file file = fixture_read(path, &mem);
    remove(path);
    if (geteuid() != 0 || !fuse_start(&hung->mount, file.text.ptr, file.text.len))
        return false;
    hung->pid = fixture_stranger(mem_printf(&mem, "%s/file", hung->mount.path), user);
    fuse_fall_silent(&hung->mount);
    return true;
}

static void
end_hung(const struct hung *hung)
{
    fuse_end(&hung->mount);
    end(hung->pid);
}

START_TEST(b4_an_executable_that_is_never_answered_for)
{
    struct hung hung;
    struct target target;
    struct process_file file;
    struct diag why = {0};
    pid_t found;
    if (!start_hung(&hung, FIXTURE_NOBODY))
        return;
    int64_t begin = clock_ms();
    find_server(&found, &mem, &diag);
    int64_t searched = clock_ms();
    int status = target_open(&target, hung.pid, &mem, &why);
    int64_t opened = clock_ms();
    bool is_known = process_exe_file(hung.pid, clock_ms() + 100, &file);
    int64_t asked = clock_ms();
    end_hung(&hung);
    target_close(&target);
    ck_assert_msg(strstr(diag.message, mem_printf(&mem, "\n  %d  ", hung.pid)) == NULL, "%s", diag.message);
    ck_assert_int_lt(searched - begin, 20000); /* it was for ever */
    ck_assert_int_eq(status, -1);
    ck_assert_msg(strstr(why.message, "/file: it takes too long to read") != NULL, "%s", why.message);
    ck_assert_int_lt(opened - searched, 20000);
    ck_assert(!is_known);
    ck_assert_int_lt(asked - opened, 10000);
}
END_TEST

/* Others are found beside it. */
START_TEST(b4_a_search_goes_on_behind_it)
{
    struct hung hung;
    const char *server = fixture_server_path();
    pid_t found = 0;
    int script;
    if (!start_hung(&hung, FIXTURE_NOBODY))
        return;
    pid_t pid = fixture_server(server, server, &script);
    int status = find_server(&found, &mem, &diag);
    end_hung(&hung);
    end(pid);
    close(script);
    bool is_listed = strstr(diag.message, mem_printf(&mem, "\n  %d  ", pid)) != NULL;
    ck_assert_msg((status == 0 && found == pid) || is_listed || strstr(diag.message, "\n  ...") != NULL, "%s", diag.message);
}
END_TEST

/* Each user may take 2 of the 5 s. What was found before the time was over was forgotten. */
START_TEST(several_users_hide_nobody_of_root)
{
    enum { HUNG = 6 };
    struct hung hung[HUNG];
    int nhung = 0;
    while (nhung < HUNG && start_hung(&hung[nhung], FIXTURE_NOBODY - (uid_t)nhung / 2))
        nhung++;
    pid_t found = 0;
    struct fixture_process server = fixture_start(fixture_server_path());
    int status = find_server(&found, &mem, &diag);
    fixture_end(&server);
    for (int i = 0; i < nhung; i++)
        end_hung(&hung[i]);
    bool is_listed = strstr(diag.message, mem_printf(&mem, "\n  %d  ", server.pid)) != NULL;
    ck_assert_msg((status == 0 && found == server.pid) || is_listed || strstr(diag.message, "\n  ...") != NULL, "%s",
                  diag.message);
}
END_TEST

/* ---- B9: many of them. */

enum { STRANGERS = 50 };

static void
start_many(pid_t *pids, const char *provider)
{
    char dir[] = "/tmp/unit-find-XXXXXX";
    struct outbuf notes = {0};
    for (int i = 0; i < 16384; i++) {
        char strings[64];
        int len = snprintf(strings, sizeof(strings), "%s%ce%d%c8@%%rdi -4@%%eax", provider, '\0', i % 1024, '\0');
        elf_put_note(&notes, "stapsdt", 3, 0x1010, strings, (size_t)len + 1);
    }
    ck_assert(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
    for (int i = 0; i < STRANGERS; i++) {
        const char *path = mem_printf(&mem, "%s/stranger%d", dir, i);
        ck_assert(elf_copy_with_notes("/bin/sleep", path, &notes, notes.len));
        pids[i] = fixture_stranger(path, FIXTURE_NOBODY);
        remove(path);
    }
    rmdir(dir);
    text_free(&notes);
}

/* CPU time so far, in milliseconds, that of processes that were waited for too. */
static int64_t
cpu_ms(void)
{
    int64_t ms = 0;
    for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
        struct rusage usage;
        ck_assert_int_eq(getrusage(who, &usage), 0);
        ms += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    }
    return ms;
}

static int64_t
time_of_search(void)
{
    pid_t found;
    int64_t begin = cpu_ms();
    find_server(&found, &mem, &diag);
    return cpu_ms() - begin;
}

/* The time that the search takes because of them. */
static int64_t
time_of_many(const char *provider)
{
    pid_t pids[STRANGERS];
    int64_t without = time_of_search();
    start_many(pids, provider);
    int64_t with = time_of_search();
    for (int i = 0; i < STRANGERS; i++)
        end(pids[i]);
    return with - without;
}

/* It took 4 s, and 400 of them let nothing be found. */
START_TEST(b9_many_files_with_many_sites)
{
    ck_assert_int_lt(time_of_many("other"), 2500);
    ck_assert_int_lt(time_of_many("h2o"), 2500);
}
END_TEST

/* ---- B11: an error has its own cause. */

/* RLIM_INFINITY: as many as may be; sanitizers open files when the test ends. */
static void
limit_files(rlim_t most)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most != RLIM_INFINITY ? most : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The lowest descriptor that is free. */
static int
free_descriptor(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

START_TEST(b11_no_file_is_free_for_a_process_that_is_there)
{
    struct target target;
    int first = free_descriptor();
    for (int more = 0; more < 3; more++) {
        limit_files((rlim_t)(first + 2 - more));
        ck_assert_int_eq(target_open(&target, getppid(), &mem, &diag), -1);
        ck_assert_msg(strstr(diag.message, "Too many open files; raise the limit of open files (ulimit -n)") != NULL, "%s",
                      diag.message);
        ck_assert_int_eq(diag.status, DIAG_MACHINE);
        target_close(&target);
    }
    limit_files(RLIM_INFINITY);
}
END_TEST

START_TEST(b11_no_file_is_free_for_a_search)
{
    pid_t found;
    int first = free_descriptor();
    for (int more = 0; more < 3; more++) {
        limit_files((rlim_t)(first + 2 - more));
        ck_assert_int_eq(find_server(&found, &mem, &diag), -1);
        ck_assert_msg(strstr(diag.message, "Too many open files; raise the limit of open files (ulimit -n)") != NULL, "%s",
                      diag.message);
    }
    limit_files(RLIM_INFINITY);
}
END_TEST

Suite *
find_suite(void)
{
    Suite *suite = suite_create("find");
    TCase *tcase = tcase_create("find");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, b4_an_executable_that_is_never_answered_for);
    tcase_add_test(tcase, b4_a_search_goes_on_behind_it);
    tcase_add_test(tcase, several_users_hide_nobody_of_root);
    tcase_add_test(tcase, b9_many_files_with_many_sites);
    tcase_add_test(tcase, b11_no_file_is_free_for_a_process_that_is_there);
    tcase_add_test(tcase, b11_no_file_is_free_for_a_search);
    suite_add_tcase(suite, tcase);
    return suite;
}
