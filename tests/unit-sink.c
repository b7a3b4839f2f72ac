#include "show/sink.h"

#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
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
    text_free(&sink.pending);
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
    text_puts(&sink.pending, "x");
    ck_assert_int_eq(sink_flush(&sink, &diag), SINK_FAILED);
    ck_assert_int_eq(diag.status, DIAG_FAILED);
    ck_assert_str_eq(diag.message, "cannot write the output: No space left on device");
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
    suite_add_tcase(suite, tcase);
    return suite;
}
