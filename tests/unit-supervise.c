#include "base/clock.h"
#include "host/signal_pipe.h"
#include "run/supervise.h"

#include "unit-fixture.h"
#include "unit-fuse.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N "0123456789abcdef"

static const char catalogue[] = "provider p\nprobe e\n group g\n summary s\n arg 0 a u64\n line event ${a}\n";

/* A run with a shell script in bpftrace's place, whose reader is a pipe. */
struct run {
    struct fixture fixture;
    pid_t server;
    struct keeper keeper;
    struct format format;
    struct sink sink;
    struct view view;
    struct output output;
    struct diag_log log;
    int reader;
    int signals;
    int gate[2];    /* a pipe: what scripts wait for */
    int put_off_ms; /* 0: a second */
    bool may_leave; /* a process behind */
};

static char gate_variable[64]; /* of the scripts' environment */

static pid_t
start_server(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        pause();
        _exit(0);
    }
    return pid;
}

/* The keeper's services, with a script as context. */

static pid_t tracer_started;        /* the last one; the keeper's */
static size_t note_size;            /* that a note has at least */
static const char *note_words = ""; /* of a start that is not of the lesser program */

static int
start(void *context, pid_t server, bool is_lesser, struct child *tracer, int *server_fd, struct outbuf *note, struct diag *diag)
{
    char *argv[] = {"sh", "-c", context, is_lesser ? "lesser" : "whole", NULL},
         *envp[] = {"PATH=/usr/bin:/bin", gate_variable, NULL};
    text_printf(note, N "%s\nserver\np e 8\n", is_lesser ? " lesser" : note_words);
    while (note->len < note_size)
        text_puts(note, "p e 8\n");
    *server_fd = (int)syscall(SYS_pidfd_open, server, 0);
    if (strcmp(context != NULL ? context : "", "hang") == 0)
        for (;;)
            pause();
    int status = child_start(tracer, context != NULL ? "/bin/sh" : "/nonexistent/sh", argv, envp, -1, diag);
    tracer_started = status == 0 ? tracer->pid : 0;
    return status;
}

static size_t
touch(void *context, pid_t server)
{
    (void)context;
    (void)server;
    return 4096;
}

/* Process 17 is the server's successor, and came before its probes were attached. */
static bool
join(void *context, pid_t server, bool is_chosen, struct keeper_join *to, struct outbuf *note)
{
    (void)context;
    *to = (struct keeper_join){.server_fd = -1};
    if (is_chosen || server != 17)
        return false;
    to->tracer = tracer_started;
    text_puts(note, "- since=5000000\nsuccessor\n");
    return true;
}

static void
begin(struct run *run, const char *script)
{
    int pair[2];
    *run = (struct run){0};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ck_assert_int_eq(fixture_catalog(&run->fixture, catalogue), 0);
    ck_assert_int_eq(bpftrace_parse_version(&run->fixture.bpftrace, text_of("bpftrace v0.23.0"), &run->fixture.diag), 0);
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    run->reader = pair[0];
    run->sink.fd = pair[1];
    format_init(&run->format, "line", (struct format_options){0});
    run->output = (struct output){.view = &run->view, .format = &run->format, .sink = &run->sink};
    run->signals = supervise_signals(false);
    ck_assert_int_eq(pipe2(run->gate, O_CLOEXEC), 0);
    snprintf(gate_variable, sizeof(gate_variable), "GATE=/proc/%d/fd/%d", getpid(), run->gate[0]);
    run->server = start_server();
    const struct keeper_services services = {.context = (void *)script, .start = start, .join = join, .touch = touch};
    ck_assert_int_eq(keeper_start(&run->keeper, &services, &run->server, 1, &run->fixture.diag), 0);
}

static struct terminal no_terminal = {.fd = -1};

static int
supervise(struct run *run)
{
    const struct request request = {.group = "g"};
    struct supervise part = {.keeper = &run->keeper,
                             .config = {&request, &run->fixture.catalog, &run->fixture.bpftrace, NULL, 1, NULL},
                             .output = &run->output,
                             .log = &run->log,
                             .nservers = 1,
                             .terminal = &no_terminal,
                             .put_off_ms = run->put_off_ms != 0 ? run->put_off_ms : 1000};
    int status = supervise_run(&part, run->signals, &run->fixture.diag);
    keeper_stop(&run->keeper);
    return status;
}

/* What the run has started is gone within ten seconds. */
static void
check_nothing_left(void)
{
    pid_t pid = 0;
    for (int i = 0; i < 1000 && pid >= 0; i++) {
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid == 0)
            nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    }
    ck_assert_msg(pid < 0, "a process was left behind");
}

/* What reached the reader. */
static void
end(struct run *run, const char *expected)
{
    struct outbuf out = {0};
    ssize_t got;
    close(run->sink.fd);
    while ((got = read(run->reader, text_reserve(&out, 65536), 65536)) > 0)
        out.len += (size_t)got;
    if (expected != NULL)
        fixture_equal(&out, expected);
    kill(run->server, SIGKILL);
    if (!run->may_leave)
        check_nothing_left();
    text_free(&out);
    sink_free(&run->sink);
    close(run->gate[0]);
    close(run->gate[1]);
    fixture_free(&run->fixture);
}

/* Sends signals to a process from another one: the first when the run has shown something, or after `ms` if that is not 0. Then
 * lets a script that waits at the gate go on. */
static void
signal_from_beside(const struct run *run, pid_t pid, int signal, int times, int ms)
{
    if (fork() != 0)
        return;
    if (ms == 0)
        poll(&(struct pollfd){run->reader, POLLIN, 0}, 1, 20000);
    for (int i = 0; i < times; i++) {
        if (ms != 0 || i > 0)
            poll(NULL, 0, ms != 0 ? ms : 300);
        kill(pid, signal);
    }
    ssize_t ignored = write(run->gate[1], "\n", 1);
    (void)ignored;
    _exit(0);
}

