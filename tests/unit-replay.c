#include "run/replay.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N "0123456789abcdef"

/* The heartbeat with which tracing begins, at 9; in a block that was read before. */
#define TICK N " h 9 0\n0\n"

static const char usual_header[] = "bpftrace 0.17.0\ncpus 1\noffset 0\nmode h\nformat line\napp-data 0\n";
static const char usual_catalogue[] = "provider p\n"
                                      "probe q\n group h\n summary Q.\n role request\n"
                                      " arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 http_version http_version\n"
                                      "probe header\n tag RxHeader\n group h\n summary H.\n role request-header\n"
                                      " arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 name str len=3 request-header\n"
                                      " arg 4 value str len=5 named-by=name\n"
                                      " line ${conn_id} ${req_id} ${tag} ${name} ${value}\n"
                                      "probe r\n group h\n summary R.\n role response\n"
                                      " arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 status i32\n";
static const char usual_start[] = "12\n" N "\nserver\np q 8 8 4\np header 8 8 8 8 8 8\np r 8 8 4\n";

static struct outbuf recording, shown;
static struct diag diag;

static void
begin(const char *header, const char *name, const char *catalogue)
{
    recording.len = 0;
    text_printf(&recording, "h2olog-recording 1\n%sfile %zu %s\n%s\nbegin\n", header, strlen(catalogue), name, catalogue);
}

static void
block(const char *kind, unsigned long server, unsigned long nsecs, const char *bytes)
{
    text_printf(&recording, "%s %lu %lu %zu\n%s\n", kind, server, nsecs, strlen(bytes), bytes);
}

static int
file_of(const struct outbuf *bytes, char path[static 64])
{
    int fd = memfd_create("recording", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes->ptr, bytes->len), (ssize_t)bytes->len);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0); /* what reads it shares the offset */
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* Plays the recording; what is shown is then in `shown`, with a NUL at its end. */
static int
play_as(struct replay replay)
{
    static const struct diag_log log = {.quiet = true};
    char path[64];
    int in = file_of(&recording, path), out = memfd_create("shown", MFD_CLOEXEC);
    struct sink sink = {.fd = out};
    replay.path = path;
    replay.sink = &sink;
    replay.log = &log;
    diag = (struct diag){0};
    int status = replay_run(&replay, &diag);
    shown.len = 0;
    ssize_t got = pread(out, text_reserve(&shown, 65536), 65535, 0);
    shown.len = (size_t)got;
    text_putc(&shown, '\0');
    sink_free(&sink);
    close(in);
    close(out);
    return status;
}

static int
play(void)
{
    return play_as((struct replay){0});
}

static void
tear_down(void)
{
    text_free(&recording);
    text_free(&shown);
}

/* ---- What is held back. */

static void
record_a_request(const char *header)
{
    begin(header, "t.probes", usual_catalogue);
    block("start", 0, 5, usual_start);
    block("out", 0, 8, TICK);
    block("out", 0, 40,
          N " 0 10 7 1 2 200\n" N " 1 11 7 1 2 6 6 cookie secret\n" N " 1 12 7 1 2 7 6 cookie  secret\n" N
            " 1 13 7 1 2 1 5 x shown\n" N " 2 14 7 1 2 c8\n");
    block("end", 0, 70, "complete");
}

static struct replay
holding_back(const char *const *pattern)
{
    return (struct replay){.redact = {pattern, 1}};
}

static const char *const cookie = "cookie", *const x = "x";

/* R10: the cookie was shown. */
START_TEST(a_replay_redacts)
{
    record_a_request(usual_header);
    ck_assert_int_eq(play_as(holding_back(&cookie)), 0);
    ck_assert_str_eq(shown.ptr, "1 2 q http_version=HTTP/2.0\n1 2 RxHeader   cookie \\[6 bytes redacted]\n"
                                "1 2 RxHeader   cookie  \\[6 bytes redacted]\n1 2 RxHeader   x shown\n1 2 r status=200\n");
    ck_assert_int_eq(play(), 0);
    ck_assert_ptr_nonnull(strstr(shown.ptr, "cookie secret\n"));
}
END_TEST

START_TEST(both_lists_count)
{
    char header[256];
    snprintf(header, sizeof(header), "%sredact cookie\n", usual_header);
    record_a_request(header);
    ck_assert_int_eq(play_as(holding_back(&x)), 0);
    ck_assert_ptr_nonnull(strstr(shown.ptr, "cookie \\[6 bytes redacted]\n"));
    ck_assert_ptr_nonnull(strstr(shown.ptr, "x \\[5 bytes redacted]\n"));
}
END_TEST

