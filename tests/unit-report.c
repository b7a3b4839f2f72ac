#include "show/report.h"

#include "unit-requests.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const lines[] = {
    "9 1 RxProtocol HTTP/2.0",
    "9 1 RxHeader :authority a.test",
    "9 1 RxHeader :method GET",
    "9 1 RxHeader :path /a\"b\\c}?q=1",
    "9 1 RxHeader :scheme https",
    "9 1 RxHeader :path /again",
    "9 1 RxHeader referer http://x/\xc3\xa4",
    "9 1 RxHeader x-bad a\xff\tb",
    "9 1 TxStatus 404",
    "9 1 TxHeader content-type text/html",
    "9 1 TxHeader set-cookie a=1",
    "9 1 TxHeader set-cookie b=2",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

static struct fixture fixture;
static struct exchange exchange;
static struct line_filter line_filter;
static struct format format;

static void
set_up(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    requests_plan(&fixture);
    line_filter = (struct line_filter){0};
}

static void
tear_down(void)
{
    line_filter_free(&line_filter);
    text_free(&exchange.records);
    exchange = (struct exchange){0};
    fixture_free(&fixture);
}

static void
check_with(const char *name, const struct access_log *log, struct format_options options, const char *expected)
{
    struct outbuf out = {0};
    ck_assert(format_init(&format, name, options));
    wall_begin(&format.wall, 1580410632123456789);
    report_put(&(struct report){&format, &line_filter, log}, &out, &exchange);
    fixture_equal(&out, expected);
    text_free(&out);
}

static void
check(const char *name, const char *expected)
{
    check_with(name, NULL, (struct format_options){0}, expected);
}

START_TEST(lines_and_an_empty_one)
{
    requests_exchange(&fixture, &exchange, lines + 8, 2);
    check("line", "9 1 TxStatus   404\n9 1 TxHeader   content-type text/html\n\n");
    ck_assert_int_eq(line_filter_add(&line_filter, "exclude", "Tx*", &fixture.mem, &fixture.diag), 0);
    check("line", "");
}
END_TEST

START_TEST(an_object)
{
    requests_exchange(&fixture, &exchange, lines, LINES);
    check("json",
          "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": 512, \"request\": {\"method\": \"GET\", "
          "\"scheme\": \"https\", \"authority\": \"a.test\", \"path\": \"/a\\\"b\\\\c}?q=1\", \"headers\": [[\":path\", "
          "\"/again\"], "
          "[\"referer\", \"http://x/\xc3\xa4\"], [\"x-bad\", \"a\xef\xbf\xbd\\u0009b\", {\"value_hex\": \"61ff0962\"}]]}, "
          "\"status\": 404, \"response\": {\"headers\": [[\"content-type\", \"text/html\"], [\"set-cookie\", \"a=1\"], "
          "[\"set-cookie\", \"b=2\"]]}, \"ttfb_ms\": 8.000}\n");
    ck_assert_int_eq(line_filter_add(&line_filter, "include-regex", "*Header:^set-c", &fixture.mem, &fixture.diag), 0);
    check_with(
        "json", NULL, (struct format_options){.extra = true},
        "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": 512, \"request\": {\"method\": \"GET\", "
        "\"scheme\": \"https\", \"authority\": \"a.test\", \"path\": \"/a\\\"b\\\\c}?q=1\", \"headers\": []}, "
        "\"status\": 404, \"response\": {\"headers\": [[\"set-cookie\", \"a=1\"], [\"set-cookie\", \"b=2\"]]}, "
        "\"ttfb_ms\": 8.000, \"pid\": 7, \"tid\": 3, \"seq\": 1, \"nsecs\": 1000000000}\n");
}
END_TEST