static void
signal_when_shown(const struct run *run, int signal, int times)
{
    signal_from_beside(run, getpid(), signal, times, 0);
}

enum { LATER_MS = 300 };

static void
signal_later(const struct run *run, int signal)
{
    signal_from_beside(run, getpid(), signal, 1, LATER_MS);
}

/* "PID" is the server's. */
static void
check_message(struct run *run, const char *expected)
{
    const char *pid = strstr(expected, "PID");
    if (pid != NULL)
        expected = mem_printf(&run->fixture.mem, "%.*s%d%s", (int)(pid - expected), expected, run->server, pid + 3);
    ck_assert_str_eq(run->fixture.diag.message, expected);
}

/* A run that ends by itself. */
static void
check(const char *script, int status, const char *message, const char *expected)
{
    struct run run;
    begin(&run, script);
    ck_assert_int_eq(supervise(&run), status);
    if (message != NULL)
        check_message(&run, message);
    end(&run, expected);
}

/* Times are later than the moment when the script's first output is read, as records of before are not of the run. */
#define NOW "read up rest < /proc/uptime; now=$(printf %x $((${up%.*} * 1000000000 + 1999999999)));"
#define TICK NOW "printf \"" N " h $now 0\\n0\\n\";"
#define EVENT "printf \"" N " 0 $now 7 5\\n\";"

/* Waits for the signal that comes from beside. */
#define AT_GATE "read line < $GATE;"

/* Waits until the keeper has handed over the script's output. */
#define HANDED_OVER "while ls -l /proc/$PPID/fd | grep -qF \"$(readlink /proc/$$/fd/1)\"; do :; done;"

/* Prints a heartbeat with the time of now, again and again. */
#define TICKS                                             \
    "while :; do read up rest < /proc/uptime; printf '" N \
    " h %x 0\\n' $((${up%.*} * 1000000000 + 1999999999)); sleep 0.05; done"

START_TEST(early_ends_are_explained)
{
    check("exit 0", 1, "bpftrace ended before it could trace, with status 0 and without a word; h2olog -ddd shows more", "");
    check(TICK EVENT "exit 3", 1,
          "bpftrace ended before it was told to, with status 3 and without a word; h2olog -ddd shows more", "event 5\n");
    check("kill -9 $$", 137, "bpftrace was killed by signal 9 (Killed) before it could trace; pid PID is not traced", "");
    check(TICK EVENT "kill -11 $$", 139,
          "bpftrace was killed by signal 11 (Segmentation fault); pid PID is not traced any more", "event 5\n");
    check("echo noise >&2; echo 'ERROR: Error loading program: x' >&2; exit 255", 4,
          "bpftrace ended before it could trace: ERROR: Error loading program: x; the kernel's verifier refused the program; "
          "h2olog "
          "-ddd shows why",
          "");
    check(
        "echo 'ERROR: No such file: /sys/kernel/tracing/available_events' >&2; exit 1", 4,
        "bpftrace ended before it could trace: ERROR: No such file: /sys/kernel/tracing/available_events; this bpftrace needs "
        "tracefs; mount -t tracefs tracefs /sys/kernel/tracing, in the container too",
        "");
    check("echo 'ERROR: RLIMIT_MEMLOCK' >&2; echo 'ERROR: something else' >&2; exit 1", 1,
          "bpftrace ended before it could trace: ERROR: something else; h2olog -dd shows the program", "");
}
END_TEST

/* O3: these had no cause, or a wrong one. */
START_TEST(o3_causes_are_found)
{
    static const struct {
        const char *script, *message;
        int status;
    } rows[] = {
        {"echo 'FATAL: dup(fd): Too many open files: please raise NOFILE' >&2; kill -6 $$",
         "FATAL: dup(fd): Too many open files: please raise NOFILE; bpftrace keeps two files open for each probe; allow more, "
         "as "
         "with ulimit -n 65536, or trace fewer events with -t",
         4},
        {"echo 'mmap: Operation not permitted' >&2; echo 'ERROR: Failed to open perf buffer' >&2; exit 1",
         "mmap: Operation not permitted; bpftrace may not lock memory for its buffer; a container needs CAP_IPC_LOCK", 4},
        {"echo \"/x.h:14:10: fatal error: 'linux/types.h' file not found\" >&2; exit 1",
         "/x.h:14:10: fatal error: 'linux/types.h' file not found; this bpftrace needs the kernel's headers; apt-get install "
         "linux-libc-dev",
         4},
        {"echo 'ERROR: Missing CAP_BPF' >&2; exit 1",
         "ERROR: Missing CAP_BPF; root lacks this capability here; a container must be given it, as with --cap-add", 4},
        {"echo 'ERROR: bpf: Argument list too long' >&2; exit 1",
         "ERROR: bpf: Argument list too long; this bpftrace does not take so many probes at once; trace fewer events with -t, "
         "or "
         "name another with --bpftrace PATH",
         4},
        {"echo 'ERROR: usdt:x has no valid attach points' >&2; exit 1",
         "ERROR: usdt:x has no valid attach points; the server's binary has changed since it was started; restart the server",
         3},
        {"echo 'ERROR: Error attaching probe: usdt:x' >&2; exit 1",
         "ERROR: Error attaching probe: usdt:x; the kernel does not let bpftrace attach; a container needs "
         "CAP_SYS_ADMIN",
         4},
        {"echo 'ERROR: Failed to open perf buffer' >&2; exit 1",
         "ERROR: Failed to open perf buffer; the kernel gives bpftrace no buffer; a container needs CAP_SYS_ADMIN, or "
         "CAP_PERFMON",
         4},
        {"echo 'ERROR: Unknown BPF object load failure. Try using the \"-d libbpf\" option' >&2; exit 1",
         "ERROR: Unknown BPF object load failure. Try using the \"-d libbpf\" option; the kernel takes no program of "
         "bpftrace's; a container needs CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON",
         4},
    };
    char message[512];
    snprintf(message, sizeof(message), "bpftrace ended before it could trace: %s", rows[_i].message);
    check(rows[_i].script, rows[_i].status, message, "");
}
END_TEST

