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
    text_free(&sink.pending);
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
        {"count -1\n", "\"count N\""},
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

Suite *
replay_suite(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, a_replay_redacts);
    tcase_add_test(tcase, both_lists_count);
    tcase_add_test(tcase, what_is_redacted_is_not_found);
    tcase_add_test(tcase, a_catalogue_with_control_bytes_is_refused);
    tcase_add_test(tcase, a_header_with_control_bytes_is_refused);
    tcase_add_test(tcase, numbers_of_the_header_have_bounds);
    tcase_add_test(tcase, blocks_have_bounds);
    tcase_add_test(tcase, servers_at_the_same_time_have_a_bound);
    tcase_add_test(tcase, servers_in_all_have_none);
    tcase_add_test(tcase, a_header_may_have_any_length);
    tcase_add_test(tcase, a_header_without_begin_is_refused);
    tcase_add_test(tcase, a_batch_in_a_stream_is_damage);
    suite_add_tcase(suite, tcase);
    return suite;
}
