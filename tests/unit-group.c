#include "show/group.h"

#include "unit-requests.h"
#include "unit.h"

#include <string.h>

static struct fixture fixture;
static struct group group;
static struct outbuf seen; /* of each that is handed out: "CONN/REQ TAG TAG;" */
static uint64_t now;       /* in milliseconds: of the next record */

static void
set_up(void)
{
    requests_plan(&fixture);
    group_init(&group, 3);
    now = 1000;
}

static void
tear_down(void)
{
    group_free(&group);
    text_free(&seen);
    fixture_free(&fixture);
}

static void
collect(void)
{
    const struct exchange *exchange;
    while ((exchange = group_next(&group)) != NULL) {
        struct record record;
        text_printf(&seen, "%lu/%lu", exchange->conn_id, exchange->req_id);
        for (size_t at = 0; exchange_next(exchange, &at, &record);)
            text_printf(&seen, " %s", record.event->probe->tag);
        text_putc(&seen, ';');
    }
}

/* A record of thread `tid` of the server `pid`, a millisecond after the one before. */
static void
fire_in(pid_t pid, uint64_t tid, const char *line)
{
    struct record record;
    requests_record(&fixture, &record, line, now++, tid);
    record.pid = pid;
    group_add(&group, &record);
    collect();
}

static void
fire(uint64_t tid, const char *line)
{
    fire_in(7, tid, line);
}

static void
tick(uint64_t ms)
{
    group_tick(&group, 7, ms * 1000000);
    collect();
}

/* What has been handed out since the last call. */
static void
check(const char *expected)
{
    fixture_equal(&seen, expected);
    seen.len = 0;
}

START_TEST(the_next_record_of_the_thread_completes)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 RxHeader a b");
    fire(1, "1 1 TxStatus 200");
    fire(1, "1 1 TxHeader c d");
    fire(1, "1 1 TxHeader e f");
    check("");
    fire(2, "2 1 RxProtocol HTTP/1.1");
    check("");
    fire(1, "1 2 RxProtocol HTTP/1.1"); /* pipelined, or the next */
    check("1/1 RxProtocol RxHeader TxStatus TxHeader TxHeader;");
    fire(1, "1 2 TxStatus 200");
    fire(1, "5 - other");
    check("1/2 RxProtocol TxStatus;");
    ck_assert_uint_eq(group.count, 1);
}
END_TEST

START_TEST(time_completes)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 TxStatus 200");
    fire(1, "1 1 TxHeader c d"); /* at 1,002 */
    tick(1101);
    check("");
    tick(1102);
    check("1/1 RxProtocol TxStatus TxHeader;");
}
END_TEST

/* Two threads, streams of a connection, and another server that has the same numbers. */
START_TEST(interleaved)
{
    fire(1, "1 1 RxProtocol HTTP/2.0");
    fire(1, "1 3 RxProtocol HTTP/2.0");
    fire(2, "2 1 RxProtocol HTTP/2.0");
    fire_in(8, 9, "1 1 RxProtocol HTTP/1.1");
    check("1/1 RxProtocol;"); /* four: the oldest is given up */
    ck_assert_uint_eq(group.given_up, 1);
    fire(1, "1 3 RxHeader a b");
    fire(2, "2 1 TxStatus 200");
    fire(1, "1 3 TxStatus 200");
    fire(2, "2 1 TxHeader a b");
    fire(1, "1 3 TxHeader a b");
    fire_in(8, 1, "1 1 TxStatus 200"); /* another server's thread */
    check("");
    tick(2000);
    check("2/1 RxProtocol TxStatus TxHeader;1/3 RxProtocol RxHeader TxStatus TxHeader;");
    group_end(&group, 8);
    collect();
    check("1/1 RxProtocol TxStatus;");
    ck_assert_uint_eq(group.count, 0);
    ck_assert_uint_eq(group.bytes, 0);
}
END_TEST

START_TEST(a_response_without_a_request)
{
    fire(1, "1 1 TxStatus 200");
    fire(1, "1 1 TxHeader a b");
    fire(1, "1 3 TxStatus 404");
    fire(1, "1 - close");
    check("1/1 TxStatus TxHeader;1/3 TxStatus;");
}
END_TEST

START_TEST(header_fields_of_a_response_that_began_before)
{
    fire(1, "1 1 TxHeader a b");
    fire(1, "1 1 TxHeader c d");
    fire(1, "1 2 RxProtocol HTTP/1.1");
    check("");
    fire(1, "1 - close");
    check("1/1 TxHeader TxHeader;1/2 RxProtocol;");
}
END_TEST

START_TEST(a_connection_that_ends_before_the_response)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "2 1 RxProtocol HTTP/1.1");
    fire(1, "1 3 RxProtocol HTTP/1.1");
    fire(1, "1 - close");
    check("1/1 RxProtocol;1/3 RxProtocol;");
    fire_in(8, 1, "2 - close");
    check("");
    ck_assert_uint_eq(group.given_up, 0);
}
END_TEST

START_TEST(the_same_numbers_again)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 RxProtocol HTTP/1.1");
    check("1/1 RxProtocol;");
    fire(1, "1 1 TxStatus 200");
    fire(1, "1 1 TxStatus 500");
    check("1/1 RxProtocol TxStatus;");
    fire(2, "1 1 TxStatus 501"); /* by another thread */
    fire(2, "1 1 RxProtocol HTTP/1.1");
    check("1/1 TxStatus TxStatus;");
}
END_TEST

/* A second status by another thread made a list that ended too early, and those behind it were lost. */
START_TEST(a_second_status_loses_no_other_response)
{
    fire(1, "1 1 TxStatus 200");
    fire(2, "2 1 TxStatus 200");
    fire(3, "1 1 TxStatus 500");
    tick(2000);
    check("1/1 TxStatus TxStatus;2/1 TxStatus;");
    ck_assert_uint_eq(group.count, 0);
}
END_TEST

START_TEST(too_many_bytes_are_not_held)
{
    static char line[65536 + 32] = "1 1 RxHeader name ";
    memset(line + 18, 'v', 65536);
    for (int i = 0; i < 1030 && seen.len == 0; i++)
        fire(1, line);
    ck_assert_uint_eq(group.given_up, 1);
    ck_assert_uint_eq(group.bytes, 0);
}
END_TEST

Suite *
group_suite(void)
{
    Suite *suite = suite_create("group");
    TCase *tcase = tcase_create("group");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_next_record_of_the_thread_completes);
    tcase_add_test(tcase, time_completes);
    tcase_add_test(tcase, interleaved);
    tcase_add_test(tcase, a_response_without_a_request);
    tcase_add_test(tcase, header_fields_of_a_response_that_began_before);
    tcase_add_test(tcase, a_connection_that_ends_before_the_response);
    tcase_add_test(tcase, the_same_numbers_again);
    tcase_add_test(tcase, a_second_status_loses_no_other_response);
    tcase_add_test(tcase, too_many_bytes_are_not_held);
    suite_add_tcase(suite, tcase);
    return suite;
}