/* The second program's $0 is "lesser", and what it prints is understood. */
START_TEST(a_refused_program_is_followed_by_a_lesser_one)
{
    check("[ $0 = lesser ] || { echo 'ERROR: Error loading program: x' >&2; exit 255; };" TICK EVENT "exit 3", 1,
          "bpftrace ended before it was told to, with status 3 and without a word; h2olog -ddd shows more", "event 5\n");
    check("[ $0 = lesser ] && exit 3; echo 'ERROR: Looks like the BPF stack limit of 512 bytes is exceeded' >&2; exit 255", 1,
          "bpftrace ended before it could trace, with status 3 and without a word; h2olog -ddd shows more", "");
}
END_TEST

START_TEST(half_a_record_is_no_record)
{
    check(TICK EVENT "printf \"" N " 0 $now 7\"; exit 0", 1,
          "bpftrace ended before it was told to, with status 0 and without a word; h2olog -ddd shows more", "event 5\n");
}
END_TEST

START_TEST(a_grandchild_that_holds_the_pipe_does_not_hold_the_run)
{
    struct run run;
    begin(&run, TICK EVENT "setsid sleep 5 & exit 0");
    run.may_leave = true;
    ck_assert_int_eq(supervise(&run), 1);
    end(&run, "event 5\n");
}
END_TEST

/* Found when the run lasted as long as somebody wrote into the pipe of a bpftrace that was gone. */
START_TEST(a_grandchild_that_writes_on_is_left_behind)
{
    struct run run;
    begin(&run, TICK EVENT "(while :; do echo x; sleep 0.1; done) & exit 3");
    run.may_leave = true;
    ck_assert_int_eq(supervise(&run), 1);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_program_that_takes_too_long_is_not_waited_for)
{
    static const char *const scripts[] = {"exec >&-; exec sleep 60", "while :; do echo x; sleep 1; done"};
    for (int i = 0; i < 2; i++) {
        struct diag diag;
        struct outbuf out = {0};
        char *argv[] = {"sh", "-c", (char *)scripts[i], NULL}, *envp[] = {"PATH=/usr/bin:/bin", NULL};
        ck_assert_int_eq(child_capture("/bin/sh", argv, envp, &out, 1000, &diag), -1);
        ck_assert_str_eq(diag.message, "/bin/sh -c did not answer within 1 s; the host may be slow or busy: try again, or name "
                                       "a bpftrace that works with --bpftrace PATH");
        text_free(&out);
    }
}
END_TEST

START_TEST(a_program_that_says_much_on_stderr_is_captured)
{
    struct diag diag;
    struct outbuf out = {0};
    char *argv[] = {"sh", "-c", "head -c 200000 /dev/zero >&2; echo out", NULL}, *envp[] = {"PATH=/usr/bin:/bin", NULL};
    ck_assert_msg(child_capture("/bin/sh", argv, envp, &out, 5000, &diag) == 0, "%s", diag.message);
    fixture_equal(&out, "out\n");
    text_free(&out);
}
END_TEST

/* A record with a time before the signal's, again and again: heartbeats do not come through any more. */
START_TEST(a_flood_does_not_hold_back_the_end)
{
    static const char *const scripts[] = {TICK "exec yes \"" N " 0 $now 7 5\"", TICK "exec cat /dev/zero"};
    for (int i = 0; i < 2; i++) {
        struct run run;
        begin(&run, scripts[i]);
        close(run.sink.fd);
        run.sink.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        signal_later(&run, SIGINT);
        ck_assert_int_eq(supervise(&run), 0);
        end(&run, "");
    }
}
END_TEST

/* T1: the demo opened with four halves of requests. What is printed before bpftrace reads came while it attached. */
START_TEST(what_came_while_probes_were_attached_is_not_of_the_run)
{
    struct run run;
    begin(&run, "printf '" N " 0 1 7 5\\nLost 3 events\\n" N " h 1 0\\n0\\n" N " 0 1 7 6\\n';" TICK EVENT "printf '" N
                " 0 1 7 7\\n'; exit 0");
    supervise(&run);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_loss_stands_where_it_happened)
{
    struct run run;
    begin(&run, TICK EVENT "echo Lost 3 events;" EVENT "echo Lost 4 events >&2;" AT_GATE "sleep 0.3; exit 0");
    format_init(&run.format, "json", (struct format_options){0});
    signal_from_beside(&run, run.server, SIGKILL, 1, 0);
    ck_assert_int_eq(supervise(&run), 0);
    char bytes[4096] = "";
    ck_assert_int_gt((int)read(run.reader, bytes, sizeof(bytes) - 1), 0);
    const char *first = strstr(bytes, "\"type\": \"e\", \"a\": 5}\n{");
    const char *loss = strstr(bytes, "\"type\": \"h2olog-event-lost\", \"lost\": 3}\n{");
    ck_assert_msg(first != NULL && loss > first && strstr(loss, "\"a\": 5}\n") != NULL, "%s", bytes);
    ck_assert_ptr_nonnull(strstr(bytes, "\"lost\": 4}\n"));
    end(&run, "");
}
END_TEST

/* T8: a program by file sees all processes that run it. What their first records say is held until the keeper has said whose
 * they are, and nothing is lost meanwhile. */
