/* --follow: who is a successor, and what is kept of those that have ended. */

#include "base/clock.h"
#include "run/launch.h"
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
static char own_server[] = "/tmp/unit-follow-XXXXXX";

/* The servers of tests that run beside this one are no successors of its own. */
static void
set_up(void)
{
    int fd = mkstemp(own_server);
    ck_assert_int_ge(fd, 0);
    close(fd);
    fixture_copy(fixture_server_path(), own_server);
}

static void
tear_down(void)
{
    remove(own_server);
    mem_free(&mem);
}

/* Until the kernel counts another tick, as that is how it tells which process is younger. */
static void
wait_for_tick(void)
{
    nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
}

/* ---- T6: who is a successor. */

static struct kin
kin_of(struct process process)
{
    return (struct kin){.process = process, .exe = {"/nonexistent/sbin/h2o", 7}, .file = {1, 2}};
}

static const struct process server_process = {.pid = 4194100, .parent = 4194101, .session = 60, .started = 1000};

/* Those of the same file, by its name. */
START_TEST(t6_younger_and_related)
{
    static const struct {
        struct process process;
        bool is_successor;
    } rows[] = {
        {{.parent = 4194101, .session = 61, .started = 1001}, true},
        {{.parent = 4194102, .session = 60, .started = 1001}, true},
        {{.parent = 4194102, .session = 61, .started = 1001}, false},
        {{.parent = 4194101, .session = 60, .started = 999}, false},
        {{.parent = 4194101, .session = 60, .started = 1001, .is_forked = true}, false}, /* as neverbleed is */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kin server = kin_of(server_process), other = kin_of(rows[i].process);
        ck_assert_msg(kin_is_successor(&server, &other) == rows[i].is_successor, "row %zu", i);
    }
}
END_TEST

/* In a container everybody may have the parent, the session or the control group of the server. */
START_TEST(a_process_of_another_user_is_no_successor)
{
    struct kin server = kin_of(server_process), other = kin_of(server_process);
    other.process.started++;
    other.process.session += _i == 1 || _i == 2;
    other.process.parent += _i == 0 || _i == 2;
    server.service = other.service = _i == 2 ? 5 : 0;
    server.user = 33;
    other.user = 0; /* it is no other user yet */
    ck_assert(kin_is_successor(&server, &other));
    other.user = 33;
    ck_assert(kin_is_successor(&server, &other));
    other.user = 1000;
    ck_assert(!kin_is_successor(&server, &other));
    server.sockets[server.nsockets++] = other.sockets[other.nsockets++] = 77;
    ck_assert(kin_is_successor(&server, &other));
}
END_TEST

START_TEST(t6_related_by_a_socket_or_a_service)
{
    struct kin server = kin_of(server_process), other = kin_of((struct process){.parent = 1, .session = 61, .started = 1001});
    server.sockets[server.nsockets++] = 77;
    server.sockets[server.nsockets++] = 78;
    other.sockets[other.nsockets++] = 79;
    ck_assert(!kin_is_successor(&server, &other));
    other.sockets[other.nsockets++] = 78;
    ck_assert(kin_is_successor(&server, &other));
    other.nsockets = 0;
    other.service = 5;
    ck_assert(!kin_is_successor(&server, &other));
    server.service = 5;
    ck_assert(kin_is_successor(&server, &other));
    server.process.parent = 1; /* as of two services of systemd's */
    ck_assert(kin_is_successor(&server, &other));
    server.service = 6;
    ck_assert(!kin_is_successor(&server, &other));
}
END_TEST

