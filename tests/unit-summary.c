#include "show/summary.h"
#include "show/summary_json.h"
#include "show/summary_parse.h"
#include "show/summary_prom.h"
#include "show/summary_stat.h"
#include "show/summary_text.h"

#include "unit-requests.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fixture fixture;
static struct summary_request request;
static struct summary summary;
static struct outbuf out;

static void
set_up(void)
{
    requests_plan(&fixture);
    request = (struct summary_request){0};
}

static void
tear_down(void)
{
    summary_free(&summary);
    text_free(&out);
    fixture_free(&fixture);
}

static void
ask(const char *option, const char *value)
{
    struct diag diag = {0};
    ck_assert_msg(summary_parse(&request, option, value, &fixture.mem, &diag) == 0, "%s", diag.message);
}

/* A request for `path` that was answered with `status`; it took so many microseconds, half of them until the response began. */
static void
add(const char *path, int status, uint64_t usec)
{
    char lines[3][128];
    struct exchange exchange = {0};
    snprintf(lines[0], sizeof(lines[0]), "1 1 RxProtocol HTTP/2.0");
    snprintf(lines[1], sizeof(lines[1]), "1 1 RxHeader :path %s", path);
    snprintf(lines[2], sizeof(lines[2]), "1 1 TxStatus %d", status);
    const char *const all[] = {lines[0], lines[1], lines[2]};
    requests_exchange(&fixture, &exchange, all, status != 0 ? 3 : 2);
    exchange.whole.is_there = true;
    exchange.whole.numbers[WHOLE_BEGIN_AT] = 1000000;
    exchange.whole.numbers[WHOLE_RESPONSE_START_AT] = status != 0 ? 1000000 + usec / 2 : 0;
    exchange.whole.numbers[WHOLE_RESPONSE_END_AT] = status != 0 ? 1000000 + usec : 0;
    exchange.whole.numbers[WHOLE_BYTES] = 10;
    exchange.whole.numbers[WHOLE_REQUEST_BYTES] = WHOLE_UNKNOWN;
    summary_add(&summary, &exchange);
    text_free(&exchange.records);
}

static uint64_t
seconds(uint64_t s)
{
    return s * 1000000000;
}

/* ---- Histograms. */

START_TEST(a_bucket_is_at_most_3_2_percent_off)
{
    uint32_t state = 1;
    for (int i = 0; i < 100000; i++) {
        uint64_t number = ((uint64_t)fixture_random(&state) << 32 | fixture_random(&state)) >> fixture_random(&state) % 64;
        unsigned bucket = histogram_bucket(number);
        uint64_t low = histogram_low(bucket), next = histogram_low(bucket + 1);
        ck_assert_uint_le(low, number);
        ck_assert(next > number || next == 0);
        if (next == 0)
            continue; /* the last one */
        uint64_t middle = low + (next - low) / 2, off = middle > number ? middle - number : number - middle;
        ck_assert_msg((double)off <= 0.032 * (double)number, "%lu is shown as %lu", number, middle);
    }
}
END_TEST

START_TEST(quantiles_of_a_sequence)
{
    struct histogram histogram = {0};
    ck_assert_uint_eq(histogram_quantile(&histogram, 0.5), 0);
    for (uint64_t i = 1; i <= 10000; i++)
        histogram_add(&histogram, i);
    static const double shares[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        double right = shares[i] * 10000, found = (double)histogram_quantile(&histogram, shares[i]);
        ck_assert_msg(found > right * 0.968 && found < right * 1.032, "%f: %f", right, found);
    }
    ck_assert_uint_eq(histogram_quantile(&histogram, 1), 10000);
    ck_assert_uint_eq(histogram.max, 10000);
    ck_assert_uint_eq(histogram.sum, 50005000);
    ck_assert_uint_eq(histogram_below(&histogram, 1023), 1023);
    ck_assert_uint_eq(histogram_below(&histogram, UINT64_MAX - 1), 10000);
    histogram_free(&histogram);
}
END_TEST