START_TEST(a_program_by_file_shows_successors_only)
{
    struct run run;
    note_words = " by-file";
    begin(&run, TICK "printf \"" N " 0 $now 1200000007 6\n" N " 0 $now 1100000007 6\n" N " 0 $now 1100000007 6\n" N
                     " 0 $now 7 5\n\";" TICKS);
    format_init(&run.format, "json", (struct format_options){.has_servers = true});
    wall_begin(&run.format.wall, 0);
    signal_when_shown(&run, SIGTERM, 1);
    ck_assert_int_eq(supervise(&run), 0);
    char bytes[4096] = "";
    ck_assert_int_gt((int)read(run.reader, bytes, sizeof(bytes) - 1), 0);
    char *line = bytes, *next;
    const char *const ends[] = {"\"type\": \"h2olog-gap\", \"pid\": 17, \"from\": 5, \"to\": ", "\"a\": 6, \"pid\": 17}",
                                "\"a\": 6, \"pid\": 17}", mem_printf(&run.fixture.mem, "\"a\": 5, \"pid\": %d}", run.server)};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++, line = next) {
        ck_assert_ptr_nonnull(next = strchr(line, '\n'));
        *next++ = '\0';
        ck_assert_msg(strstr(line, ends[i]) != NULL, "%s instead of %s", line, ends[i]);
    }
    ck_assert_str_eq(line, "");
    end(&run, "");
}
END_TEST

/* T8: a server that came later and ended before its probes were attached was not seen at all. */
START_TEST(a_server_that_was_never_seen_is_a_gap)
{
    struct run run;
    note_words = " since=5000000";
    begin(&run, "sleep 0.3; exit 0");
    format_init(&run.format, "json", (struct format_options){0});
    wall_begin(&run.format.wall, 0);
    kill(run.server, SIGKILL);
    ck_assert_int_eq(supervise(&run), 0);
    char bytes[4096] = "", expected[128];
    ck_assert_int_gt((int)read(run.reader, bytes, sizeof(bytes) - 1), 0);
    snprintf(expected, sizeof(expected), "\"type\": \"h2olog-gap\", \"pid\": %d, \"from\": 5, \"to\": ", run.server);
    ck_assert_msg(strstr(bytes, expected) != NULL, "%s", bytes);
    end(&run, "");
}
END_TEST

/* T17: the clock is looked at whenever something is read. */
START_TEST(a_clock_that_was_set_is_noticed)
{
    struct run run;
    begin(&run, TICK EVENT "sleep 0.1;" TICK EVENT "exit 0");
    wall_begin(&run.format.wall, 0); /* 1970 */
    kill(run.server, SIGKILL);
    ck_assert_int_eq(supervise(&run), 0);
    int64_t off = wall_offset(&run.format.wall, clock_boot_nsecs()) - clock_realtime_offset();
    ck_assert(off > -10000000 && off < 10000000);
    end(&run, NULL);
}
END_TEST

START_TEST(a_recording_keeps_when_the_clock_was_set)
{
    struct format format;
    struct output output = {.format = &format};
    struct diag diag;
    struct recording recording = {.fd = memfd_create("recording", MFD_CLOEXEC)};
    struct session_run run = {.output = &output, .recording = &recording, .diag = &diag};
    char bytes[128] = "", expected[128];
    ck_assert(format_init(&format, "json", (struct format_options){0}));
    wall_begin(&format.wall, 0);
    for (int i = 0; i < 100; i++)
        session_run_watch_clock(&run, 7);
    ck_assert_int_gt((int)pread(recording.fd, bytes, sizeof(bytes) - 1, 0), 0);
    int len = snprintf(expected, sizeof(expected), "%ld", wall_offset(&format.wall, 7));
    snprintf(expected, sizeof(expected), "clock 0 7 %d\n%ld\n", len, wall_offset(&format.wall, 7));
    ck_assert_str_eq(bytes, expected);
    close(recording.fd);
}
END_TEST

START_TEST(a_keeper_that_dies_ends_the_run)
{
    struct run run;
    begin(&run, TICK EVENT "exec sleep 60");
    kill(run.keeper.pid, SIGKILL);
    ck_assert_int_eq(supervise(&run), 1);
    ck_assert_str_eq(run.fixture.diag.message, "h2olog's root process has ended; nothing is traced any more");
    end(&run, NULL);
}
END_TEST

/* R6: it was cut, and nothing said so. */
START_TEST(r6_a_note_that_is_too_long_is_an_error)
{
    note_size = KEEPER_NOTE_SIZE - 5;
    check(TICK EVENT "exit 3", 1,
          "bpftrace ended before it was told to, with status 3 and without a word; h2olog -ddd shows more", "event 5\n");
    note_size = KEEPER_NOTE_SIZE + 1;
    check(TICK EVENT "exec sleep 60", 1,
          "a message of h2olog's root process has more than 131072 bytes, or files that cannot be taken", "");
    note_size = 4 << 20; /* more than the socket takes */
    check(TICK EVENT "exec sleep 60", 1, "h2olog cannot be told of the start of bpftrace: Message too long", "");
    note_size = 0;
}
END_TEST

/* R6: the first SIGINT did nothing. */
START_TEST(r6_sigint_ends_a_run_whose_keeper_does_not_answer)
{
    struct run run;
    begin(&run, "hang");
    const struct request request = {.group = "g"};
    struct supervise part = {.keeper = &run.keeper,
                             .config = {&request, &run.fixture.catalog, &run.fixture.bpftrace, NULL, 1, NULL},
                             .terminal = &no_terminal,
                             .output = &run.output,
                             .log = &run.log,
                             .nservers = 1,
                             .put_off_ms = 1000};
    signal_later(&run, SIGINT);
    ck_assert_int_eq(supervise_run(&part, run.signals, &run.fixture.diag), 0);
    kill(run.keeper.pid, SIGKILL);
    keeper_stop(&run.keeper);
    end(&run, "");
}
END_TEST

