#include "show/counted.h"

#include "unit.h"

#include <string.h>

static struct counted counted;

static struct counters
read(const char *text)
{
    struct counters counters;
    ck_assert_msg(counters_read(&counters, text_of(text)), "%s", text);
    return counters;
}

static uint64_t nsecs = 1;

static void
add(pid_t pid, const char *text)
{
    const struct counters counters = read(text);
    counted_add(&counted, pid, &counters, nsecs);
}

static uint64_t
sum_of(enum counter counter)
{
    return counted.sums.numbers[counter];
}

START_TEST(counters_are_written_and_read)
{
    struct outbuf out = {0};
    const struct counters counters = read("connections_open=3 later_ones=9 quic_packets_sent=18446744073709551615");
    ck_assert(counters.are_known[COUNTER_CONNECTIONS_OPEN] && !counters.are_known[COUNTER_CONNECTIONS_OPENED]);
    ck_assert_uint_eq(counters.numbers[COUNTER_CONNECTIONS_OPEN], 3);
    counters_write(&out, &counters);
    text_putc(&out, '\0');
    ck_assert_str_eq(out.ptr, "of_run=0 connections_open=3 quic_packets_sent=18446744073709551615");
    text_free(&out);
    static const char *const bad[] = {"connections_open", "connections_open=", "connections_open=x", "connections_open=-1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct counters none;
        ck_assert_msg(!counters_read(&none, text_of(bad[i])), "%s", bad[i]);
    }
    const struct counters nothing = read("");
    for (int i = 0; i < COUNTERS; i++)
        ck_assert(!nothing.are_known[i]);
}
END_TEST

START_TEST(what_was_counted_before_is_not_of_the_run)
{
    ck_assert(!counted_is_there(&counted));
    add(1, "connections_open=5 connections_opened=100");
    ck_assert(counted_is_there(&counted));
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 0);
    ck_assert_uint_eq(counted_level(&counted, COUNTER_CONNECTIONS_OPEN), 5);
    add(1, "connections_open=2 connections_opened=107");
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 7);
    ck_assert_uint_eq(counted_level(&counted, COUNTER_CONNECTIONS_OPEN), 2);
    add(1, "connections_open=2 connections_opened=106"); /* it was read while it changed */
    add(1, "connections_open=2 connections_opened=108");
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 8);
    counted_free(&counted);
}
END_TEST

START_TEST(servers_are_added_up_and_end)
{
    add(1, "connections_open=5 connections_opened=100");
    add(2, "connections_open=1 connections_opened=3 quic_packets_lost=4");
    add(1, "connections_open=6 connections_opened=101");
    add(2, "connections_open=2 connections_opened=5 quic_packets_lost=5");
    ck_assert_uint_eq(counted_level(&counted, COUNTER_CONNECTIONS_OPEN), 8);
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 3);
    ck_assert_uint_eq(sum_of(COUNTER_QUIC_PACKETS_LOST), 1);
    counted_end(&counted, 1);
    counted_end(&counted, 7);
    ck_assert_uint_eq(counted_level(&counted, COUNTER_CONNECTIONS_OPEN), 2);
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 3);
    add(1, "connections_opened=50"); /* another process of that number */
    add(1, "connections_opened=51");
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 4);
    counted_free(&counted);
}
END_TEST

START_TEST(what_one_server_does_not_say_is_not_known_of_all)
{
    add(1, "connections_open=5 quic_packets_sent=3");
    ck_assert(counted_is_known(&counted, COUNTER_CONNECTIONS_OPEN) && counted_is_known(&counted, COUNTER_QUIC_PACKETS_SENT));
    add(2, "connections_open=5");
    ck_assert(counted_is_known(&counted, COUNTER_CONNECTIONS_OPEN) && !counted_is_known(&counted, COUNTER_QUIC_PACKETS_SENT));
    add(3, "");
    ck_assert(!counted_is_there(&counted));
    counted_end(&counted, 3);
    ck_assert(counted_is_known(&counted, COUNTER_CONNECTIONS_OPEN));
    counted_end(&counted, 1);
    counted_end(&counted, 2);
    ck_assert(!counted_is_known(&counted, COUNTER_QUIC_PACKETS_SENT)); /* there was one that did not say it */
    counted_free(&counted);
}
END_TEST

START_TEST(all_servers_have_said_it)
{
    ck_assert(counted_is_current(&counted, 10));
    nsecs = 10;
    add(1, "connections_opened=1");
    ck_assert(counted_is_current(&counted, 10) && !counted_is_current(&counted, 11));
    nsecs = 20;
    add(2, "connections_opened=1");
    ck_assert(!counted_is_current(&counted, 15));
    counted_end(&counted, 1);
    ck_assert(counted_is_current(&counted, 15));
    counted_free(&counted);
}
END_TEST

START_TEST(a_server_of_the_run_has_counted_for_it_only)
{
    add(1, "of_run=0 connections_opened=100");
    add(2, "of_run=1 connections_open=2 connections_opened=4");
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 4);
    add(2, "of_run=1 connections_open=2 connections_opened=5");
    ck_assert_uint_eq(sum_of(COUNTER_CONNECTIONS_OPENED), 5);
    counted_free(&counted);
}
END_TEST

Suite *
counted_suite(void)
{
    Suite *suite = suite_create("counted");
    TCase *tcase = tcase_create("counted");
    tcase_add_test(tcase, counters_are_written_and_read);
    tcase_add_test(tcase, what_was_counted_before_is_not_of_the_run);
    tcase_add_test(tcase, what_one_server_does_not_say_is_not_known_of_all);
    tcase_add_test(tcase, all_servers_have_said_it);
    tcase_add_test(tcase, a_server_of_the_run_has_counted_for_it_only);
    tcase_add_test(tcase, servers_are_added_up_and_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