/* What is redacted fits no query, as in a live run. */
START_TEST(what_is_redacted_is_not_found)
{
    static const char *const rows[][3] = {
        {"query", "req.cookie eq secret", "no"}, {"query", "req.cookie", "yes"},    {"query", "req.x eq shown", "yes"},
        {"include-regex", "secret", "no"},       {"include-regex", "shown", "yes"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct filter_word word = {rows[i][0], rows[i][1]};
        struct replay replay = holding_back(&cookie);
        replay.words = &word;
        replay.nwords = 1;
        record_a_request(usual_header);
        ck_assert_msg(play_as(replay) == 0, "%s", diag.message);
        ck_assert_msg((*shown.ptr != '\0') == (strcmp(rows[i][2], "yes") == 0), "%s: <%s>", rows[i][1], shown.ptr);
        ck_assert_ptr_null(strstr(shown.ptr, "secret"));
    }
}
END_TEST

/* ---- What is asked for anew. */

static int
play_with(const char *option, const char *value)
{
    const struct filter_word word = {option, value};
    return play_as((struct replay){.words = &word, .nwords = 1});
}

/* T21: of a recording as JSON, what a log does not know was null. */
START_TEST(t21_a_log_has_lines)
{
    static const char json[] = "bpftrace 0.17.0\ncpus 1\noffset 0\nmode h\nformat json\napp-data 0\n";
    record_a_request(json);
    ck_assert_int_eq(play_with("log-format", "%s %b"), 0);
    ck_assert_str_eq(shown.ptr, "200 -\n");
    const struct filter_word word = {"log-format", "%s %b"};
    ck_assert_int_eq(play_as((struct replay){.words = &word, .nwords = 1, .format = "json"}), 0);
    ck_assert_str_eq(shown.ptr, "200 null\n");
    record_a_request("bpftrace 0.17.0\ncpus 1\noffset 0\nmode h\nformat json\napp-data 0\nshow log-format %b\n");
    ck_assert_int_eq(play_with("log-format", "%s %b"), 0);
    ck_assert_str_eq(shown.ptr, "200 null\n");
}
END_TEST

/* T21: they were ignored. */
START_TEST(t21_a_catalogue_must_say_what_is_asked_for)
{
    static const char *const rows[][3] = {
        {"response-header", "x", "--response-header: the catalogue does not say which field of a probe that is"},
        {"request-header", "x", "--request-header: the catalogue does not say which field of a probe that is"},
        {"group", "request", "--group: the catalogue does not say which events are requests and responses"},
        {"query", "status", "--query: the catalogue does not say which events are requests and responses"},
        {"log-format", "%s", "--log-format: the catalogue does not say which events are requests and responses"},
        {"include", "RxHeadr", "--include: there is no tag \"RxHeadr\"; expected one, as RxHeader, or the name of an event"},
    };
    begin(usual_header, "t.probes", "provider p\nprobe r\n group h\n summary R.\n arg 0 conn_id u64\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(play_with(rows[i][0], rows[i][1]), -1);
        ck_assert_str_eq(diag.message, rows[i][2]);
        ck_assert_int_eq(diag.status, DIAG_USAGE);
    }
    ck_assert_int_eq(play_with("conn", "1"), 0);
}
END_TEST

/* T21: a summary stood before the error. */
START_TEST(t21_an_error_has_no_summary)
{
    char path[64], said[256] = "";
    int in, err = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC);
    struct sink sink = {.fd = file};
    static const struct diag_log log = {0};
    record_a_request(usual_header);
    recording.len -= 3;
    in = file_of(&recording, path);
    ck_assert_int_ge(dup2(file, STDERR_FILENO), 0);
    int status = replay_run(&(struct replay){.path = path, .sink = &sink, .log = &log}, &diag);
    dup2(err, STDERR_FILENO);
    ck_assert_int_eq(status, -1);
    ck_assert_int_gt((int)pread(file, said, sizeof(said) - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(said, "RxHeader   x shown\n"));
    ck_assert_ptr_null(strstr(said, "h2olog:"));
    sink_free(&sink);
    close(in), close(err), close(file);
}
END_TEST

/* T23: the share of a recording, and of what is shown of it. */
START_TEST(a_replay_names_the_share)
{
    static const struct filter_word half = {"sample", "50%"}, tenth = {"sample", "10%"};
    const struct {
        const char *header;
        const struct filter_word *word;
        const char *shown;
    } rows[] = {
        {"", NULL, NULL},
        {"filter sample 25%\n", NULL, "\"sample\": 0.25}"},
        {"", &half, "\"sample\": 0.5}"},
        {"filter sample 25%\n", &tenth, "\"sample\": 0.1}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char header[256];
        snprintf(header, sizeof(header), "%s%s", usual_header, rows[i].header);
        begin(header, "t.probes", usual_catalogue);
        block("start", 0, 5, usual_start);
        block("out", 0, 8, TICK);
        block("out", 0, 40, N " 2 14 7 0 2 c8\n"); /* connection 0 is in every sample */
        block("end", 0, 50, "complete");
        ck_assert_int_eq(play_as((struct replay){.format = "json", .words = rows[i].word, .nwords = rows[i].word != NULL}), 0);
        ck_assert_ptr_nonnull(strstr(shown.ptr, "\"status\": 200"));
        ck_assert_msg(strstr(shown.ptr, rows[i].shown != NULL ? rows[i].shown : "200}") != NULL, "%s", shown.ptr);
    }
}
END_TEST

/* T17: a recording keeps when the clock was set. */
START_TEST(a_replay_sets_the_clock)
{
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, usual_start);
    block("out", 0, 8, TICK);
    block("out", 0, 2000000, N " 0 f4240 7 1 2 200\n");
    block("clock", 0, 3000000, "5000000000");
    block("out", 0, 4000000, N " 0 3d0900 7 2 2 200\n" N " 0 2dc6bf 7 3 2 200\n"); /* the last one is older */
    block("end", 0, 5000000, "complete");
    ck_assert_msg(play_as((struct replay){.format = "json"}) == 0, "%s", diag.message);
    ck_assert_ptr_nonnull(strstr(shown.ptr, "{\"at\": 1, \"type\": \"q\", \"conn_id\": 1"));
    ck_assert_ptr_nonnull(strstr(shown.ptr, "{\"at\": 5004, \"type\": \"q\", \"conn_id\": 2"));
    ck_assert_ptr_nonnull(strstr(shown.ptr, "{\"at\": 2, \"type\": \"q\", \"conn_id\": 3"));
}
END_TEST

START_TEST(a_clock_that_was_set_to_nothing_is_damage)
{
    static const char *const offsets[] = {"", "x", "--1", "1 ", "4611686018427387905"};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        begin(usual_header, "t.probes", usual_catalogue);
        block("clock", 0, 5, offsets[i]);
        ck_assert_int_eq(play(), -1);
        ck_assert_ptr_nonnull(strstr(diag.message, " is damaged: the clock was set to nothing"));
    }
}
END_TEST

