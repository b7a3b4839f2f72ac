#include "show/sink.h"

#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static struct sink sink;
static struct diag diag;
static int reader;

static void
open_pipe(void)
{
    int pair[2];
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    reader = pair[0];
    sink = (struct sink){.fd = pair[1]};
}

static void
tear_down(void)
{
    close(sink.fd);
    close(reader);
    sink_free(&sink);
}

static void
put(const char *record)
{
    text_puts(&sink.pending, record);
    sink_end_record(&sink);
}

START_TEST(what_is_pending_is_written)
{
    char bytes[16] = "";
    open_pipe();
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_EMPTY);
    text_puts(&sink.pending, "one\n");
    text_puts(&sink.pending, "two\n");
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_EMPTY);
    ck_assert_uint_eq(sink.pending.len, 0);
    ck_assert_int_eq((int)read(reader, bytes, sizeof(bytes)), 8);
    ck_assert_str_eq(bytes, "one\ntwo\n");
}
END_TEST

/* A pipe that blocks, since stdout may be shared with other programs. */
START_TEST(a_full_pipe_does_not_block_and_loses_nothing)
{
    enum { TOTAL = 3 << 20 };
    static char back[65536];
    size_t seen = 0, wrong = 0;
    int fulls = 0;
    open_pipe();
    for (unsigned i = 0; i < TOTAL; i++)
        text_putc(&sink.pending, (char)(i * 7 + i / 251));
    for (enum sink_state state = SINK_FULL; state != SINK_EMPTY || seen < TOTAL;) {
        state = sink_flush(&sink, &diag);
        ck_assert(state == SINK_EMPTY || state == SINK_FULL);
        fulls += state == SINK_FULL;
        ssize_t got = read(reader, back, sizeof(back));
        ck_assert_int_gt((int)got, 0);
        for (ssize_t i = 0; i < got; i++, seen++)
            wrong += back[i] != (char)((unsigned)seen * 7 + (unsigned)seen / 251);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(seen, TOTAL);
    ck_assert_int_gt(fulls, 10);
    ck_assert_int_eq(fcntl(sink.fd, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(a_reader_that_is_gone)
{
    signal(SIGPIPE, SIG_IGN);
    open_pipe();
    close(reader);
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_EMPTY);
    text_puts(&sink.pending, "x");
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_GONE);
}
END_TEST

START_TEST(a_file_takes_all_at_once)
{
    static char bytes[1 << 20];
    sink = (struct sink){.fd = memfd_create("out", MFD_CLOEXEC)};
    reader = -1;
    memset(bytes, 'b', sizeof(bytes));
    text_put(&sink.pending, (struct slice){bytes, sizeof(bytes)});
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_EMPTY);
    ck_assert_int_eq((int)lseek(sink.fd, 0, SEEK_END), 1 << 20);
}
END_TEST

START_TEST(a_write_error_is_explained)
{
    sink = (struct sink){.fd = open("/dev/full", O_WRONLY | O_CLOEXEC)};
    reader = -1;
    put("x");
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_FAILED);
    ck_assert_int_eq(diag.status, DIAG_FAILED);
    ck_assert_str_eq(diag.message, "cannot write the output: No space left on device; at least 1 record is not in it");
}
END_TEST

/* A file that takes so many bytes more and no others, as on a full disk. */
static void
open_bounded(const char *before, size_t room)
{
    char path[] = "/tmp/h2olog-sink.XXXXXX";
    signal(SIGXFSZ, SIG_IGN);
    sink = (struct sink){.fd = mkostemp(path, O_CLOEXEC | O_APPEND), .name = "FILE"};
    unlink(path);
    reader = -1;
    ck_assert_int_eq(write(sink.fd, before, strlen(before)), (ssize_t)strlen(before));
    const struct rlimit limit = {strlen(before) + room, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
check_file(const char *expected)
{
    char bytes[64] = "";
    ck_assert_int_ge((int)pread(sink.fd, bytes, sizeof(bytes) - 1, 0), 0);
    ck_assert_str_eq(bytes, expected);
}

/* T18: half a record stood at the end, and nothing said in which file, or how much was missing. */
START_TEST(t18_a_full_disk_leaves_whole_records)
{
    static const struct {
        size_t room;
        const char *content, *message;
    } rows[] = {
        {0, "before\n", "cannot write FILE: File too large; at least 3 records are not in it"},
        {3, "before\n", "cannot write FILE: File too large; at least 3 records are not in it"},
        {4, "before\none\n", "cannot write FILE: File too large; at least 2 records are not in it"},
        {9, "before\none\n", "cannot write FILE: File too large; at least 2 records are not in it"}, /* a record of two lines */
        {13, "before\none\ntwo\n2\n\n", "cannot write FILE: File too large; at least 1 record is not in it"},
    };
    open_bounded("before\n", rows[_i].room);
    put("one\n");
    put("two\n2\n\n");
    put("three\n");
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_FAILED);
    ck_assert_str_eq(diag.message, rows[_i].message);
    check_file(rows[_i].content);
}
END_TEST

START_TEST(what_others_have_written_behind_stays)
{
    open_bounded("", 6);
    put("one\n");
    put("two\n");
    ck_assert_int_eq(write(sink.fd, "onetwo", 6), 6);
    ck_assert_int_eq(lseek(sink.fd, 3, SEEK_SET), 3); /* as if "two" were another's */
    sink.done = 3;
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_FAILED);
    check_file("onetwo");
}
END_TEST

Suite *
sink_suite(void)
{
    Suite *suite = suite_create("sink");
    TCase *tcase = tcase_create("sink");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, what_is_pending_is_written);
    tcase_add_test(tcase, a_full_pipe_does_not_block_and_loses_nothing);
    tcase_add_test(tcase, a_reader_that_is_gone);
    tcase_add_test(tcase, a_file_takes_all_at_once);
    tcase_add_test(tcase, a_write_error_is_explained);
    tcase_add_loop_test(tcase, t18_a_full_disk_leaves_whole_records, 0, 5);
    tcase_add_test(tcase, what_others_have_written_behind_stays);
    suite_add_tcase(suite, tcase);
    return suite;
}