/* The same file: by its name, removed or replaced, or by what the file system says. */
START_TEST(t6_of_the_same_file)
{
    static const struct {
        struct process_exe exe;
        struct process_file file;
        bool is_successor;
    } rows[] = {
        {{"/nonexistent/sbin/h2o", 7}, {1, 9}, true},
        {{"/nonexistent/sbin/h2o (deleted)", 7}, {1, 9}, true},
        {{"/nonexistent/sbin/h2o", 8}, {1, 9}, false},
        {{"/other/h2o", 8}, {1, 2}, true},
        {{"/other/h2o", 7}, {1, 9}, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kin server = kin_of(server_process);
        struct kin other = {
            .process = {.parent = 4194101, .session = 60, .started = 1001}, .exe = rows[i].exe, .file = rows[i].file};
        ck_assert_msg(kin_is_successor(&server, &other) == rows[i].is_successor, "row %zu", i);
    }
}
END_TEST

START_TEST(t6_a_fork_that_has_executed_nothing)
{
    struct process process, server;
    struct fixture_process running = fixture_start(fixture_server_path());
    pid_t pid = fork();
    if (pid == 0)
        pause();
    ck_assert(process_read(&process, pid) && process.is_forked && process.parent == getpid() && process.session == getsid(0));
    ck_assert(process_read(&server, running.pid) && !server.is_forked && server.image != process.image);
    ck_assert_uint_ge(process.started, server.started);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    fixture_end(&running);
}
END_TEST

/* ---- T7: what a look costs. */

static bool
is_unknown(const void *context, const struct process *process)
{
    const pid_t *traced = context;
    return process->pid == *traced;
}

START_TEST(t7_new_processes_are_looked_at_once)
{
    struct follow follow = {0};
    struct process_file file = {0};
    struct fixture_process older = fixture_start(own_server);
    wait_for_tick();
    struct fixture_process traced = fixture_start(own_server);
    follow_add(&follow, traced.pid, &file);
    ck_assert_int_eq(follow_find(&follow, is_unknown, &traced.pid), 0);
    wait_for_tick();
    struct fixture_process next = fixture_start(own_server), another = fixture_start(own_server);
    pid_t first = follow_find(&follow, is_unknown, &traced.pid), second = follow_find(&follow, is_unknown, &traced.pid);
    ck_assert((first == next.pid && second == another.pid) || (first == another.pid && second == next.pid));
    ck_assert_int_eq(follow_find(&follow, is_unknown, &traced.pid), 0);
    fixture_end(&older), fixture_end(&traced), fixture_end(&next), fixture_end(&another);
    struct fixture_process last = fixture_start(own_server);
    ck_assert_int_eq(follow_find(&follow, is_unknown, &traced.pid), last.pid);
    ck_assert_uint_eq(follow.nlines, 1);
    fixture_end(&last);
    follow_free(&follow);
}
END_TEST

/* A process may be seen before it executes the server. */
START_TEST(t7_a_process_is_looked_at_again_when_it_executes_another_program)
{
    struct follow follow = {0};
    struct process_file file = {0};
    int gate[2];
    char byte;
    struct fixture_process traced = fixture_start(own_server);
    follow_add(&follow, traced.pid, &file);
    ck_assert_int_eq(pipe(gate), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (read(gate[0], &byte, 1) == 1 && dup2(null, STDOUT_FILENO) >= 0)
            execl(own_server, own_server, "--lifetime", "30", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(follow_find(&follow, is_unknown, &traced.pid), 0);
    ck_assert_int_eq((int)write(gate[1], "x", 1), 1);
    pid_t found = 0;
    for (int i = 0; i < 500 && found == 0; i++) {
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
        found = follow_find(&follow, is_unknown, &traced.pid);
    }
    ck_assert_int_eq(found, pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    fixture_end(&traced);
    follow_free(&follow);
}
END_TEST

/* The keeper took 0.4 MB for each server that it had ever seen. */
START_TEST(t7_servers_that_have_ended_are_forgotten)
{
    static const char catalogue[] = "provider h2o\nprobe h1_accept\n group http\n summary s\n arg 0 a u64\n";
    struct fixture fixture;
    struct files templates = {0};
    ck_assert_int_eq(fixture_catalog(&fixture, catalogue), 0);
    bpftrace_parse_version(&fixture.bpftrace, text_of("bpftrace v0.17.0"), &diag);
    fixture.bpftrace.path = fixture.bpftrace.program = "/bin/true";
    files_load_builtin(&templates, "templates", ".bt", &mem);
    const struct request request = {.group = "http", .transport = REQUEST_STREAM};
    const struct diag_log log = {.quiet = true};
    struct launch launch = {.request = &request,
                            .catalog = &fixture.catalog,
                            .templates = &templates,
                            .bpftrace = &fixture.bpftrace,
                            .command = "h2olog",
                            .log = &log,
                            .follows = true};
    const struct keeper_services services = launch_services(&launch);
    for (int i = 0; i < 4; i++) {
        struct fixture_process server = fixture_start(own_server);
        struct outbuf note = {0};
        struct child child;
        int server_fd = -1;
        ck_assert(i == 0 || services.find(&launch, &diag) == server.pid);
        ck_assert_int_eq(services.start(&launch, server.pid, false, &child, &server_fd, &note, &diag), 0);
        child_wait(&child);
        child_close(&server_fd);
        text_free(&note);
        ck_assert_int_eq(services.find(&launch, &diag), 0);
        ck_assert(launch.servers != NULL && launch.following.nlines == 1);
        fixture_end(&server);
        ck_assert_int_eq(services.find(&launch, &diag), 0);
        ck_assert_ptr_null(launch.servers);
    }
    launch_free(&launch);
    fixture_free(&fixture);
}
END_TEST

Suite *
follow_suite(void)
{
    Suite *suite = suite_create("follow");
    TCase *tcase = tcase_create("follow");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, t6_younger_and_related);
    tcase_add_loop_test(tcase, a_process_of_another_user_is_no_successor, 0, 3);
    tcase_add_test(tcase, t6_related_by_a_socket_or_a_service);
    tcase_add_test(tcase, t6_of_the_same_file);
    tcase_add_test(tcase, t6_a_fork_that_has_executed_nothing);
    tcase_add_test(tcase, t7_new_processes_are_looked_at_once);
    tcase_add_test(tcase, t7_a_process_is_looked_at_again_when_it_executes_another_program);
    tcase_add_test(tcase, t7_servers_that_have_ended_are_forgotten);
    suite_add_tcase(suite, tcase);
    return suite;
}