/* T21: as after kill -9, the last block is whole. It was replayed as if nothing was missing. */
START_TEST(a_recording_of_a_run_that_was_not_ended)
{
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, usual_start);
    block("out", 0, 8, TICK N " 0 f4240 7 1 2 200\n");
    ck_assert_int_eq(play_as((struct replay){.format = "json"}), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, " breaks off at its end: the run was not ended"));
    ck_assert_ptr_nonnull(strstr(shown.ptr, "\"conn_id\": 1"));
    block("stop", 0, 9, "");
    ck_assert_msg(play_as((struct replay){.format = "json"}) == 0, "%s", diag.message);
}
END_TEST

/* T1: what one server did before the other one was traced was shown, and counted for -k and --duration. */
START_TEST(a_run_of_several_servers_begins_with_the_last)
{
    char header[256];
    snprintf(header, sizeof(header), "%stogether 1\n", usual_header);
    begin(header, "t.probes", usual_catalogue);
    block("start", 0, 5, usual_start);
    block("out", 0, 8, TICK N " 0 f4240 7 1 2 200\n");
    block("start", 1, 9, usual_start);
    block("out", 1, 2000000, TICK);
    block("begin", 0, 3000000, "");
    block("out", 0, 4000000, N " 0 2dc6bf 7 2 2 200\n" N " 0 2dc6c0 7 3 2 200\n");
    block("stop", 0, 5000000, "");
    ck_assert_msg(play_as((struct replay){.format = "json"}) == 0, "%s", diag.message);
    ck_assert_str_eq(shown.ptr, "{\"at\": 3, \"type\": \"q\", \"conn_id\": 3, \"req_id\": 2, \"http_version\": 512}\n");
}
END_TEST

