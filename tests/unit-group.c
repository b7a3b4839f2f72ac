#include "show/group.h"

#include "unit-requests.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct fixture fixture;
static struct group group;
static struct outbuf seen; /* of each that is handed out: "CONN/REQ TAG TAG;", with "~PART,PART" where these may be missing */
static uint64_t now;       /* in milliseconds: of the next record */

static void
set_up(void)
{
    requests_plan(&fixture);
    group_init(&group, 3, 0);
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
        text_puts(&seen, exchange->incomplete != 0 ? " ~" : "");
        exchange_put_incomplete(exchange, &seen, ",");
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

/* Tracing began long ago: later connections than this one, of the thread 99, are new. */
static void
settle(const char *conn)
{
    char line[64];
    snprintf(line, sizeof(line), "%s 1 RxProtocol HTTP/1.1", conn);
    fire(99, line);
    snprintf(line, sizeof(line), "%s - close", conn);
    fire(99, line);
    seen.len = 0;
    now += 1000;
}

/* Events were lost after all that was passed on, until now. */
static void
lose(void)
{
    struct record record = {.nsecs = (now - 1) * 1000000, .pid = 7};
    record.values[RECORD_LOST].number = 1;
    record.values[RECORD_LOST_UNTIL].number = now++ * 1000000;
    group_add(&group, &record);
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
    tick(1501);
    check("");
    tick(1502);
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
    check("1/1 RxProtocol ~response,response-headers;"); /* four: the oldest is given up */
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

/* The first lines of a run were halves of requests that had begun before it. */
START_TEST(what_began_before_is_dropped)
{
    fire(1, "8 1 RxHeader a b"); /* half of a request */
    fire(1, "8 1 TxStatus 200");
    fire(1, "8 1 TxHeader a b");
    fire(2, "9 1 TxHeader a b"); /* half of a response */
    fire(1, "8 - close");
    fire(1, "10 1 RxProtocol HTTP/1.1");
    fire(1, "10 1 TxStatus 200");
    fire(2, "7 5 TxStatus 200");
    now += 100000;
    fire(2, "3 1 TxStatus 200"); /* a long poll */
    fire(1, "10 - close");
    tick(now);
    check("10/1 RxProtocol TxStatus;");
    ck_assert_uint_eq(group.before, 3);
    ck_assert_uint_eq(group.late + group.late_fields + group.given_up, 0);
}
END_TEST

/* On a quiet server the first record may come long after tracing began, and be of such a request. */
START_TEST(a_first_record_that_began_before)
{
    tick(100000);
    now = 200000;
    fire(1, "5 4 TxStatus 200");
    now += 5000;
    fire(1, "6 4 TxStatus 200");
    tick(now + 1000);
    check("");
    ck_assert_uint_eq(group.before, 2);
}
END_TEST

/* h2o answers what it cannot parse, and tells only of the answer. */
START_TEST(an_unparsable_request)
{
    settle("20");
    fire(1, "21 1 TxStatus 400");
    fire(1, "21 1 TxHeader a b");
    fire(1, "21 - close");
    fire(1, "20 1 TxStatus 400"); /* it may be old */
    tick(now + 1000);
    check("21/1 TxStatus TxHeader;");
    fire(1, "19 1 RxProtocol HTTP/1.1"); /* an old connection, of which a request was seen */
    fire(1, "19 1 TxStatus 200");
    fire(1, "19 2 TxStatus 400");
    fire(1, "19 - close");
    check("19/1 RxProtocol TxStatus;19/2 TxStatus;");
    ck_assert_uint_eq(group.before, 1);
}
END_TEST

START_TEST(a_pushed_stream)
{
    fire(1, "1 7 RxProtocol HTTP/2.0");
    fire(1, "1 2 TxStatus 200");
    fire(1, "1 7 TxStatus 200");
    fire(1, "1 4 TxStatus 200");
    tick(now + 1000);
    check("1/2 TxStatus;1/7 RxProtocol TxStatus;1/4 TxStatus;");
}
END_TEST

START_TEST(a_bare_response_knows_the_protocol_of_its_connection)
{
    fire(1, "1 1 RxProtocol HTTP/2.0");
    fire(1, "1 2 TxStatus 200");
    group_tick(&group, 7, (now + 1000) * 1000000);
    const struct exchange *exchange = group_next(&group);
    ck_assert(exchange->responded != 0 && exchange->requested == 0);
    ck_assert_uint_eq(exchange->http_version, 0x200);
}
END_TEST

/* A header field that came late was a request of its own. */
START_TEST(a_late_header_field_is_no_request)
{
    fire(1, "7 1 RxProtocol HTTP/1.1");
    fire(1, "7 1 TxStatus 200");
    fire(1, "7 1 TxHeader server x");
    now += 900;
    tick(now);
    check("7/1 RxProtocol TxStatus TxHeader;");
    fire(1, "7 1 TxHeader content-type text/html");
    fire(1, "7 - close");
    tick(now + 1000);
    check("");
    ck_assert_uint_eq(group.late_fields, 1);
    ck_assert_uint_eq(group.count + group.bare, 0);
}
END_TEST

/* A late response was a request of its own, and took another's place. */
START_TEST(a_late_response_of_a_request_that_was_given_up)
{
    settle("6");
    fire(1, "7 1 RxProtocol HTTP/1.1");
    fire(1, "8 1 RxProtocol HTTP/1.1");
    fire(1, "9 1 RxProtocol HTTP/1.1");
    fire(1, "10 1 RxProtocol HTTP/1.1");
    check("7/1 RxProtocol ~response,response-headers;");
    fire(1, "7 1 RxHeader a b");
    fire(2, "7 1 TxStatus 200");
    fire(2, "7 1 TxHeader a b");
    fire(3, "8 1 TxStatus 200");
    fire(4, "9 1 TxStatus 200");
    fire(5, "10 1 TxStatus 200");
    tick(now + 1000);
    check("8/1 RxProtocol TxStatus;9/1 RxProtocol TxStatus;10/1 RxProtocol TxStatus;");
    ck_assert_uint_eq(group.given_up, 1);
    ck_assert_uint_eq(group.late, 1);
    ck_assert_uint_eq(group.before + group.late_fields, 0);
}
END_TEST

/* 64 of them are held beside the three requests. */
START_TEST(a_bare_response_takes_no_request_s_place)
{
    settle("1");
    for (int i = 2; i <= 4; i++) {
        char line[64];
        snprintf(line, sizeof(line), "%d 1 RxProtocol HTTP/1.1", i);
        fire(1, line);
    }
    for (int i = 0; i < 70; i++) {
        char line[64];
        snprintf(line, sizeof(line), "%d 1 TxStatus 400", 100 + i);
        fire((uint64_t)(100 + i), line);
    }
    check("");
    ck_assert_uint_eq(group.count, 3);
    ck_assert_uint_eq(group.bare, 64);
    ck_assert_uint_eq(group.given_up, 0);
    ck_assert_uint_eq(group.late, 6);
    tick(now + 1000);
    ck_assert_uint_eq(group.bare, 0);
}
END_TEST

/* One whose response is coming would be split. */
START_TEST(one_that_responds_is_not_given_up)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 TxStatus 200");
    fire(2, "2 1 RxProtocol HTTP/1.1");
    fire(2, "3 1 RxProtocol HTTP/1.1");
    fire(2, "4 1 RxProtocol HTTP/1.1");
    check("2/1 RxProtocol ~response,response-headers;");
    fire(1, "1 1 TxHeader a b");
    tick(now + 1000);
    check("1/1 RxProtocol TxStatus TxHeader;");
}
END_TEST

START_TEST(what_is_open_at_a_loss_is_incomplete)
{
    fire(1, "1 1 RxProtocol HTTP/1.1"); /* its header fields may be lost */
    fire(2, "2 1 RxProtocol HTTP/1.1");
    fire(2, "2 1 TxStatus 200");
    lose();
    fire(2, "2 1 TxHeader a b");
    fire(1, "1 1 TxStatus 200");
    fire_in(8, 1, "1 1 RxProtocol HTTP/1.1"); /* of another server nothing was lost */
    fire_in(8, 1, "1 1 TxStatus 200");
    fire_in(8, 1, "1 - close");
    tick(now + 1000);
    check("1/1 RxProtocol TxStatus;2/1 RxProtocol TxStatus TxHeader ~response-headers;"
          "1/1 RxProtocol TxStatus ~request-headers;");
}
END_TEST

/* Its header fields were out long before, and its response came after. */
START_TEST(a_request_that_waits_during_a_loss_is_whole)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(2, "2 1 RxProtocol HTTP/1.1");
    now += 1000;
    lose();
    now += 1000;
    fire(1, "1 1 TxStatus 200");
    tick(now + 1000);
    group_end(&group, 7);
    collect();
    check("1/1 RxProtocol TxStatus;2/1 RxProtocol ~response,response-headers;"); /* the answer may be lost */
}
END_TEST