/* 'Z' where it is gone altogether, too. */
static char
state_of(pid_t pid)
{
    char path[64], text[256] = ") Z";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t ignored = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    (void)ignored;
    close(fd);
    return strrchr(text, ')')[2];
}

static struct keeper_news
wait_for_news(const struct keeper *keeper, enum keeper_kind kind)
{
    static char buffer[KEEPER_NOTE_SIZE];
    struct keeper_news news = {.kind = KEEPER_GONE};
    poll(&(struct pollfd){keeper->socket, POLLIN, 0}, 1, 20000);
    ck_assert(keeper_read(keeper, &news, buffer) && news.kind == kind);
    return news;
}

/* Waits for five seconds until the process is stopped, or until it goes on. */
static void
wait_for_stop(pid_t pid, bool is_stopped)
{
    int tries = 5000;
    for (; tries > 0 && (state_of(pid) == 'T') != is_stopped; tries--)
        nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
    ck_assert_int_gt(tries, 0);
}

/* A pause is short, so it is asked for until it is seen. */
static void
pause_until_stopped(struct run *run, pid_t tracer)
{
    int tries = 5000;
    for (; tries > 0 && state_of(tracer) != 'T'; tries--) {
        keeper_order(&run->keeper, KEEPER_PAUSE, tracer);
        nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
    }
    ck_assert_int_gt(tries, 0);
}

START_TEST(a_paused_tracer_goes_on_by_itself)
{
    struct run run;
    begin(&run, "exec sleep 60");
    struct keeper_news news = wait_for_news(&run.keeper, KEEPER_STARTED);
    pause_until_stopped(&run, news.tracer);
    wait_for_stop(news.tracer, false);
    keeper_close_files(&news.files);
    keeper_stop(&run.keeper);
    end(&run, "");
}
END_TEST

/* A paused tracer, and a keeper that is stopped and does not end the pause. */
static struct keeper_news
pause_for_ever(struct run *run)
{
    struct keeper_news news = wait_for_news(&run->keeper, KEEPER_STARTED);
    do {
        kill(run->keeper.pid, SIGCONT);
        pause_until_stopped(run, news.tracer);
        kill(run->keeper.pid, SIGSTOP);
        wait_for_stop(run->keeper.pid, true);
    } while (state_of(news.tracer) != 'T');
    return news;
}

START_TEST(a_pause_ends_without_the_keeper)
{
    struct run run;
    begin(&run, "exec sleep 60");
    struct keeper_news news = pause_for_ever(&run);
    signal_pipe_send(news.files.resume);
    wait_for_stop(news.tracer, false);
    keeper_close_files(&news.files);
    keeper_stop(&run.keeper);
    end(&run, "");
}
END_TEST

/* The script is paused with its first heartbeat, and would print the next one. */
START_TEST(a_pause_that_a_stopped_keeper_does_not_end_is_ended)
{
    struct run run;
    begin(&run, HANDED_OVER TICK EVENT "kill -STOP $PPID;" TICK "kill -STOP $$;" EVENT "exit 3");
    ck_assert_int_eq(supervise(&run), 1);
    check_message(&run, "bpftrace has ended, and h2olog's root process does not answer; pid PID is not traced any more");
    end(&run, "event 5\nevent 5\n");
}
END_TEST

/* R1: `kill -STOP` of the keeper and `kill -KILL` of h2olog left both the keeper and bpftrace behind. */
START_TEST(what_dies_takes_stopped_processes_with_it)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct run run;
        begin(&run, "exec sleep 60");
        pause_for_ever(&run);
        kill(run.server, SIGKILL);
        kill(getpid(), SIGKILL);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    check_nothing_left();
}
END_TEST

START_TEST(a_stopped_keeper_does_not_hold_up_the_end)
{
    struct run run;
    static const char *const scripts[][2] = {
        {"kill -STOP $PPID; exec sleep 60", ""}, /* before it has told of the start */
        {HANDED_OVER TICK EVENT "kill -STOP $PPID; exec sleep 60", "event 5\n"},
    };
    for (int i = 0; i < 2; i++) {
        begin(&run, scripts[i][0]);
        if (scripts[i][1][0] == '\0')
            signal_later(&run, SIGTERM);
        else
            signal_when_shown(&run, SIGTERM, 1);
        int64_t begun = clock_ms();
        ck_assert_int_eq(supervise(&run), 0);
        ck_assert_int_lt((int)(clock_ms() - begun), 12000);
        end(&run, scripts[i][1]);
    }
}
END_TEST

START_TEST(sigterm_to_the_keeper_ends_the_run_in_order)
{
    struct run run;
    begin(&run, TICK EVENT "kill -TERM $PPID;" TICKS);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

/* h2olog in a process of its own, which tells by a byte that it has begun. */
static pid_t
start_h2olog(const char *script)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct run run;
        begin(&run, script);
        int status = supervise(&run);
        kill(run.server, SIGKILL);
        _exit(status);
    }
    return pid;
}

/* The same where both are stopped: nobody can end anything then, until somebody lets one of them go on. */
START_TEST(h2olog_and_keeper_that_are_stopped_end_when_one_goes_on)
{
    static const char *const whom[] = {"$PPID", "$h2olog"};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int i = 0; i < 2; i++) {
        int status = -1;
        char script[512];
        snprintf(script, sizeof(script),
                 HANDED_OVER
                 "read a b c h2olog rest < /proc/$PPID/stat; kill -STOP $h2olog $PPID; kill -TERM $h2olog; sleep 0.3;"
                 "kill -CONT %s; %s",
                 whom[i], TICKS);
        pid_t pid = start_h2olog(script);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        check_nothing_left();
    }
}
END_TEST