START_TEST(versions_of_recordings)
{
    static const struct {
        const char *version;
        int status;
    } rows[] = {{"0", -1}, {"1", 0}, {"2", 0}, {"3", 0}, {"4", 0}, {"5", 0}, {"6", -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(usual_header, "t.probes", usual_catalogue);
        recording.ptr[strlen("h2olog-recording ")] = *rows[i].version;
        ck_assert_int_eq(play(), rows[i].status);
        if (rows[i].status != 0)
            ck_assert_ptr_nonnull(strstr(diag.message, "this h2olog reads versions 1 to 5"));
    }
}
END_TEST

/* ---- The columns before lines. */

static void
record_two_lines(const char *header)
{
    begin(header, "t.probes", usual_catalogue);
    block("start", 0, 5, usual_start);
    block("out", 0, 8, TICK);
    block("out", 0, 40, N " 2 10c8e0 7 1 2 c8\n" N " 2 10ccc8 7 1 2 c8\n"); /* 1,000 ns apart */
    block("end", 0, 70, "complete");
}

/* It said that there were 0 events. */
START_TEST(a_mode_of_which_nothing_was_recorded)
{
    record_two_lines(usual_header);
    static const char *const patterns[] = {"q"};
    ck_assert_int_eq(play_as((struct replay){.mode = "h"}), 0);
    ck_assert_int_eq(play_as((struct replay){.mode = "quic", .patterns = patterns, .npatterns = 1}), 0); /* -t, not the mode */
    ck_assert_int_eq(play_as((struct replay){.mode = "quic"}), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_str_eq(diag.message, "no event of \"quic\" was recorded; leave the command out, or give another one");
}
END_TEST

/* T4 and T5: a replay shows the columns of the run, or the time that it is asked for. */
START_TEST(a_replay_has_the_columns_of_the_run)
{
    static const struct {
        const char *header;
        struct replay replay;
        const char *shown;
    } rows[] = {
        {"", {0}, "1 2 r status=200\n1 2 r status=200\n"},
        {"time none\nservers 0\n", {0}, "1 2 r status=200\n1 2 r status=200\n"},
        {"time delta\n", {0}, "0.000000 1 2 r status=200\n0.000001 1 2 r status=200\n"},
        {"servers 1\n", {0}, "12 1 2 r status=200\n12 1 2 r status=200\n"},
        {"time delta\nservers 1\n", {.has_time = true}, "12 1 2 r status=200\n12 1 2 r status=200\n"},
        {"", {.has_time = true, .format_options.time = FORMAT_DELTA}, "0.000000 1 2 r status=200\n0.000001 1 2 r status=200\n"},
        {"time delta\nservers 1\n",
         {.format = "json", .most = 1},
         "{\"at\": 1, \"type\": \"r\", \"conn_id\": 1, \"req_id\": 2, \"status\": 200, \"pid\": 12}\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char header[256];
        snprintf(header, sizeof(header), "%s%s", usual_header, rows[i].header);
        record_two_lines(header);
        ck_assert_msg(play_as(rows[i].replay) == 0, "%s", diag.message);
        ck_assert_str_eq(shown.ptr, rows[i].shown);
    }
}
END_TEST

START_TEST(a_time_that_cannot_be_shown)
{
    char header[256];
    snprintf(header, sizeof(header), "%stime lunch\n", usual_header);
    record_two_lines(header);
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, ": its time is none of this h2olog's"));
    record_two_lines("bpftrace 0.17.0\ncpus 1\noffset 0\nmode h\nformat json\napp-data 0\n");
    ck_assert_int_eq(play_as((struct replay){.has_time = true, .format_options.time = FORMAT_CLOCK}), -1);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
    ck_assert_str_eq(diag.message, "--time is for lines; JSON has \"at\" in every record. Leave it out, or give -f line");
    ck_assert_int_eq(play_as((struct replay){.has_time = true}), 0); /* none */
}
END_TEST

/* T4 and T21: whether there are lines is what the replay asks for, not what the run had. */
START_TEST(a_time_goes_with_the_format_of_the_replay)
{
    static const struct filter_word log = {"log-format", "%s"}, json_log = {"log-format", "json"};
    const struct {
        const char *format;
        const struct filter_word *word;
        const char *shown; /* NULL: it is refused */
    } rows[] = {
        {"line", NULL, "0.000000 1 2 q http_version=HTTP/2.0\n"},
        {NULL, &log, "0.000000 200\n"},
        {"json", &log, NULL},
        {NULL, &json_log, NULL},
        {NULL, NULL, NULL},
    };
    record_a_request("bpftrace 0.17.0\ncpus 1\noffset 0\nmode h\nformat json\napp-data 0\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct replay replay = {.format = rows[i].format,
                                      .words = rows[i].word,
                                      .nwords = rows[i].word != NULL,
                                      .most = 1,
                                      .has_time = true,
                                      .format_options.time = FORMAT_ELAPSED};
        ck_assert_int_eq(play_as(replay), rows[i].shown != NULL ? 0 : -1);
        ck_assert_str_eq(shown.ptr, rows[i].shown != NULL ? rows[i].shown : "");
    }
}
END_TEST