/* Parts in any order make the same as the whole. */
START_TEST(merged_histograms_are_one)
{
    uint32_t state = 7;
    struct histogram whole = {0}, parts[3] = {{0}}, merged = {0};
    for (int i = 0; i < 5000; i++) {
        uint64_t number = fixture_random(&state) >> fixture_random(&state) % 32;
        histogram_add(&whole, number);
        histogram_add(&parts[fixture_random(&state) % 3], number);
    }
    for (int i = 2; i >= 0; i--)
        histogram_merge(&merged, &parts[i]);
    ck_assert_uint_eq(merged.total, whole.total);
    ck_assert_uint_eq(merged.sum, whole.sum);
    ck_assert_uint_eq(merged.max, whole.max);
    ck_assert_uint_eq(merged.first, whole.first);
    ck_assert_uint_eq(merged.used, whole.used);
    ck_assert_mem_eq(merged.counts, whole.counts, whole.used * sizeof(*whole.counts));
    for (int i = 0; i < 3; i++)
        histogram_free(&parts[i]);
    histogram_free(&whole);
    histogram_free(&merged);
}
END_TEST

/* ---- Intervals. */

START_TEST(an_interval_has_what_came_in_it)
{
    ask("stat", "requests");
    summary_init(&summary, &request);
    ck_assert(!summary_tick(&summary, 0)); /* nothing has come yet */
    ck_assert(!summary_tick(&summary, seconds(100)));
    add("/a", 200, 1000);
    add("/b", 503, 3000);
    add("/c", 0, 0);
    ck_assert(!summary_tick(&summary, seconds(101) - 1));
    ck_assert(summary_tick(&summary, seconds(101)));
    ck_assert_uint_eq(summary.now.requests, 3);
    ck_assert_uint_eq(summary.now.classes[2], 1);
    ck_assert_uint_eq(summary.now.classes[5], 1);
    ck_assert_uint_eq(summary.now.unanswered, 1);
    ck_assert_uint_eq(summary.now.protocols[2], 3);
    ck_assert_uint_eq(summary.now.values[TALLY_DURATION].total, 2);
    ck_assert_uint_eq(summary.now.values[TALLY_DURATION].sum, 4000);
    ck_assert_uint_eq(summary.now.values[TALLY_TTFB].max, 1500);
    ck_assert_uint_eq(summary.now.values[TALLY_BYTES].sum, 30);
    ck_assert_uint_eq(summary.now.values[TALLY_REQUEST_BYTES].total, 0);
    summary_next(&summary);
    ck_assert_uint_eq(summary.now.requests, 0);
    ck_assert_uint_eq(summary.total.requests, 3);
    ck_assert(!summary_end(&summary)); /* nothing came since */
    add("/a", 200, 1000);
    ck_assert(summary_end(&summary));
}
END_TEST

/* The window forgets, the total does not. */
START_TEST(a_window_is_of_the_last_seconds)
{
    ask("stat", "requests");
    ask("window", "10s");
    ask("interval", "1s");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(100));
    for (uint64_t i = 1; i <= 30; i++) {
        add("/a", 200, i * 1000);
        ck_assert(summary_tick(&summary, seconds(100 + i)));
        struct tally window = summary_window(&summary);
        ck_assert_uint_eq(window.requests, i < 10 ? i : 10);
        ck_assert_uint_eq(summary_window_ns(&summary), seconds(i < 10 ? i : 10));
        ck_assert_uint_eq(window.values[TALLY_DURATION].max, i * 1000);
        tally_free(&window);
        summary_next(&summary);
    }
    ck_assert_uint_eq(summary.total.requests, 30);
}
END_TEST

/* ---- Keys. */

/* The rows of the window, as "KEY:REQUESTS;", other behind them. */
static const char *
rows(size_t most)
{
    struct summary_rows found = summary_rows(&summary, most);
    out.len = 0;
    for (size_t i = 0; i < found.count; i++)
        text_printf(&out, "%s:%lu;", found.items[i].key, found.items[i].tally.requests);
    text_printf(&out, "other:%lu of %zu", found.other.tally.requests, found.keys);
    summary_free_rows(&found);
    text_putc(&out, '\0');
    return out.ptr;
}