/* Something happens to h2olog, or to another one of the three: it ends, and all with it. */
START_TEST(a_stopped_h2olog_ends_with_the_run)
{
    static const struct {
        const char *deed;
        int status;
    } rows[] = {{"kill -TERM $h2olog;", 0}, {"kill -INT $h2olog;", 0}, {"kill -HUP $h2olog;", 0},
                {"kill -TERM $PPID;", 0},   {"kill -KILL $PPID;", 1},  {"kill -KILL $$;", 137}};
    char script[512];
    int status = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    snprintf(script, sizeof(script), HANDED_OVER "read a b c h2olog rest < /proc/$PPID/stat; kill -STOP $h2olog; %s %s",
             rows[_i].deed, TICKS);
    pid_t pid = start_h2olog(script);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), rows[_i].status);
    check_nothing_left();
}
END_TEST

/* Reads from the file the numbers that a script has written. */
static void
read_pids(const char *path, pid_t pids[2])
{
    int count = 0;
    for (int tries = 5000; tries > 0 && count != 2; tries--) {
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        count = fscanf(file, "%d %d\n", &pids[0], &pids[1]);
        fclose(file);
        nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
    }
    ck_assert_int_eq(count, 2);
}

/* Runs h2olog, writing to a file whose file system does not answer from the first event on. */
static pid_t
start_stuck_h2olog(const struct fuse_mount *fuse, const char *script)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct run run;
    begin(&run, script);
    close(run.sink.fd);
    run.sink.fd = open(mem_printf(&run.fixture.mem, "%s/file", fuse->path), O_WRONLY | O_CLOEXEC);
    supervise(&run);
    kill(run.server, SIGKILL);
    _exit(0);
}

/* SIGTERM to h2olog, or to its keeper. Keeper and bpftrace stayed for as long as the file system was silent. */
START_TEST(nobody_waits_for_an_h2olog_that_is_stuck)
{
    struct fuse_mount fuse;
    char script[1024], path[] = "/tmp/unit-supervise-XXXXXX";
    pid_t pids[2];
    if (!fuse_start(&fuse, "x", 1))
        return;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    close(mkstemp(path));
    snprintf(script, sizeof(script), "%s kill -USR1 %d; %s sleep 0.3; echo $PPID $$ >%s; %s", TICK, fuse.pid, EVENT, path,
             TICKS);
    pid_t h2olog = start_stuck_h2olog(&fuse, script);
    read_pids(path, pids);
    kill(_i == 0 ? h2olog : pids[0], SIGTERM);
    int64_t begun = clock_ms();
    while ((state_of(pids[0]) != 'Z' || state_of(pids[1]) != 'Z') && clock_ms() < begun + 10000)
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    ck_assert_int_lt((int)(clock_ms() - begun), 6000);
    ck_assert_int_ne(state_of(h2olog), 'Z');
    fuse_end(&fuse);
    check_nothing_left();
    remove(path);
}
END_TEST

/* The status was 0 where the kernel took longer to detach the probes of a bpftrace that was killed than h2olog waits. The file
 * of a file system that does not answer keeps a killed process as long. */
START_TEST(a_bpftrace_that_others_have_killed_is_told_of)
{
    static const struct {
        const char *before, *expected;
        int signals;
    } rows[] = {{TICK EVENT, "event 5\n", 1}, {TICK EVENT, "event 5\n", 2}, {"", "", 1}};
    struct run run;
    struct fuse_mount fuse;
    char script[1024];
    if (!fuse_start(&fuse, "x", 1))
        return;
    snprintf(script, sizeof(script), "%s exec 7<%s/file; kill -USR1 %d; kill -KILL $$", rows[_i].before, fuse.path, fuse.pid);
    begin(&run, script);
    if (rows[_i].before[0] != '\0')
        signal_when_shown(&run, SIGTERM, rows[_i].signals);
    else
        signal_later(&run, SIGTERM);
    int64_t begun = clock_ms();
    ck_assert_int_eq(supervise(&run), 1);
    ck_assert_int_lt((int)(clock_ms() - begun), 5000);
    check_message(&run, "bpftrace was killed or has ended before it was told to; pid PID was not traced to the end of the run");
    fuse_end(&fuse);
    end(&run, rows[_i].expected);
}
END_TEST