/* ---- What a recording says is not shown raw. */

static void
check_refused(const char *message)
{
    ck_assert_int_eq(play(), -1);
    const char *colon = strstr(diag.message, ": ");
    ck_assert_ptr_nonnull(colon);
    ck_assert_str_eq(colon + 2, message);
    ck_assert_str_eq(shown.ptr, "");
}

/* R11: a catalogue drove the terminal. */
START_TEST(a_catalogue_with_control_bytes_is_refused)
{
    static const char *const lines[] = {" line \x1b[2J${tag}\n", " line \xc2\x9b\n", " line \xff\n",
                                        " line \xe2\x80\xae\n",  " line a\x7f\n",    "# \r\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text), "%s%s", usual_catalogue, lines[i]);
        begin(usual_header, "t.probes", text);
        ck_assert_int_eq(play(), -1);
        ck_assert_msg(strstr(diag.message, "t.probes:26:") != NULL &&
                          strstr(diag.message, "expected UTF-8 without control characters") != NULL,
                      "%s", diag.message);
    }
}
END_TEST

START_TEST(a_header_with_control_bytes_is_refused)
{
    static const char *const lines[] = {"host \x1b[2J\n", "mode \x1bh\n", "type \xff\n", "show log-format \xc2\x9b%s\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char header[256];
        snprintf(header, sizeof(header), "%s%s", usual_header, lines[i]);
        begin(header, "t.probes", usual_catalogue);
        check_refused("not a line of a recording; expected UTF-8 without control characters");
    }
    begin(usual_header, "t\x1b.probes", usual_catalogue);
    check_refused("not a line of a recording; expected UTF-8 without control characters");
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, "12\n" N "\n\x1bserver\np q 8 8 4\n");
    ck_assert_int_eq(play(), -1);
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, "12\n" N "\nserver\np \x1b 8 8 4\n");
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, "not a probe: \"p \\x1b 8 8 4\""));
}
END_TEST

/* ---- Numbers that no run writes. */

/* R13: "(null) is bpftrace 0.-1.0", and memory without a bound. */
START_TEST(numbers_of_the_header_have_bounds)
{
    static const char *const lines[][2] = {
        {"bpftrace 0.-1.0\n", "\"bpftrace X.Y.Z\", of version 0.12 or later"},
        {"bpftrace 0.11.3\n", "\"bpftrace X.Y.Z\", of version 0.12 or later"},
        {"bpftrace \n", "\"bpftrace X.Y.Z\", of version 0.12 or later"},
        {"cpus 0\n", "\"cpus N\", N being 1 to 4096"},
        {"cpus 4097\n", "\"cpus N\", N being 1 to 4096"},
        {"cpus 65535\n", "\"cpus N\", N being 1 to 4096"},
        {"extra 2\n", "0 or 1 behind this word"},
        {"app-data -1\n", "0 or 1 behind this word"},
        {"offset 4611686018427387905\n", "\"offset NS\", NS being -2^62 to 2^62"},
        {"offset --1\n", "\"offset NS\", NS being -2^62 to 2^62"},
        {"count -1\n", "a number behind this word"},
        {"buffer 4294967297\n", "\"buffer BYTES\", of 4294967296 at most"},
        {"file 99999 t.probes\n", "\"file LENGTH NAME\", so many bytes, and a line feed"},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char header[512], expected[256];
        snprintf(header, sizeof(header), "%s%s", usual_header, lines[i][0]);
        snprintf(expected, sizeof(expected), ":8:1: not a line of a recording; expected %s", lines[i][1]);
        begin(header, "t.probes", usual_catalogue);
        ck_assert_int_eq(play(), -1);
        ck_assert_msg(strstr(diag.message, expected) != NULL, "%s", diag.message);
    }
}
END_TEST