START_TEST(the_heaviest_keys_come_first)
{
    ask("top", "path");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(1));
    for (int i = 0; i < 1000; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/%d", i);
        add(path, 200, 10);
        if (i % 100 == 0)
            add("/many", i == 300 ? 500 : 404, 2000);
        if (i % 250 == 0)
            add("/some", 200, 900000);
    }
    ck_assert_str_eq(rows(3), "/many:10;/some:4;/0:1;other:999 of 1002");
    ck_assert_str_eq(rows(0), "other:1014 of 1002");
    ask("sort", "errors");
    ck_assert_str_eq(rows(1), "/many:10;other:1004 of 1002");
    ask("sort", "p99");
    ck_assert_str_eq(rows(2), "/some:4;/many:10;other:1000 of 1002");
}
END_TEST

/* What found no room is counted as other, and all together is what came. */
START_TEST(more_keys_than_there_is_room_for)
{
    ask("top", "path");
    ask("cumulative", "yes");
    summary_init(&summary, &request);
    for (int i = 0; i < SUMMARY_MOST_KEYS + 10; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/%d", i);
        add(path, 200, 10);
    }
    add("/0", 200, 10);
    char expected[64];
    snprintf(expected, sizeof(expected), "/0:2;other:%d of %d", SUMMARY_MOST_KEYS + 9, SUMMARY_MOST_KEYS);
    ck_assert_str_eq(rows(1), expected);
}
END_TEST

START_TEST(old_keys_fade_unless_they_are_cumulated)
{
    for (int cumulative = 0; cumulative < 2; cumulative++) {
        request = (struct summary_request){0};
        ask("top", "status,path");
        ask("window", "6s");
        if (cumulative)
            ask("cumulative", "yes");
        summary_init(&summary, &request);
        summary_tick(&summary, seconds(100));
        add("/old", 200, 10);
        for (uint64_t i = 1; i <= 6; i++) {
            add("/new", 404, 10);
            ck_assert(summary_tick(&summary, seconds(100 + i)));
            summary_next(&summary);
        }
        summary_tick(&summary, seconds(106));
        ck_assert_str_eq(rows(9), cumulative ? "404\t/new:6;200\t/old:1;other:0 of 2" : "404\t/new:5;other:0 of 1");
        summary_free(&summary);
    }
}
END_TEST

/* Nothing that a client sends ends a line, a column, a string or a row. */
START_TEST(a_key_cannot_forge_a_row)
{
    ask("top", "path,status");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(1));
    add("/x\t200\n        9 100.00%\x1b[2J\"}]", 200, 1000);
    summary_tick(&summary, seconds(2));
    struct format format;
    ck_assert(format_init(&format, "json", (struct format_options){0}));
    summary_json_put(&summary, &format, &out);
    text_putc(&out, '\0');
    ck_assert_msg(strstr(out.ptr,
                         "{\"key\": {\"path\": \"/x\\\\x09200\\\\x0a        9 100.00%\\\\x1b[2J\\\\x22\\\\x7d]\", \"status\": "
                         "\"200\"}, \"requests\": 1, ") != NULL,
                  "%s", out.ptr);
    out.len = 0;
    summary_text_put(&summary, &format, &out);
    text_putc(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.ptr, " 10  /x\\x09200\\x0a        9 100.00%\\x1b[2J\\x22\\x7d]\t200\n"));
    size_t lines = 0;
    for (const char *p = out.ptr; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    ck_assert_uint_eq(lines, 4); /* the head, how many, the names, the row */
}
END_TEST

