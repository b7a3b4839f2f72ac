/* Which processes are meant by -p, -e and --pid-file, and the wait for the first of them (--wait). */

#include "command/choose.h"
#include "host/pid_file.h"
#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;
static const struct diag_log quiet = {.quiet = true};
static char dir[] = "/tmp/unit-await-XXXXXX";

static const char *
path_of(const char *name)
{
    return mem_printf(&mem, "%s/%s", dir, name);
}

static void
write_text(const char *name, struct slice text)
{
    FILE *file = fopen(path_of(name), "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text.ptr, 1, text.len, file), text.len);
    fclose(file);
}

/* Copies the test server to where no other process runs it. */
static const char *
copy_server(const char *name)
{
    fixture_copy(fixture_server_path(), path_of(name));
    return path_of(name);
}

static void
set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
tear_down(void)
{
    static const char *const names[] = {"server", "other", "pid", "link"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(path_of(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
    mem_free(&mem);
}

/* ---- T9: pid files. */

START_TEST(t9_a_pid_file_has_one_number)
{
    static const struct {
        struct slice text;
        pid_t pid;
        enum pid_file_state state;
        const char *error; /* behind the file's name */
    } rows[] = {
        {{"1", 1}, 1, PID_FILE_READ, NULL},
        {{"123\n", 4}, 123, PID_FILE_READ, NULL},
        {{"\n\t 2147483647 \r\n\n", 16}, 2147483647, PID_FILE_READ, NULL},
        {{"", 0}, 0, PID_FILE_MISSING, ":1:1: expected the number of a process, but the file is empty"},
        {{" \n", 2}, 0, PID_FILE_MISSING, ":1:1: expected the number of a process, but the file is empty"},
        {{"0", 1}, 0, PID_FILE_BAD, ":1:1: expected the number of a process, but there is \"0\""},
        {{"-5", 2}, 0, PID_FILE_BAD, ":1:1: expected the number of a process, but there is \"-5\""},
        {{"\n  12x\n", 7}, 0, PID_FILE_BAD, ":2:3: expected the number of a process, but there is \"12x\""},
        {{"2147483648", 10}, 0, PID_FILE_BAD, ":1:1: expected the number of a process, but there is \"2147483648\""},
        {{"12 13\n", 6}, 0, PID_FILE_BAD, ":1:4: expected nothing behind the number of the process, but there is \"13\""},
        {{"12\n\na\033b", 7},
         0,
         PID_FILE_BAD,
         ":3:1: expected nothing behind the number of the process, but there is \"a\\x1bb\""},
        {{"12\0", 3}, 0, PID_FILE_BAD, ":1:1: expected the number of a process, but there is \"12\\x00\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pid_t pid = 0;
        write_text("pid", rows[i].text);
        diag = (struct diag){0};
        ck_assert_int_eq(pid_file_read(&pid, path_of("pid"), false, &mem, &diag), rows[i].state);
        ck_assert_int_eq(pid, rows[i].pid);
        ck_assert_str_eq(diag.message, rows[i].error != NULL ? mem_printf(&mem, "%s%s", path_of("pid"), rows[i].error) : "");
    }
}
END_TEST

/* It is opened as every other file: a missing one, a link of another's, a directory. */
START_TEST(t9_a_pid_file_that_cannot_be_read)
{
    pid_t pid;
    ck_assert_int_eq(pid_file_read(&pid, path_of("pid"), false, &mem, &diag), PID_FILE_MISSING);
    ck_assert_str_eq(diag.message,
                     mem_printf(&mem, "--pid-file: %s: No such file or directory; expected a file with the number of a process",
                                path_of("pid")));
    ck_assert_int_eq(pid_file_read(&pid, path_of("none/pid"), false, &mem, &diag), PID_FILE_MISSING);
    ck_assert_int_eq(pid_file_read(&pid, dir, false, &mem, &diag), PID_FILE_BAD);
    ck_assert_str_eq(diag.message,
                     mem_printf(&mem, "--pid-file: %s: it is a directory; expected a file with the number of a process", dir));
    if (geteuid() != 0)
        return;
    write_text("pid", text_of("1"));
    ck_assert_int_eq(chmod(dir, 01777), 0);
    ck_assert(symlink("pid", path_of("link")) == 0 && lchown(path_of("link"), 65534, 65534) == 0);
    ck_assert_int_eq(pid_file_read(&pid, path_of("link"), false, &mem, &diag), PID_FILE_BAD);
    ck_assert_ptr_nonnull(strstr(diag.message, "others than root can change"));
    ck_assert_int_eq(pid_file_read(&pid, path_of("link"), true, &mem, &diag), PID_FILE_READ);
}
END_TEST

/* ---- T9: by executable. */

static int
find_of(const char *path, struct find_servers *servers)
{
    struct find_exe exe;
    const struct find_query query = {.exe = &exe};
    ck_assert_msg(find_open_exe(&exe, path, false, &mem, &diag) == 0, "%s", diag.message);
    return find_all(servers, &query, &mem, &diag);
}

START_TEST(t9_all_that_run_the_file)
{
    const char *path = copy_server("server");
    struct find_servers found;
    ck_assert_int_eq(find_of(path, &found), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_ptr_nonnull(strstr(
        diag.message,
        mem_printf(&mem, "no running process has h2o's probes and runs %s; start it, or wait for it with --wait", path)));
    struct fixture_process first = fixture_start(path), second = fixture_start(path),
                           other = fixture_start(copy_server("other"));
    ck_assert_int_eq(symlink("server", path_of("link")), 0);
    ck_assert_int_eq(find_of(path_of("link"), &found), 0);
    ck_assert_uint_eq(found.count, 2);
    ck_assert(found.pids[0] == first.pid && found.pids[1] == second.pid);
    ck_assert_int_eq(remove(path), 0); /* an upgrade: another file has the name */
    struct fixture_process third = fixture_start(copy_server("server"));
    ck_assert_int_eq(find_of(path, &found), 0);
    ck_assert_uint_eq(found.count, 3);
    fixture_end(&first), fixture_end(&second), fixture_end(&third), fixture_end(&other);
}
END_TEST

/* ---- T11: what stands for a process. */

static pid_t
fork_child(void)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

START_TEST(t11_a_starter_and_others)
{
    const char *note, *path = copy_server("server");
    struct find_servers meant;
    ck_assert_int_eq(find_meant(&meant, getpid(), &note, &mem), FIND_OTHER);
    ck_assert(meant.count == 1 && meant.pids[0] == getpid() && note == NULL);
    ck_assert_int_eq(find_meant(&meant, 0x7fffffff, &note, &mem), FIND_OTHER);
    ck_assert(meant.count == 1 && meant.pids[0] == 0x7fffffff && note == NULL);
    struct fixture_process server = fixture_start(path);
    pid_t child = fork_child();
    ck_assert_int_eq(find_meant(&meant, server.pid, &note, &mem), FIND_SERVER);
    ck_assert(meant.count == 1 && meant.pids[0] == server.pid && note == NULL);
    ck_assert_int_eq(find_meant(&meant, getpid(), &note, &mem), FIND_STARTER);
    ck_assert(meant.count == 1 && meant.pids[0] == server.pid);
    ck_assert_msg(strstr(note, mem_printf(&mem, ") is no h2o, but has started one: pid %d", server.pid)) != NULL, "%s", note);
    struct fixture_process next = fixture_start(path);
    ck_assert_int_eq(find_meant(&meant, getpid(), &note, &mem), FIND_STARTER);
    ck_assert(meant.count == 2 && meant.pids[0] == server.pid && meant.pids[1] == next.pid);
    ck_assert_ptr_nonnull(
        strstr(note, mem_printf(&mem, ") is no h2o, but has started several: pid %d, %d", server.pid, next.pid)));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    fixture_end(&server), fixture_end(&next);
}
END_TEST

/* ---- The wait. */

static pid_t
look(struct await *await)
{
    diag = (struct diag){0};
    return await_next(await, &diag);
}

/* Until the process is there for good. */
static pid_t
look_until_found(struct await *await)
{
    pid_t pid = 0;
    for (int i = 0; i < 500 && pid == 0; i++) {
        pid = look(await);
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    }
    return pid;
}

START_TEST(t9_waits_for_a_server_of_the_file)
{
    const char *path = copy_server("server");
    struct await await = {.exe = path, .takes_all = true};
    ck_assert_str_eq(await_words(&await, &mem), mem_printf(&mem, "an h2o that runs %s", path));
    struct fixture_process other = fixture_start(copy_server("other"));
    ck_assert_int_eq(look(&await), 0);
    struct fixture_process first = fixture_start(path), second = fixture_start(path);
    pid_t found[2] = {look_until_found(&await), look(&await)};
    if (found[1] == 0) /* they were settled at different times */
        found[1] = look_until_found(&await);
    ck_assert((found[0] == first.pid && found[1] == second.pid) || (found[0] == second.pid && found[1] == first.pid));
    ck_assert(!await_is_over(&await));
    ck_assert_int_eq(look(&await), 0); /* a server that cannot be traced is told of once */
    ck_assert_int_eq(look(&await), 0);
    struct fixture_process third = fixture_start(path);
    ck_assert_int_eq(look_until_found(&await), third.pid);
    await.has_begun = true;
    ck_assert(await_is_over(&await));
    struct fixture_process late = fixture_start(path);
    ck_assert_int_eq(look(&await), 0);
    await_free(&await);
    fixture_end(&first), fixture_end(&second), fixture_end(&third), fixture_end(&late), fixture_end(&other);
}
END_TEST

/* Memory and looks do not grow. */
START_TEST(t9_a_wait_keeps_one_look)
{
    struct await await = {.exe = copy_server("server")};
    ck_assert_int_eq(look(&await), 0);
    size_t before = await.last.count;
    for (int i = 0; i < 20; i++) {
        struct fixture_process other = fixture_start(fixture_server_path());
        ck_assert_int_eq(look(&await), 0);
        fixture_end(&other);
    }
    ck_assert_int_eq(look(&await), 0);
    ck_assert_uint_lt(await.last.count, before + 1000);
    ck_assert_int_eq(remove(await.exe), 0);
    ck_assert_int_eq(look(&await), 0); /* as in the midst of an upgrade */
    await_free(&await);
}
END_TEST

START_TEST(t9_waits_for_a_pid_file)
{
    struct await await = {.pid_file = path_of("pid"), .takes_all = true};
    ck_assert_str_eq(await_words(&await, &mem), mem_printf(&mem, "the h2o that %s names", path_of("pid")));
    ck_assert_int_eq(look(&await), 0);
    write_text("pid", text_of(""));
    ck_assert_int_eq(look(&await), 0);
    pid_t child = fork_child();
    write_text("pid", text_of(mem_printf(&mem, "%d\n", child)));
    ck_assert_int_eq(look(&await), 0); /* it has started none yet */
    struct fixture_process server = fixture_start(copy_server("server"));
    write_text("pid", text_of(mem_printf(&mem, "%d\n", getpid())));
    ck_assert_int_eq(look_until_found(&await), server.pid);
    ck_assert_int_eq(look(&await), 0);
    ck_assert_int_eq(look(&await), 0); /* once */
    write_text("pid", text_of("h2o\n"));
    ck_assert_int_eq(look(&await), -1);
    ck_assert_str_eq(diag.message,
                     mem_printf(&mem, "%s:1:1: expected the number of a process, but there is \"h2o\"", path_of("pid")));
    ck_assert(await_is_over(&await));
    await_free(&await);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    fixture_end(&server);
}
END_TEST

/* ---- What the options choose. */

static struct options options;

static int
choose(const char *exe, const char *pid_file, bool wait, struct choose *chosen)
{
    options = (struct options){.exe = exe, .pid_file = pid_file, .wait = wait};
    diag = (struct diag){0};
    return choose_servers(chosen, &options, &quiet, &mem, &diag);
}

START_TEST(t9_what_is_not_there_is_waited_for)
{
    struct choose chosen;
    const char *none = path_of("other"), *path = copy_server("server");
    ck_assert_int_eq(choose(path, NULL, false, &chosen), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_int_eq(choose(none, NULL, false, &chosen), -1);
    ck_assert_int_eq(choose(NULL, none, false, &chosen), -1);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
    ck_assert_int_eq(choose(path, NULL, true, &chosen), 0);
    ck_assert(chosen.is_awaited && chosen.has_several && chosen.await.takes_all);
    ck_assert_int_eq(choose(none, NULL, true, &chosen), 0);
    ck_assert(chosen.is_awaited);
    ck_assert_int_eq(choose(NULL, none, true, &chosen), 0);
    ck_assert(chosen.is_awaited);
    write_text("pid", text_of(" 0 "));
    ck_assert_int_eq(choose(NULL, path_of("pid"), true, &chosen), -1);
    struct fixture_process server = fixture_start(path);
    ck_assert_int_eq(choose(path, NULL, true, &chosen), 0);
    ck_assert(!chosen.is_awaited && chosen.servers.count == 1 && chosen.servers.pids[0] == server.pid && chosen.has_several);
    ck_assert_int_eq(choose(path, NULL, false, &chosen), 0);
    ck_assert(!chosen.is_awaited && chosen.servers.count == 1 && !chosen.has_several);
    fixture_end(&server);
}
END_TEST

/* Each of a starter's and the starter itself are the same servers. */
START_TEST(t11_a_server_is_taken_once)
{
    struct choose chosen;
    struct fixture_process server = fixture_start(copy_server("server"));
    pid_t pid;
    options = (struct options){.pids = {{getpid(), server.pid, getpid()}, 3, false}};
    ck_assert_int_eq(choose_servers(&chosen, &options, &quiet, &mem, &diag), 0);
    ck_assert(chosen.servers.count == 1 && chosen.servers.pids[0] == server.pid);
    options = (struct options){.pids = {{getpid()}, 1, false}};
    ck_assert_int_eq(choose_one(&pid, &options, &quiet, &mem, &diag), 0);
    ck_assert_int_eq(pid, server.pid);
    struct fixture_process next = fixture_start(path_of("server"));
    ck_assert_int_eq(choose_one(&pid, &options, &quiet, &mem, &diag), -1);
    ck_assert_ptr_nonnull(
        strstr(diag.message, mem_printf(&mem, "2 processes are meant; this is done for one -p PID only:\n  %d  ", server.pid)));
    options = (struct options){.pids = {.all = true}};
    ck_assert_int_eq(choose_one(&pid, &options, &quiet, &mem, &diag), -1);
    options = (struct options){0};
    ck_assert_int_eq(choose_one(&pid, &options, &quiet, &mem, &diag), 0);
    ck_assert_int_eq(pid, 0);
    fixture_end(&server), fixture_end(&next);
}
END_TEST

Suite *
await_suite(void)
{
    Suite *suite = suite_create("await");
    TCase *tcase = tcase_create("await");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, t9_a_pid_file_has_one_number);
    tcase_add_test(tcase, t9_a_pid_file_that_cannot_be_read);
    tcase_add_test(tcase, t9_all_that_run_the_file);
    tcase_add_test(tcase, t11_a_starter_and_others);
    tcase_add_test(tcase, t9_waits_for_a_server_of_the_file);
    tcase_add_test(tcase, t9_a_wait_keeps_one_look);
    tcase_add_test(tcase, t9_waits_for_a_pid_file);
    tcase_add_test(tcase, t9_what_is_not_there_is_waited_for);
    tcase_add_test(tcase, t11_a_server_is_taken_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