/* T4 and T5, in all forms of a request. */
START_TEST(requests_have_times_and_servers)
{
    const struct format_options clock = {.time = FORMAT_CLOCK}, servers = {.has_servers = true},
                                both = {.time = FORMAT_ELAPSED, .has_servers = true};
    struct access_log log, json;
    ck_assert_int_eq(access_log_parse(&log, "%s %{h2olog.pid}x", false, &fixture.mem, &fixture.diag), 0);
    ck_assert_int_eq(access_log_parse(&json, "{\"a\": %{H2OLOG.PID}x}", true, &fixture.mem, &fixture.diag), 0);
    requests_exchange(&fixture, &exchange, lines + 8, 2);
    check_with("line", NULL, clock, "18:57:13.123 9 1 TxStatus   404\n18:57:13.124 9 1 TxHeader   content-type text/html\n\n");
    check_with("line", NULL, both, "0.000000 7 9 1 TxStatus   404\n0.001000 7 9 1 TxHeader   content-type text/html\n\n");
    check_with("line", &log, clock, "18:57:13.123 404 7\n");
    check_with("line", &log, servers, "404 7\n");
    check_with("json", &json, both, "{\"a\": 7}\n");
    requests_exchange(&fixture, &exchange, lines + 8, 1);
    check_with("json", NULL, servers,
               "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": null, \"request\": null, "
               "\"status\": 404, \"response\": {\"headers\": []}, \"ttfb_ms\": null, \"pid\": 7}\n");
}
END_TEST

START_TEST(an_object_of_a_sample)
{
    struct outbuf out = {0};
    requests_exchange(&fixture, &exchange, lines + 8, 1);
    ck_assert(format_init(&format, "json", (struct format_options){0}));
    format_set_share(&format, 0.01);
    report_put(&(struct report){&format, &line_filter, NULL}, &out, &exchange);
    text_putc(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"ttfb_ms\": null, \"sample\": 0.01}\n"));
    text_free(&out);
}
END_TEST

START_TEST(objects_of_what_was_not_seen_whole)
{
    requests_exchange(&fixture, &exchange, lines + 8, 1);
    check("json", "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": null, \"request\": null, "
                  "\"status\": 404, \"response\": {\"headers\": []}, \"ttfb_ms\": null}\n");
    requests_exchange(&fixture, &exchange, lines, 2);
    check("json",
          "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": 512, \"request\": {\"method\": null, "
          "\"scheme\": null, \"authority\": \"a.test\", \"path\": null, \"headers\": []}, "
          "\"status\": null, \"response\": null, \"ttfb_ms\": null}\n");
}
END_TEST

START_TEST(redacted_and_cut_values_of_an_object)
{
    struct record record;
    requests_exchange(&fixture, &exchange, lines, 1);
    requests_record(&fixture, &record, "9 1 RxHeader :path /lo", 1, 3);
    record.values[3].number = 9000;
    exchange_add(&exchange, &record);
    requests_record(&fixture, &record, "9 1 RxHeader cookie", 1, 3);
    record.values[3] = (struct types_value){.number = 6, .is_redacted = true};
    exchange_add(&exchange, &record);
    check("json",
          "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": 512, \"request\": {\"method\": null, "
          "\"scheme\": null, \"authority\": null, \"path\": \"/lo\", \"path_len\": 9000, \"headers\": [[\"cookie\", null, "
          "{\"value_redacted\": 1, \"value_len\": 6}]]}, \"status\": null, \"response\": null, \"ttfb_ms\": null}\n");
}
END_TEST