/* A loss is told of before the records that came in the same time, or later. */
START_TEST(what_comes_in_the_time_of_a_loss_is_incomplete)
{
    now += 100;
    lose();
    now -= 50;
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 TxStatus 200");
    fire(1, "1 - close");
    now += 100;
    fire(1, "2 1 RxProtocol HTTP/1.1");
    fire(1, "2 1 TxStatus 200");
    fire(1, "2 - close");
    check("1/1 RxProtocol TxStatus ~request-headers,response-headers;2/1 RxProtocol TxStatus;");
}
END_TEST

/* Objects without a request, or without its line, looked whole. */
START_TEST(halves_after_a_loss_are_incomplete)
{
    settle("1");
    lose();
    now += 100;
    fire(1, "2 1 RxHeader a b");
    fire(1, "2 1 TxStatus 200");
    fire(2, "3 1 TxStatus 200");
    fire(3, "4 1 RxProtocol HTTP/1.1");
    fire(3, "4 1 TxHeader a b");
    fire(4, "5 1 TxHeader a b"); /* of which request nobody knows */
    tick(now + 1000);
    check("2/1 RxHeader TxStatus ~request,request-headers;3/1 TxStatus ~request,request-headers;"
          "4/1 RxProtocol TxHeader ~response,response-headers;");
}
END_TEST