/* What the file holds is not looked at: the message comes before so much memory is taken. */
START_TEST(blocks_have_bounds)
{
    begin(usual_header, "t.probes", usual_catalogue);
    text_puts(&recording, "out 0 1 67108865\n");
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, " is damaged: a block of more than 64 MiB begins at byte "));
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, "0\n" N "\nserver\np q 8 8 4\n");
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, " is damaged where server 0 begins: expected its pid"));
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 7, 5, usual_start);
    block("start", 7, 5, usual_start);
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, " is damaged where server 7 begins: it has begun already"));
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, "12\n0123\nserver\n");
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, "/proc/self/fd/"));
}
END_TEST

START_TEST(servers_at_the_same_time_have_a_bound)
{
    begin("bpftrace 0.17.0\ncpus 4096\noffset 0\nmode h\nformat line\ntransport batch\n", "t.probes", usual_catalogue);
    for (unsigned long i = 0; i < 4000; i++)
        block("start", i, 5, usual_start);
    ck_assert_int_eq(play(), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, " is damaged where server 256 begins: 256 others are traced at the same time"));
}
END_TEST

/* One after the other there may be any number: no recording was read beyond server 4,095. */
START_TEST(servers_in_all_have_none)
{
    begin(usual_header, "t.probes", usual_catalogue);
    for (unsigned long i = 0; i < 300; i++) {
        block("start", i * 1000, i, usual_start);
        block("out", i * 1000, 8, TICK N " 0 10 7 1 2 200\n");
        block("end", i * 1000, i + 1, "complete");
    }
    ck_assert_msg(play() == 0, "%s", diag.message);
    size_t lines = 0;
    for (const char *at = shown.ptr; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, 300);
}
END_TEST

/* ---- Programs by file: records have the process before the thread. */

static void
begin_by_file(void)
{
    begin(usual_header, "t.probes", usual_catalogue);
    block("start", 0, 5, "12\n" N " by-file\nserver\np q 8 8 4\np header 8 8 8 8 8 8\np r 8 8 4\n");
}

/* T8: a replay shows what the run has shown, and nothing of others, of whom the keeper is asked once a second at most. */
START_TEST(a_replay_shows_successors_only)
{
    begin_by_file();
    block("out", 0, 8, TICK N " 0 a c00000007 1 2 200\n" N " 0 b d00000007 3 4 200\n" N " 0 c e00000007 5 6 200\n");
    block("server", 0, 9, "13 joined\n- since=7\nsuccessor\n");
    block("server", 0, 9, "14 other\n");
    block("server", 0, 9, "12 ended\n");
    block("out", 0, 10, N " 0 d e00000007 5 7 200\n" N " 0 e d00000007 3 8 200\n" N " h f 0\n");
    block("server", 0, 11, "13 unseen 1000000 3000000\n");
    block("end", 0, 12, "complete");
    ck_assert_msg(play_as((struct replay){.format = "json"}) == 0, "%s", diag.message);
    ck_assert_str_eq(shown.ptr, "{\"at\": 0, \"type\": \"h2olog-gap\", \"pid\": 13, \"from\": 0, \"to\": 0}\n"
                                "{\"at\": 0, \"type\": \"q\", \"conn_id\": 1, \"req_id\": 2, \"http_version\": 512}\n"
                                "{\"at\": 0, \"type\": \"q\", \"conn_id\": 3, \"req_id\": 4, \"http_version\": 512}\n"
                                "{\"at\": 0, \"type\": \"q\", \"conn_id\": 3, \"req_id\": 8, \"http_version\": 512}\n"
                                "{\"at\": 3, \"type\": \"h2olog-gap\", \"pid\": 13, \"from\": 1, \"to\": 3}\n");
}
END_TEST

/* What came behind a record of a process that nobody has judged was dropped. */
START_TEST(an_end_without_an_answer_drops_nothing)
{
    begin_by_file();
    block("out", 0, 8, TICK N " 0 a d00000007 3 4 200\n" N " 0 b c00000007 1 2 200\n" N " 0 c e00000007 3 4 200\n");
    block("out", 0, 9, N " 0 d c00000007 1 3 200\n");
    block("end", 0, 12, "");
    ck_assert_msg(play_as((struct replay){.format = "json"}) == 0, "%s", diag.message);
    ck_assert_str_eq(shown.ptr, "{\"at\": 0, \"type\": \"q\", \"conn_id\": 1, \"req_id\": 2, \"http_version\": 512}\n"
                                "{\"at\": 0, \"type\": \"q\", \"conn_id\": 1, \"req_id\": 3, \"http_version\": 512}\n");
}
END_TEST