/* What h2o's own log would say, but for what the probes do not show. */
static const struct log_row {
    const char *format;
    bool is_json;
    const char *expected;
} logs[] = {
    {"common", false, "- - - [30/Jan/2020:18:57:13 +0000] \"GET /a\\x22b\\c\\x7d?q=1 HTTP/2\" 404 -"},
    {"combined", false,
     "- - - [30/Jan/2020:18:57:13 +0000] \"GET /a\\x22b\\c\\x7d?q=1 HTTP/2\" 404 - \"http://x/\\xc3\\xa4\" \"-\""},
    {"json", false,
     "{\"time\": \"2020-01-30T18:57:13+0000\", \"connection\": 9, \"method\": \"GET\", \"authority\": \"a.test\", "
     "\"path\": \"/a\\\"b\\\\c}\", \"query\": \"?q=1\", \"protocol\": \"HTTP/2\", \"status\": 404, "
     "\"referer\": \"http://x/\\u00c3\\u00a4\", \"user_agent\": null, \"ttfb\": 0.008000, \"incomplete\": null}"},
    {"%m|%U|%q|%V|%H|%s|%>s|%<s|%%|%v|%u|%p|%A|%b|%e", false,
     "GET|/a\\x22b\\c\\x7d|?q=1|a.test|HTTP/2|404|404|404|%|-|-|-|-|-|-"},
    {"%{Referer}i|%{Host}i|%{x-none}i|%{content-type}o|%<{set-cookie}o|%{X-Bad}i", false,
     "http://x/\\xc3\\xa4|a.test|-|text/html|a=1, b=2|a\\xff\\x09b"},
    {"%{connection-id}x|%{http2.stream-id}x|%{http1.request-index}x|%{ttfb}x|%{ssl.cipher}x|%{HOME}e|%{local}p", false,
     "9|1|-|0.008000|-|-|-"},
    {"%{sec}t %{msec}t %{usec}t %{msec_frac}t %{usec_frac}t %{%T}t", false,
     "1580410633 1580410633123 1580410633123456 123 123456 18:57:13"},
    {"{\"a\": %m, \"b\": \"x-%{none}i-%m\", \"c\": \"%{none}i\", \"d\": %{none}i, \"e\\\"\": \"%m\", \"f\": %s, \"g\": %b}",
     true, "{\"a\": \"GET\", \"b\": \"x---GET\", \"c\": null, \"d\": null, \"e\\\"\": \"GET\", \"f\": 404, \"g\": null}"},
    {"plain %%", false, "plain %"},
};

static void
check_log(const struct log_row *row)
{
    struct access_log log;
    struct outbuf expected = {0};
    ck_assert_int_eq(access_log_parse(&log, row->format, row->is_json, &fixture.mem, &fixture.diag), 0);
    text_printf(&expected, "%s\n", row->expected);
    text_putc(&expected, '\0');
    check_with("line", &log, (struct format_options){0}, expected.ptr);
    text_free(&expected);
}

START_TEST(access_logs)
{
    requests_exchange(&fixture, &exchange, lines, LINES);
    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
        check_log(&logs[i]);
}
END_TEST

START_TEST(an_access_log_of_a_response_alone)
{
    struct access_log log;
    requests_exchange(&fixture, &exchange, lines + 8, 2);
    ck_assert_int_eq(access_log_parse(&log, "\"%r\" %s %H %q %U %V %{ttfb}x", false, &fixture.mem, &fixture.diag), 0);
    check_with("line", &log, (struct format_options){0}, "\"-\" 404 - - - - -\n");
}
END_TEST

/* The number of a pushed stream was "-". */
START_TEST(an_access_log_shows_what_is_known_of_a_response_alone)
{
    struct access_log log;
    requests_exchange(&fixture, &exchange, lines + 8, 2);
    ck_assert_int_eq(access_log_parse(&log, "%{connection-id}x %{http1.request-index}x %{http2.stream-id}x %H", false,
                                      &fixture.mem, &fixture.diag),
                     0);
    check_with("line", &log, (struct format_options){0}, "9 1 1 -\n"); /* of which protocol is not known */
    exchange.http_version = 0x200;
    check_with("line", &log, (struct format_options){0}, "9 - 1 HTTP/2\n");
    check("json", "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": 512, \"request\": null, "
                  "\"status\": 404, \"response\": {\"headers\": [[\"content-type\", \"text/html\"]]}, \"ttfb_ms\": null}\n");
}
END_TEST