/* Columns are named as they were given, whatever that is; and other cannot be meant by a key. */
START_TEST(odd_columns_and_other)
{
    struct format format;
    ask("top", "req.\"");
    ask("lines", "1");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(1));
    add("/a", 200, 1000);
    summary_tick(&summary, seconds(2));
    ck_assert(format_init(&format, "json", (struct format_options){0}));
    summary_json_put(&summary, &format, &out);
    text_putc(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.ptr, "{\"key\": {\"req.\\\"\": \"-\"}, "));
    summary_free(&summary);
    request = (struct summary_request){0};
    ask("top", "path");
    ask("lines", "1");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(1));
    add("*other", 200, 1000);
    add("*other", 200, 1000);
    add("/a", 200, 1000);
    summary_tick(&summary, seconds(2));
    out.len = 0;
    summary_text_put(&summary, &format, &out);
    text_putc(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.ptr, "0  *other\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "0 *other\n"));
}
END_TEST

/* ---- Prometheus. */

/* Buckets are cumulative and exact where they end, and the last one has all. */
START_TEST(metrics_of_prometheus)
{
    ask("stat", "requests");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(1));
    add("/a", 200, 126); /* to the first byte 63 us */
    add("/a", 503, 128); /* 64 us */
    add("/a", 0, 0);
    summary_tick(&summary, seconds(2));
    summary_next(&summary);
    add("/a", 404, 2000000);
    summary.lost = 7;
    summary_prom_put(&summary, &out);
    text_putc(&out, '\0');
    static const char *const lines[] = {"\nh2olog_requests_total 4\n",
                                        "# TYPE h2olog_requests_total counter\n",
                                        "\nh2olog_responses_total{class=\"4xx\"} 1\n",
                                        "\nh2olog_requests_by_protocol_total{protocol=\"HTTP/2\"} 4\n",
                                        "\nh2olog_unanswered_requests_total 1\n",
                                        "\nh2olog_response_bytes_total 40\n",
                                        "\nh2olog_lost_events_total 7\n",
                                        "# TYPE h2olog_ttfb_seconds histogram\n",
                                        "\nh2olog_ttfb_seconds_bucket{le=\"0.000063\"} 1\n",
                                        "\nh2olog_ttfb_seconds_bucket{le=\"0.000127\"} 2\n",
                                        "\nh2olog_ttfb_seconds_bucket{le=\"1.048575\"} 3\n",
                                        "\nh2olog_ttfb_seconds_bucket{le=\"+Inf\"} 3\n",
                                        "\nh2olog_request_duration_seconds_sum 2.000254\n",
                                        "\nh2olog_request_duration_seconds_count 3\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(strstr(out.ptr, lines[i]) != NULL, "%s is not in\n%s", lines[i], out.ptr);
}
END_TEST

/* The old file stays where the new one cannot be written. */
START_TEST(a_file_of_metrics_is_whole)
{
    char directory[] = "/tmp/unit-summary-XXXXXX", path[64], command[160];
    struct diag diag = {0};
    ask("stat", "requests");
    summary_init(&summary, &request);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/h2o.prom", directory);
    ck_assert_int_eq(summary_prom_write(&summary, path, &diag), 0);
    ck_assert_int_eq(summary_prom_write(&summary, path, &diag), 0);
    summary_prom_put(&summary, &out);
    struct file file = fixture_read(path, &fixture.mem);
    ck_assert_uint_eq(file.text.len, out.len);
    ck_assert_mem_eq(file.text.ptr, out.ptr, out.len);
    snprintf(command, sizeof(command), "test $(ls %s) = h2o.prom && rm -r %s", directory, directory);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(summary_prom_write(&summary, path, &diag), -1);
    ck_assert_int_eq(summary_prom_write(&summary, "/dev/null", &(struct diag){0}), -1); /* it would be replaced */
    ck_assert_ptr_nonnull(strstr(diag.message, "h2o.prom: No such file or directory"));
}
END_TEST

/* ---- Options. */