/* The request came on a connection of HTTP/1, the response is that of stream 1 of a new one. */
START_TEST(an_upgrade_to_http2_is_one_request)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 RxHeader HTTP2-Settings AAMAAABk");
    fire(1, "1 - close");
    check("");
    fire(2, "4 1 TxStatus 404"); /* another thread's */
    fire(1, "3 1 TxStatus 200");
    fire(1, "3 1 TxHeader a b");
    fire(1, "3 3 RxProtocol HTTP/2.0");
    fire(1, "3 1 TxStatus 500"); /* not once more */
    tick(now + 1000);
    check("3/1 RxProtocol RxHeader TxStatus TxHeader;");
    ck_assert_uint_eq(group.before, 2);
    ck_assert_uint_eq(group.count, 1);
}
END_TEST

/* Of two nobody knows whose response it is. */
START_TEST(two_upgrades_of_a_thread_are_not_joined)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 RxHeader http2-settings AAMAAABk");
    fire(1, "1 - close");
    fire(1, "2 1 RxProtocol HTTP/1.1");
    fire(1, "2 1 RxHeader http2-settings AAMAAABk");
    fire(1, "2 - close");
    now += 1000;
    fire(1, "5 1 TxStatus 200");
    tick(now + 1000);
    group_end(&group, 7);
    collect();
    check("5/1 TxStatus;1/1 RxProtocol RxHeader;2/1 RxProtocol RxHeader;");
    ck_assert_ptr_null(group.upgrading);
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
    fire(2, "1 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 TxStatus 200");
    fire(2, "1 1 TxStatus 501"); /* by another thread */
    fire(2, "1 1 RxProtocol HTTP/1.1");
    check("1/1 RxProtocol TxStatus TxStatus;");
}
END_TEST