/* Objects and lines of which the middle was lost looked whole. */
START_TEST(what_is_incomplete_says_so)
{
    requests_exchange(&fixture, &exchange, lines, 1);
    exchange.incomplete = EXCHANGE_REQUEST_HEADERS | EXCHANGE_RESPONSE | EXCHANGE_RESPONSE_HEADERS;
    check("json",
          "{\"at\": 1580410633123, \"conn_id\": 9, \"req_id\": 1, \"http_version\": 512, \"request\": {\"method\": null, "
          "\"scheme\": null, \"authority\": null, \"path\": null, \"headers\": []}, \"status\": null, \"response\": null, "
          "\"ttfb_ms\": null, \"incomplete\": [\"request-headers\", \"response\", \"response-headers\"]}\n");
    check("line", "9 1 RxProtocol HTTP/2.0\n9 1 Incomplete request-headers, response, response-headers may be missing\n\n");
    check_with("line", NULL, (struct format_options){.extra = true},
               "7 9 1 RxProtocol HTTP/2.0\n7 9 1 Incomplete request-headers, response, response-headers may be missing\n\n");
    exchange.incomplete = EXCHANGE_REQUEST;
    check("line", "9 1 RxProtocol HTTP/2.0\n9 1 Incomplete request may be missing\n\n");
    ck_assert_int_eq(line_filter_add(&line_filter, "exclude", "Rx*", &fixture.mem, &fixture.diag), 0);
    check("line", "");
}
END_TEST

/* No value can look like the mark: "~" is escaped in each. */
static const struct log_row incomplete_logs[] = {
    {"%U", false, "/ \\x7eincomplete:request ~incomplete:request-headers,response-headers"},
    {"{\"a\": \"%U\"}", true, "{\"a\": \"/ \\u007eincomplete:request\"} ~incomplete:request-headers,response-headers"},
    {"%s %{incomplete}x", false, "- request-headers,response-headers"},
    {"[%s, %{incomplete}x]", true, "[null, \"request-headers,response-headers\"]"},
};

START_TEST(an_access_log_marks_what_is_incomplete)
{
    requests_exchange(&fixture, &exchange, (const char *const[]){"9 1 RxHeader :path / ~incomplete:request"}, 1);
    exchange.incomplete = EXCHANGE_REQUEST_HEADERS | EXCHANGE_RESPONSE_HEADERS;
    for (size_t i = 0; i < sizeof(incomplete_logs) / sizeof(incomplete_logs[0]); i++)
        check_log(&incomplete_logs[i]);
}
END_TEST

static const struct {
    const char *format, *message;
} errors[] = {
    {"", "--log-format: an empty format; expected one, as combined or '%s %r'"},
    {"comon", "--log-format: it names nothing of a request; did you mean common?\n    comon\n    ^"},
    {"plain", "--log-format: it names nothing of a request; expected common, combined, json, or a format such as '%s %r'\n    "
              "plain\n    ^"},
    {"%h %z", "--log-format: expected one of %AbHhlmpeqrstUuVv behind %, a brace or another %\n    %h %z\n        ^"},
    {"%", "--log-format: expected one of %AbHhlmpeqrstUuVv behind %, a brace or another %\n    %\n     ^"},
    {"%{a", "--log-format: a brace that is not closed; expected %{...} and a letter\n    %{a\n     ^"},
    {"%{a}z", "--log-format: expected i, o, e, t, p or x behind %{...}\n    %{a}z\n        ^"},
    {"%{a}", "--log-format: expected i, o, e, t, p or x behind %{...}\n    %{a}\n        ^"},
    {"%{a}p", "--log-format: expected local or remote\n    %{a}p\n      ^"},
};

START_TEST(errors_in_a_log_format)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct access_log log;
        ck_assert_int_eq(access_log_parse(&log, errors[i].format, false, &fixture.mem, &fixture.diag), -1);
        ck_assert_str_eq(fixture.diag.message, errors[i].message);
    }
}
END_TEST

Suite *
report_suite(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, lines_and_an_empty_one);
    tcase_add_test(tcase, an_object);
    tcase_add_test(tcase, requests_have_times_and_servers);
    tcase_add_test(tcase, an_object_of_a_sample);
    tcase_add_test(tcase, objects_of_what_was_not_seen_whole);
    tcase_add_test(tcase, redacted_and_cut_values_of_an_object);
    tcase_add_test(tcase, access_logs);
    tcase_add_test(tcase, an_access_log_of_a_response_alone);
    tcase_add_test(tcase, an_access_log_shows_what_is_known_of_a_response_alone);
    tcase_add_test(tcase, what_is_incomplete_says_so);
    tcase_add_test(tcase, an_access_log_marks_what_is_incomplete);
    tcase_add_test(tcase, errors_in_a_log_format);
    suite_add_tcase(suite, tcase);
    return suite;
}