START_TEST(what_cannot_be_meant)
{
    static const struct {
        const char *option, *value, *message;
    } cases[] = {
        {"top", "paths", "top: there is no column \"paths\"; did you mean path?"},
        {"top", "a,b",
         "top: there is no column \"a\"; expected path, path-without-query, host, method, status, protocol, "
         "user-agent, referer, address, sni, req.NAME, resp.NAME or what --log-format takes, as %m"},
        {"top", "m,m", "top: there is no column \"m\""},
        {"top", "path,path,path,path,path,path,path,path,path", "top: more than 8 columns"},
        {"hist", "latency",
         "hist: there is no histogram of \"latency\"; expected ttfb, duration, bytes, request_bytes, rtt or cwnd"},
        {"by", "req.", "--by: there is no column \"req.\""},
        {"interval", "0", "--interval: \"0\" is not a time, as 1s, 500ms, 5m or 1h"},
        {"window", "x", "--window: \"x\" is not a time, as 1s, 500ms, 5m or 1h"},
        {"lines", "0", "--lines: \"0\" is not a number from 1 to 1000"},
        {"sort", "name", "--sort: cannot sort by \"name\"; expected requests, errors, p50, p99, max or bytes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag diag = {0};
        request = (struct summary_request){0};
        ck_assert_int_eq(summary_parse(&request, cases[i].option, cases[i].value, &fixture.mem, &diag), -1);
        ck_assert_msg(strncmp(diag.message, cases[i].message, strlen(cases[i].message)) == 0, "%s", diag.message);
    }
}
END_TEST

START_TEST(what_only_structures_tell)
{
    ck_assert_ptr_null(summary_needs_whole(&request));
    ask("top", "path,req.accept,%m");
    ck_assert_ptr_null(summary_needs_whole(&request));
    ask("top", "path,address");
    ck_assert_str_eq(summary_needs_whole(&request), "address");
    request = (struct summary_request){0};
    ask("hist", "ttfb");
    ck_assert_ptr_null(summary_needs_whole(&request));
    ask("hist", "duration");
    ck_assert_str_eq(summary_needs_whole(&request), "duration");
}
END_TEST

static bool
is_sent(int field)
{
    return (summary_left_out(&request) >> field & 1) == 0;
}

START_TEST(numbers_that_nobody_looks_at_are_not_sent)
{
    ck_assert_uint_eq(summary_left_out(&request), 0); /* no numbers are asked for, but requests */
    ask("stat", "requests");
    ck_assert(is_sent(WHOLE_STATUS) && is_sent(WHOLE_BYTES) && is_sent(WHOLE_REQUEST_BYTES) && is_sent(WHOLE_BEGIN_AT) &&
              is_sent(WHOLE_RESPONSE_START_AT) && is_sent(WHOLE_RESPONSE_END_AT) && is_sent(WHOLE_RTT));
    ck_assert(!is_sent(WHOLE_ADDRESS) && !is_sent(WHOLE_CONNECTED_AT) && !is_sent(WHOLE_HEADER_BYTES));
    request = (struct summary_request){0};
    ask("hist", "duration");
    ck_assert(is_sent(WHOLE_BEGIN_AT) && is_sent(WHOLE_RESPONSE_END_AT) && is_sent(WHOLE_CONN_ID));
    ck_assert(!is_sent(WHOLE_BYTES) && !is_sent(WHOLE_RESPONSE_START_AT) && !is_sent(WHOLE_RTT));
    request.prom = "/x"; /* a file has all */
    ck_assert(is_sent(WHOLE_BYTES));
    request = (struct summary_request){0};
    ask("top", "path,address");
    ck_assert_uint_eq(summary_left_out(&request), 0);
}
END_TEST

START_TEST(commas_in_braces_end_no_column)
{
    ask("top", "%{%H,%M}t,status");
    ck_assert_uint_eq(request.ncolumns, 2);
    ck_assert_str_eq(request.columns[0], "%{%H,%M}t");
    ck_assert_str_eq(request.columns[1], "status");
}
END_TEST

START_TEST(a_terminal_gets_no_rows_of_what_has_not_happened)
{
    ask("stat", "requests");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(100));
    add("/", 404, 10);
    summary_tick(&summary, seconds(101));
    summary_stat_put(&summary, SUMMARY_SHORT, &out);
    text_putc(&out, '\0');
    ck_assert(strstr(out.ptr, "source server ") != NULL && strstr(out.ptr, "\n  HTTP/2  ") != NULL &&
              strstr(out.ptr, "\n  4xx  ") != NULL && strstr(out.ptr, "\nduration p99") != NULL);
    ck_assert(strstr(out.ptr, "HTTP/1") == NULL && strstr(out.ptr, "5xx") == NULL && strstr(out.ptr, "rtt") == NULL);
    out.len = 0;
    summary_stat_put(&summary, SUMMARY_ALL, &out);
    text_putc(&out, '\0');
    ck_assert(strstr(out.ptr, "HTTP/1") != NULL && strstr(out.ptr, "5xx") != NULL && strstr(out.ptr, "rtt") != NULL);
}
END_TEST