/* T8: what a successor did that ended at once was dropped, and nobody knew. */
START_TEST(what_a_process_did_that_ended_at_once_is_lost)
{
    begin_by_file();
    block("out", 0, 8, TICK N " 0 a d00000007 3 4 200\n" N " 0 b c00000007 1 2 200\n" N " 0 c d00000007 3 5 200\n");
    block("server", 0, 9, "13 gone\n");
    block("end", 0, 12, "complete");
    ck_assert_msg(play_as((struct replay){.format = "json"}) == 0, "%s", diag.message);
    ck_assert_str_eq(shown.ptr, "{\"at\": 0, \"type\": \"q\", \"conn_id\": 1, \"req_id\": 2, \"http_version\": 512}\n");
}
END_TEST

START_TEST(what_was_said_of_a_process_must_be_known)
{
    static const char *const blocks[] = {
        "", "0 other\n", "13\n", "13 gone\n", "13 unseen 3\n", "13 unseen 3 2\n", "13 joined\n", "13 joined\nnonce\nserver\n"};
    begin_by_file();
    block("server", 0, 9, blocks[_i]);
    ck_assert_int_eq(play(), -1);
}
END_TEST

/* ---- Where the header ends. */

/* A header of `len` bytes, "begin" and its LF among them: a comment makes the catalogue so long. */
static void
begin_with(size_t len)
{
    struct outbuf catalogue = {0};
    text_printf(&catalogue, "%s#", usual_catalogue);
    text_putc(&catalogue, '\0');
    begin(usual_header, "t.probes", catalogue.ptr);
    size_t missing = len - recording.len - 3; /* the length has three more digits */
    catalogue.len--;
    memset(text_reserve(&catalogue, missing), 'x', missing);
    catalogue.len += missing;
    text_putc(&catalogue, '\0');
    begin(usual_header, "t.probes", catalogue.ptr);
    text_free(&catalogue);
    ck_assert_uint_eq(recording.len, len);
}

/* B10: one whose file or "begin" ended with the first 128 KiB of the recording was taken for whole there. */
START_TEST(a_header_may_have_any_length)
{
    for (size_t len = 131060; len <= 131090; len++) {
        begin_with(len);
        block("start", 0, 5, usual_start);
        block("out", 0, 8, TICK N " 0 10 7 1 2 200\n");
        block("end", 0, 70, "complete");
        ck_assert_msg(play() == 0, "%zu bytes: %s", len, diag.message);
        ck_assert_str_eq(shown.ptr, "1 2 q http_version=HTTP/2.0\n");
    }
}
END_TEST

/* B10: it was taken for a recording of nothing. */
START_TEST(a_header_without_begin_is_refused)
{
    static const char *const ends[] = {"begin\n", "egin\n", "\n"}; /* what is cut off */
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        begin(usual_header, "t.probes", usual_catalogue);
        recording.len -= strlen(ends[i]);
        ck_assert_int_eq(play(), -1);
        ck_assert_msg(strstr(diag.message, ":35:1: the header breaks off; a line \"begin\" is missing") != NULL, "%s",
                      diag.message);
    }
}
END_TEST

/* ---- Frames that the header has no place for. */

/* R14: records of this bpftrace come in order, so there is nothing to put into order. */
START_TEST(a_batch_in_a_stream_is_damage)
{
    static const char *const versions[] = {"0.17.0", "0.20.0", "0.27.0"};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char header[128];
        snprintf(header, sizeof(header), "bpftrace %s\ncpus 1\noffset 0\nmode h\nformat line\n", versions[i]);
        begin(header, "t.probes", usual_catalogue);
        block("start", 0, 5, usual_start);
        block("out", 0, 8, TICK);
        block("out", 0, 40, N " m 64\n@n0" N "[1, 7]: (0, 1, 2, 512)\n" N " 0 10 7 1 2 200\n");
        block("end", 0, 70, "complete");
        ck_assert_msg(play() == 0, "%s", diag.message);
        ck_assert_str_eq(shown.ptr, "1 2 q http_version=HTTP/2.0\n");
    }
}
END_TEST

/* ---- Losses. */