/* Both get SIGTERM when a host is shut down; bpftrace ends with the server. */
START_TEST(a_server_that_ends_after_the_signal_is_no_failure)
{
    struct run run;
    begin(&run, TICK EVENT "sleep 1; exit 0");
    signal_when_shown(&run, SIGTERM, 1);
    if (fork() == 0) {
        nanosleep(&(struct timespec){0, 600 * 1000 * 1000}, NULL);
        kill(run.server, SIGKILL);
        _exit(0);
    }
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

/* Who stops a service sends SIGTERM to all its processes. */
START_TEST(a_bpftrace_that_got_the_signal_too_is_no_failure)
{
    struct run run;
    begin(&run, TICK EVENT "sleep 1; echo 'ERROR: failed to detach probe' >&2; exit 1");
    signal_when_shown(&run, SIGTERM, 1);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
    begin(&run, TICK EVENT "sleep 1; kill -SEGV $$");
    signal_when_shown(&run, SIGTERM, 1);
    ck_assert_int_eq(supervise(&run), 139);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_paused_tracer_can_be_killed)
{
    struct run run;
    begin(&run, "exec sleep 60");
    struct keeper_news news = wait_for_news(&run.keeper, KEEPER_STARTED);
    keeper_order(&run.keeper, KEEPER_PAUSE, news.tracer);
    signal_pipe_send(news.files.kill);
    keeper_order(&run.keeper, KEEPER_PAUSE, news.tracer);
    ck_assert_int_eq(wait_for_news(&run.keeper, KEEPER_ENDED).tracer, news.tracer);
    keeper_close_files(&news.files);
    keeper_stop(&run.keeper);
    end(&run, "");
}
END_TEST

START_TEST(a_closed_output_is_not_the_end)
{
    struct run run;
    begin(&run, TICK EVENT "exec >&-; exec sleep 1");
    ck_assert_int_eq(supervise(&run), 1);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_signal_ends_the_run_when_everything_is_here)
{
    struct run run;
    begin(&run, TICK EVENT TICKS);
    signal_when_shown(&run, SIGINT, 1);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
    begin(&run, TICK EVENT TICKS);
    signal_when_shown(&run, SIGTERM, 1);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

/* Found when bpftrace was killed in the midst of a write, and half a heartbeat counted as damage. */
START_TEST(what_is_cut_after_the_end_is_no_damage)
{
    struct run run;
    char messages[512] = "";
    begin(&run, TICK EVENT AT_GATE "read up rest < /proc/uptime; printf '" N " h %x 0\\n" N
                                   " 0 7fff' $((${up%.*} * 1000000000 + 1999999999)); exec sleep 60");
    signal_when_shown(&run, SIGINT, 1);
    int original = dup(STDERR_FILENO), file = memfd_create("stderr", 0);
    dup2(file, STDERR_FILENO);
    int status = supervise(&run);
    dup2(original, STDERR_FILENO);
    ck_assert_int_eq(status, 0);
    ck_assert_int_gt((int)pread(file, messages, sizeof(messages) - 1, 0), 0);
    const char *expected = mem_printf(&run.fixture.mem,
                                      "h2olog: attaching 1 probe to pid %d (server)\nh2olog: tracing; Ctrl-C ends\n"
                                      "h2olog: 1 events; 0 lost, 0 damaged, 0 values cut\n",
                                      run.server);
    ck_assert_str_eq(messages, expected);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_bpftrace_that_ignores_everything_is_killed)
{
    struct run run;
    begin(&run, "trap '' INT TERM;" TICK EVENT "while :; do sleep 1; done");
    signal_when_shown(&run, SIGINT, 1);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(records_after_the_signal_are_not_of_the_run)
{
    struct run run;
    begin(&run, TICK EVENT AT_GATE "printf '" N " 0 7fffffffffffffff 7 6\\n'; sleep 60");
    signal_when_shown(&run, SIGINT, 1);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(the_end_of_the_server_ends_the_run)
{
    struct run run;
    begin(&run, TICK EVENT AT_GATE "sleep 0.3;" EVENT "exit 0");
    signal_from_beside(&run, run.server, SIGKILL, 1, 0);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\nevent 5\n");
    begin(&run, TICK EVENT TICKS); /* it does not notice */
    signal_from_beside(&run, run.server, SIGKILL, 1, 0);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_reader_that_goes_ends_the_run)
{
    struct run run;
    begin(&run, TICK "exec sleep 60");
    close(run.reader);
    ck_assert_int_eq(supervise(&run), 0);
    run.reader = open("/dev/null", O_RDONLY);
    end(&run, "");
}
END_TEST

START_TEST(a_slow_reader_gets_everything)
{
    struct run run;
    begin(&run, TICK "i=0; while [ $i -lt 20000 ]; do printf '" N " 0 %s 7 %x\\n' $now $i; i=$((i + 1)); done; exit 0");
    pid_t reader = fork();
    if (reader == 0) {
        char bytes[8192];
        ssize_t got;
        size_t lines = 0;
        close(run.sink.fd);
        while ((got = read(run.reader, bytes, sizeof(bytes))) > 0) {
            for (ssize_t i = 0; i < got; i++)
                lines += bytes[i] == '\n';
            nanosleep(&(struct timespec){0, 5 * 1000 * 1000}, NULL);
        }
        _exit(lines == 20000 ? 0 : 1);
    }
    ck_assert_int_eq(supervise(&run), 1);
    close(run.sink.fd);
    int status;
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
    run.sink.fd = open("/dev/null", O_WRONLY);
    end(&run, NULL);
}
END_TEST

/* The pipe's buffer is full and nobody reads it. */
START_TEST(a_stalled_reader_does_not_hold_back_the_end)
{
    struct run run;
    begin(&run, TICK "exec yes \"" N " 0 $now 7 5\"");
    signal_when_shown(&run, SIGINT, 1);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, NULL);
}
END_TEST

/* One that prints what is older than the signal is waited for, here for an hour. */
START_TEST(a_second_signal_ends_the_run_at_once)
{
    struct run run;
    begin(&run, TICK EVENT "while :; do printf '" N " h 1 0\\n'; sleep 0.1; done");
    run.put_off_ms = 3600 * 1000;
    signal_when_shown(&run, SIGINT, 2);
    ck_assert_int_eq(supervise(&run), 0);
    end(&run, "event 5\n");
}
END_TEST

START_TEST(a_flood_of_errors_keeps_the_last_words)
{
    check("i=0; while [ $i -lt 2000 ]; do echo words that mean nothing to anybody; i=$((i + 1)); done "
          ">&2; echo 'ERROR: the last' >&2; exit 1",
          1, "bpftrace ended before it could trace: ERROR: the last; h2olog -dd shows the program", "");
    check("head -c 300000 /dev/zero | tr '\\0' a >&2; printf 'ERROR: no LF' >&2; exit 1", 1, NULL, "");
}
END_TEST

START_TEST(escapes_of_a_terminal_do_not_reach_the_message)
{
    check("printf 'ERROR: \\033[31m\\302\\233\\n' >&2; exit 1", 1,
          "bpftrace ended before it could trace: ERROR: \\x1b[31m\\xc2\\x9b; h2olog -dd shows the program", "");
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    struct run run;
    begin(&run, TICK EVENT "exec sleep 60");
    close(run.sink.fd);
    run.sink.fd = open("/dev/full", O_WRONLY);
    ck_assert_int_eq(supervise(&run), 1);
    ck_assert_str_eq(run.fixture.diag.message,
                     "cannot write the output: No space left on device; at least 1 record is not in it");
    end(&run, "");
}
END_TEST

START_TEST(a_program_that_cannot_run_is_an_error_at_once)
{
    struct child child;
    struct diag diag;
    char *argv[] = {"x", NULL}, *envp[] = {NULL};
    ck_assert_int_eq(child_start(&child, "/nonexistent/x", argv, envp, -1, &diag), -1);
    ck_assert_str_eq(diag.message, "cannot run /nonexistent/x: No such file or directory");
    ck_assert_int_eq(diag.status, DIAG_MACHINE);
}
END_TEST

START_TEST(a_child_has_the_given_environment_and_a_group_of_its_own)
{
    struct diag diag;
    struct outbuf out = {0};
    char *argv[] = {"sh", "-c", "/usr/bin/env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; ps -o pgid= -p $$ | tr -d ' '; echo $$",
                    NULL};
    char *envp[] = {"PATH=/usr/bin:/bin", "A=1", NULL};
    ck_assert_int_eq(child_capture("/bin/sh", argv, envp, &out, 5000, &diag), 0);
    struct slice rest = {out.ptr, out.len}, line, group, pid;
    ck_assert(text_line(&rest, &line) && text_line(&rest, &line)); /* PATH and A, in any order */
    ck_assert(text_line(&rest, &group) && text_line(&rest, &pid) && text_equal(group, pid) && !text_line(&rest, &line));
    text_free(&out);
}
END_TEST

Suite *
supervise_suite(void)
{
    Suite *suite = suite_create("supervise");
    TCase *tcase = tcase_create("supervise");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, early_ends_are_explained);
    tcase_add_loop_test(tcase, o3_causes_are_found, 0, 9);
    tcase_add_test(tcase, a_refused_program_is_followed_by_a_lesser_one);
    tcase_add_test(tcase, half_a_record_is_no_record);
    tcase_add_test(tcase, a_grandchild_that_holds_the_pipe_does_not_hold_the_run);
    tcase_add_test(tcase, a_grandchild_that_writes_on_is_left_behind);
    tcase_add_test(tcase, a_program_that_takes_too_long_is_not_waited_for);
    tcase_add_test(tcase, a_program_that_says_much_on_stderr_is_captured);
    tcase_add_test(tcase, a_flood_does_not_hold_back_the_end);
    tcase_add_test(tcase, what_came_while_probes_were_attached_is_not_of_the_run);
    tcase_add_test(tcase, a_loss_stands_where_it_happened);
    tcase_add_test(tcase, a_program_by_file_shows_successors_only);
    tcase_add_test(tcase, a_server_that_was_never_seen_is_a_gap);
    tcase_add_test(tcase, a_clock_that_was_set_is_noticed);
    tcase_add_test(tcase, a_recording_keeps_when_the_clock_was_set);
    tcase_add_test(tcase, a_keeper_that_dies_ends_the_run);
    tcase_add_test(tcase, r6_a_note_that_is_too_long_is_an_error);
    tcase_add_test(tcase, r6_sigint_ends_a_run_whose_keeper_does_not_answer);
    tcase_add_test(tcase, a_paused_tracer_goes_on_by_itself);
    tcase_add_test(tcase, a_paused_tracer_can_be_killed);
    tcase_add_test(tcase, a_pause_ends_without_the_keeper);
    tcase_add_test(tcase, a_pause_that_a_stopped_keeper_does_not_end_is_ended);
    tcase_add_test(tcase, what_dies_takes_stopped_processes_with_it);
    tcase_add_test(tcase, a_stopped_keeper_does_not_hold_up_the_end);
    tcase_add_test(tcase, sigterm_to_the_keeper_ends_the_run_in_order);
    tcase_add_loop_test(tcase, a_stopped_h2olog_ends_with_the_run, 0, 6);
    tcase_add_test(tcase, h2olog_and_keeper_that_are_stopped_end_when_one_goes_on);
    tcase_add_loop_test(tcase, nobody_waits_for_an_h2olog_that_is_stuck, 0, 2);
    tcase_add_loop_test(tcase, a_bpftrace_that_others_have_killed_is_told_of, 0, 3);
    tcase_add_test(tcase, a_bpftrace_that_got_the_signal_too_is_no_failure);
    tcase_add_test(tcase, a_server_that_ends_after_the_signal_is_no_failure);
    tcase_add_test(tcase, a_closed_output_is_not_the_end);
    tcase_add_test(tcase, a_signal_ends_the_run_when_everything_is_here);
    tcase_add_test(tcase, what_is_cut_after_the_end_is_no_damage);
    tcase_add_test(tcase, a_bpftrace_that_ignores_everything_is_killed);
    tcase_add_test(tcase, records_after_the_signal_are_not_of_the_run);
    tcase_add_test(tcase, the_end_of_the_server_ends_the_run);
    tcase_add_test(tcase, a_reader_that_goes_ends_the_run);
    tcase_add_test(tcase, a_slow_reader_gets_everything);
    tcase_add_test(tcase, a_stalled_reader_does_not_hold_back_the_end);
    tcase_add_test(tcase, a_second_signal_ends_the_run_at_once);
    tcase_add_test(tcase, a_flood_of_errors_keeps_the_last_words);
    tcase_add_test(tcase, escapes_of_a_terminal_do_not_reach_the_message);
    tcase_add_test(tcase, a_full_disk_is_an_error);
    tcase_add_test(tcase, a_program_that_cannot_run_is_an_error_at_once);
    tcase_add_test(tcase, a_child_has_the_given_environment_and_a_group_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}