/* Parts of the window end with intervals: those that are longer than a part are in it as long as all of them is. */
START_TEST(a_window_is_no_longer_than_asked_for)
{
    ask("top", "path");
    ask("window", "60s");
    ask("interval", "9s");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(100));
    for (uint64_t i = 1; i < 30; i++) {
        add("/", 200, 10);
        ck_assert(summary_tick(&summary, seconds(100 + 9 * i)));
        struct tally window = summary_window(&summary);
        ck_assert_uint_eq(summary_window_ns(&summary), window.requests * seconds(9));
        ck_assert_uint_le(summary_window_ns(&summary), seconds(60));
        ck_assert(i < 7 || summary_window_ns(&summary) >= seconds(42));
        struct summary_rows rows = summary_rows(&summary, 1);
        ck_assert_uint_eq(rows.items[0].tally.requests, window.requests);
        summary_free_rows(&rows);
        tally_free(&window);
        summary_next(&summary);
    }
}
END_TEST

static void
press(struct summary_request *asked, uint64_t ms)
{
    summary_set_interval(&summary, asked, ms);
}

START_TEST(an_interval_that_is_changed_keeps_the_window)
{
    ask("stat", "requests");
    summary_init(&summary, &request);
    summary_tick(&summary, seconds(100));
    add("/", 200, 10);
    ck_assert(summary_tick(&summary, seconds(101)));
    summary_next(&summary);
    add("/", 200, 10);
    press(&request, 5000);
    ck_assert(!summary_tick(&summary, seconds(105)));
    ck_assert(summary_tick(&summary, seconds(106)));
    struct tally window = summary_window(&summary), total = summary_total(&summary);
    ck_assert_uint_eq(window.requests, 2);
    ck_assert_uint_eq(summary_window_ns(&summary), seconds(6));
    ck_assert_uint_eq(total.requests, 2);
    tally_free(&window);
    tally_free(&total);
}
END_TEST

Suite *
summary_suite(void)
{
    Suite *suite = suite_create("summary");
    TCase *tcase = tcase_create("summary");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_bucket_is_at_most_3_2_percent_off);
    tcase_add_test(tcase, quantiles_of_a_sequence);
    tcase_add_test(tcase, merged_histograms_are_one);
    tcase_add_test(tcase, an_interval_has_what_came_in_it);
    tcase_add_test(tcase, a_window_is_of_the_last_seconds);
    tcase_add_test(tcase, the_heaviest_keys_come_first);
    tcase_add_test(tcase, more_keys_than_there_is_room_for);
    tcase_add_test(tcase, old_keys_fade_unless_they_are_cumulated);
    tcase_add_test(tcase, a_key_cannot_forge_a_row);
    tcase_add_test(tcase, odd_columns_and_other);
    tcase_add_test(tcase, metrics_of_prometheus);
    tcase_add_test(tcase, a_file_of_metrics_is_whole);
    tcase_add_test(tcase, what_cannot_be_meant);
    tcase_add_test(tcase, what_only_structures_tell);
    tcase_add_test(tcase, numbers_that_nobody_looks_at_are_not_sent);
    tcase_add_test(tcase, commas_in_braces_end_no_column);
    tcase_add_test(tcase, a_terminal_gets_no_rows_of_what_has_not_happened);
    tcase_add_test(tcase, a_window_is_no_longer_than_asked_for);
    tcase_add_test(tcase, an_interval_that_is_changed_keeps_the_window);
    suite_add_tcase(suite, tcase);
    return suite;
}