/* A second status by another thread made a list that ended too early, and those behind it were lost. */
START_TEST(a_second_status_loses_no_other_response)
{
    fire(1, "1 1 RxProtocol HTTP/1.1");
    fire(2, "2 1 RxProtocol HTTP/1.1");
    fire(1, "1 1 TxStatus 200");
    fire(2, "2 1 TxStatus 200");
    fire(3, "1 1 TxStatus 500");
    tick(2000);
    check("1/1 RxProtocol TxStatus TxStatus;2/1 RxProtocol TxStatus;");
    ck_assert_uint_eq(group.count, 0);
}
END_TEST

/* Those that wait at that time, as "CONN/REQ MILLISECONDS;". */
static void
check_pending(uint64_t ms, const char *expected)
{
    const struct exchange *exchange;
    struct outbuf told = {0};
    tick(ms);
    while ((exchange = group_next_pending(&group, 7, ms * 1000000)) != NULL) {
        ck_assert(exchange->is_waiting);
        text_printf(&told, "%lu/%lu %lu;", exchange->conn_id, exchange->req_id, exchange->waited / 1000000);
    }
    fixture_equal(&told, expected);
    text_free(&told);
}

START_TEST(one_that_waits_is_told_of_once)
{
    group.pending_ns = 100 * 1000000;
    fire(1, "1 1 RxProtocol HTTP/1.1");       /* at 1,000 */
    fire(2, "2 1 RxProtocol HTTP/2.0");       /* at 1,001 */
    fire_in(8, 1, "3 1 RxProtocol HTTP/1.1"); /* of another server */
    fire(2, "2 1 TxStatus 200");
    check_pending(1099, "");
    check_pending(1100, "1/1 100;");
    check_pending(1500, "");
    check("");
    tick(1503);
    check("2/1 RxProtocol TxStatus;"); /* it has not waited */
    now = 2000;
    fire(1, "1 1 TxStatus 200");
    check_pending(2400, "");
    fire(1, "1 - close");
    check("1/1 RxProtocol TxStatus;");
    group.pending_ns = 0;
    check_pending(9000, "");
}
END_TEST

START_TEST(too_many_bytes_are_not_held)
{
    static char line[65536 + 32] = "1 1 RxHeader name ";
    memset(line + 18, 'v', 65536);
    fire(1, "1 1 RxProtocol HTTP/1.1");
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
    tcase_add_test(tcase, what_began_before_is_dropped);
    tcase_add_test(tcase, a_first_record_that_began_before);
    tcase_add_test(tcase, an_unparsable_request);
    tcase_add_test(tcase, a_pushed_stream);
    tcase_add_test(tcase, a_bare_response_knows_the_protocol_of_its_connection);
    tcase_add_test(tcase, a_late_header_field_is_no_request);
    tcase_add_test(tcase, a_late_response_of_a_request_that_was_given_up);
    tcase_add_test(tcase, a_bare_response_takes_no_request_s_place);
    tcase_add_test(tcase, one_that_responds_is_not_given_up);
    tcase_add_test(tcase, what_is_open_at_a_loss_is_incomplete);
    tcase_add_test(tcase, a_request_that_waits_during_a_loss_is_whole);
    tcase_add_test(tcase, what_comes_in_the_time_of_a_loss_is_incomplete);
    tcase_add_test(tcase, halves_after_a_loss_are_incomplete);
    tcase_add_test(tcase, an_upgrade_to_http2_is_one_request);
    tcase_add_test(tcase, two_upgrades_of_a_thread_are_not_joined);
    tcase_add_test(tcase, a_connection_that_ends_before_the_response);
    tcase_add_test(tcase, the_same_numbers_again);
    tcase_add_test(tcase, a_second_status_loses_no_other_response);
    tcase_add_test(tcase, one_that_waits_is_told_of_once);
    tcase_add_test(tcase, too_many_bytes_are_not_held);
    suite_add_tcase(suite, tcase);
    return suite;
}