/* T14: texts were lost, and the object looked whole. A batch's losses are told of behind its records. */
START_TEST(t14_a_loss_marks_what_came_in_the_same_time)
{
    const struct filter_word word = {"group", "request"};
    begin("bpftrace 0.17.0\ncpus 1\noffset 0\nmode h\ntransport batch\nformat json\n", "t.probes", usual_catalogue);
    block("start", 0, 5, usual_start);
    block("out", 0, 200, N " h c8 0\n" N " m c8\n"); /* everything up to 200 is there */
    block("out", 0, 500,
          "@n0" N "[300, 7]: (0, 1, 2, 512)\n@n0" N "[310, 7]: (2, 1, 2, 200)\n@c0" N ": 5\n" N " h 190 0\n" N " m 190\n");
    block("out", 0, 700,
          "@n1" N "[600, 7]: (0, 1, 4, 512)\n@n1" N "[610, 7]: (2, 1, 4, 200)\n@c1" N ": 2\n" N " h 2bc 0\n" N " m 2bc\n");
    block("end", 0, 800, "complete");
    ck_assert_msg(play_as((struct replay){.words = &word, .nwords = 1}) == 0, "%s", diag.message);
    ck_assert_str_eq(
        shown.ptr,
        "{\"at\": 0, \"type\": \"h2olog-event-lost\", \"lost\": 3}\n"
        "{\"at\": 0, \"conn_id\": 1, \"req_id\": 2, \"http_version\": 512, \"request\": {\"method\": null, \"scheme\": null, "
        "\"authority\": null, \"path\": null, \"headers\": []}, \"status\": 200, \"response\": {\"headers\": []}, \"ttfb_ms\": "
        "0.000, \"incomplete\": [\"request-headers\", \"response-headers\"]}\n"
        "{\"at\": 0, \"conn_id\": 1, \"req_id\": 4, \"http_version\": 512, \"request\": {\"method\": null, \"scheme\": null, "
        "\"authority\": null, \"path\": null, \"headers\": []}, \"status\": 200, \"response\": {\"headers\": []}, \"ttfb_ms\": "
        "0.000}\n");
}
END_TEST

Suite *
replay_suite(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, a_replay_redacts);
    tcase_add_test(tcase, both_lists_count);
    tcase_add_test(tcase, what_is_redacted_is_not_found);
    tcase_add_test(tcase, t21_a_log_has_lines);
    tcase_add_test(tcase, t21_a_catalogue_must_say_what_is_asked_for);
    tcase_add_test(tcase, t21_an_error_has_no_summary);
    tcase_add_test(tcase, a_replay_names_the_share);
    tcase_add_test(tcase, a_replay_sets_the_clock);
    tcase_add_test(tcase, a_clock_that_was_set_to_nothing_is_damage);
    tcase_add_test(tcase, a_recording_of_a_run_that_was_not_ended);
    tcase_add_test(tcase, a_run_of_several_servers_begins_with_the_last);
    tcase_add_test(tcase, a_mode_of_which_nothing_was_recorded);
    tcase_add_test(tcase, versions_of_recordings);
    tcase_add_test(tcase, a_replay_has_the_columns_of_the_run);
    tcase_add_test(tcase, a_time_that_cannot_be_shown);
    tcase_add_test(tcase, a_time_goes_with_the_format_of_the_replay);
    tcase_add_test(tcase, a_catalogue_with_control_bytes_is_refused);
    tcase_add_test(tcase, a_header_with_control_bytes_is_refused);
    tcase_add_test(tcase, numbers_of_the_header_have_bounds);
    tcase_add_test(tcase, blocks_have_bounds);
    tcase_add_test(tcase, servers_at_the_same_time_have_a_bound);
    tcase_add_test(tcase, servers_in_all_have_none);
    tcase_add_test(tcase, a_replay_shows_successors_only);
    tcase_add_test(tcase, an_end_without_an_answer_drops_nothing);
    tcase_add_test(tcase, what_a_process_did_that_ended_at_once_is_lost);
    tcase_add_loop_test(tcase, what_was_said_of_a_process_must_be_known, 0, 8);
    tcase_add_test(tcase, a_header_may_have_any_length);
    tcase_add_test(tcase, a_header_without_begin_is_refused);
    tcase_add_test(tcase, a_batch_in_a_stream_is_damage);
    tcase_add_test(tcase, t14_a_loss_marks_what_came_in_the_same_time);
    suite_add_tcase(suite, tcase);
    return suite;
}
