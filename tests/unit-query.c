#include "show/query.h"

#include "unit-requests.h"
#include "unit.h"

#include <string.h>

static const char *const lines[] = {
    "4294967299 5 RxProtocol HTTP/1.1",
    "4294967299 5 RxHeader :method GET",
    "4294967299 5 RxHeader :path /api/users?id=1",
    "4294967299 5 RxHeader :authority a.test:8080",
    "4294967299 5 RxHeader User-Agent curl/7.88.1 \"x\"",
    "4294967299 5 RxHeader x-two one",
    "4294967299 5 RxHeader x-two other",
    "4294967299 5 RxHeader x-empty",
    "4294967299 5 TxStatus 503",
    "4294967299 5 TxHeader content-length 1234",
    "4294967299 5 TxHeader content-type text/html",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

static struct fixture fixture;
static struct exchange exchange;
static struct query query;

static void
set_up(void)
{
    requests_plan(&fixture);
}

static void
tear_down(void)
{
    text_free(&exchange.records);
    exchange = (struct exchange){0};
    fixture_free(&fixture);
}

static bool
fits(const char *text)
{
    ck_assert_msg(query_parse(&query, text, &fixture.mem, &fixture.diag) == 0, "%s", fixture.diag.message);
    bool result = query_fits(&query, &exchange);
    query_free(&query);
    return result;
}

START_TEST(what_fits)
{
    static const char *const rows[] = {
        "status == 503", "status >= 500", "status>502", "status < 504", "status<=503", "status != 200", "not status == 200",
        "version == 1.1", "version < 2", "version != 3", "conn == 4294967299", "req == 5", "req > 4 and req < 6",
        /* the status comes 8 ms after the request line */
        "ttfb == 8ms", "ttfb > 7999us", "ttfb < 0.1s", "ttfb >= 8.0ms", "method eq GET", "method eq \"GET\"", "method ne POST",
        "path ~ \"^/api\"", "path ~ ^/api/", "path !~ xyz", "path ~ '(?i)/API'", "authority eq a.test:8080",
        "authority ~ \"\\.test:\\d+$\"", "req.user-agent ~ curl", "req.User-AGENT ~ '\"x\"$'",
        "req.user-agent eq \"curl/7.88.1 \\\"x\\\"\"", "resp.content-type eq \"text/html\"", "resp.content-length > 1000",
        "resp.content-length == 1234", "req.x-two eq other", "req.x-two eq one", "req.x-empty", "req.x-empty eq \"\"", "status",
        "ttfb", "method", "not req.cookie", "req.cookie ne a", "req.cookie !~ .", "scheme ne https", "not scheme",
        "(status == 503)", "((status == 503))", "not (status == 200 or status == 404)", "status == 200 or status == 503",
        "status == 503 and path ~ api or status == 200", "status == 200 and path ~ api or version == 1.1",
        "not status == 200 and not not method eq GET", " \t\nstatus\n==\n503 ", "path~api",
        "resp.content-length >= 1234 and(status==503)"};
    requests_exchange(&fixture, &exchange, lines, LINES);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(fits(rows[i]), "%s", rows[i]);
}
END_TEST

START_TEST(what_does_not_fit)
{
    static const char *const rows[] = {"status == 404",
                                       "status < 503",
                                       "version == 1",
                                       "version == 2",
                                       "version >= 1.2",
                                       "ttfb > 8ms",
                                       "method eq get",
                                       "path ~ \"^api\"",
                                       "path eq /api",
                                       "req.x-two ne one",
                                       "req.x-two !~ oth",
                                       "req.x eq one",
                                       "req.cookie",
                                       "resp.x-two",
                                       "req.content-type",
                                       "req.user-agent > 5",
                                       "scheme eq http",
                                       "scheme ~ .",
                                       "not status",
                                       "not (status == 503)",
                                       "status == 503 and status == 200",
                                       "status == 404 or status == 200 and version == 1.1",
                                       "resp.content-length == 123",
                                       "resp.content-type > 0"};
    requests_exchange(&fixture, &exchange, lines, LINES);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(!fits(rows[i]), "%s", rows[i]);
}
END_TEST

/* T22: 2^53 + 1 was equal to 2^53. */
START_TEST(integers_are_compared_exactly)
{
    static const char *const numbers[] = {
        "9007199254740993 18446744073709551615 RxProtocol HTTP/1.1",
        "9007199254740993 18446744073709551615 TxStatus 200",
        "9007199254740993 18446744073709551615 TxHeader x-id 4611686018427384513",
    };
    requests_exchange(&fixture, &exchange, numbers, 3);
    ck_assert(fits("conn == 9007199254740993") && !fits("conn == 9007199254740992") && !fits("conn == 9007199254740994"));
    ck_assert(fits("conn > 9007199254740992") && fits("conn < 9007199254740994") && fits("conn != 9007199254740992"));
    ck_assert(fits("req == 18446744073709551615") && fits("req >= 18446744073709551615"));
    ck_assert(!fits("req == 18446744073709551614") && !fits("req == 18446744073709551616"));
    ck_assert(fits("resp.x-id == 4611686018427384513") && !fits("resp.x-id == 4611686018427384512"));
}
END_TEST

/* Of what was not seen nothing but the negated comparisons is true. */
START_TEST(a_request_without_a_response)
{
    requests_exchange(&fixture, &exchange, lines, 3);
    ck_assert(!fits("status") && !fits("status == 0") && !fits("status < 500") && fits("status != 200") && fits("not status"));
    ck_assert(!fits("ttfb") && !fits("ttfb < 1s") && !fits("resp.x ~ .") && fits("resp.x !~ ."));
    requests_exchange(&fixture, &exchange, lines + 8, 3);
    ck_assert(!fits("version") && !fits("version < 9") && !fits("ttfb >= 0ms") && fits("status == 503"));
    ck_assert(!fits("incomplete") && fits("not incomplete"));
    exchange.incomplete = EXCHANGE_REQUEST_HEADERS | EXCHANGE_RESPONSE_HEADERS;
    ck_assert(fits("incomplete") && !fits("status == 503 and not incomplete"));
    exchange.http_version = 0x200; /* of the connection */
    ck_assert(fits("version == 2"));
}
END_TEST

START_TEST(redacted_and_cut_values)
{
    struct record record;
    requests_exchange(&fixture, &exchange, lines, 3);
    requests_record(&fixture, &record, "4294967299 5 RxHeader cookie secret", 1, 3);
    record.values[3].is_redacted = true;
    exchange_add(&exchange, &record);
    requests_record(&fixture, &record, "4294967299 5 RxHeader long begin", 1, 3);
    record.values[3].number = 9000;
    exchange_add(&exchange, &record);
    ck_assert(fits("req.cookie") && !fits("req.cookie eq secret") && !fits("req.cookie ~ s") && fits("req.cookie ne secret"));
    ck_assert(!fits("req.long eq begin") && fits("req.long ~ ^begin"));
}
END_TEST

static const struct error_row {
    const char *query, *message;
} errors[] = {
    {"", "--query: expected status, version, ttfb, duration, bytes, request_bytes, conn, req, address, port, sni, incomplete, "
         "method, scheme, authority, host, path, "
         "req.NAME, resp.NAME, not or (\n"
         "    \n    ^"},
    {"status > and", "--query: expected a number; texts are compared with eq, ne, ~ and !~\n    status > and\n             ^"},
    {"status >", "--query: expected a value, as 500, 200ms or \"text\"\n    status >\n            ^"},
    {"status = 5", "--query: expected ==, or for a text eq\n    status = 5\n           ^"},
    {"stats == 5", "--query: there is no such field; did you mean status?\n    stats == 5\n    ^"},
    {"not(pth)", "--query: there is no such field; did you mean path?\n    not(pth)\n        ^"},
    {"status == 5 6", "--query: expected an operator, and, or, or the end\n    status == 5 6\n                ^"},
    {"status eq 5", "--query: this field is a number; compare it with ==, !=, <, <=, > or >=\n    status eq 5\n           ^"},
    {"ttfb > 200", "--query: expected a time, as 200ms, 1.5s or 50us\n    ttfb > 200\n           ^"},
    {"ttfb > 1e3ms", "--query: expected a time, as 200ms, 1.5s or 50us\n    ttfb > 1e3ms\n           ^"},
    {"status > 5ms", "--query: expected a number; texts are compared with eq, ne, ~ and !~\n    status > 5ms\n             ^"},
    {"status > 0x10",
     "--query: expected a number; texts are compared with eq, ne, ~ and !~\n    status > 0x10\n             ^"},
    {"status > 1.2.3",
     "--query: expected a number; texts are compared with eq, ne, ~ and !~\n    status > 1.2.3\n             ^"},
    {"method == GET",
     "--query: expected a number; texts are compared with eq, ne, ~ and !~\n    method == GET\n              ^"},
    {"path ~ \"a", "--query: a text without the quote at its end\n    path ~ \"a\n           ^"},
    {"path ~ \"a(b\"", "--query: not a regular expression: missing closing parenthesis\n    path ~ \"a(b\"\n               ^"},
    {"(status == 5", "--query: a parenthesis that is not closed\n    (status == 5\n    ^"},
    {"(status == 5 x", "--query: expected and, or, or )\n    (status == 5 x\n                 ^"},
    {"status == 5)", "--query: expected an operator, and, or, or the end\n    status == 5)\n               ^"},
    {"req. eq x",
     "--query: expected status, version, ttfb, duration, bytes, request_bytes, conn, req, address, port, sni, incomplete, "
     "method, scheme, authority, host, path, "
     "req.NAME, resp.NAME, not or (\n"
     "    req. eq x\n    ^"},
    {"\xc3\xa4 ~ \x1b",
     "--query: expected status, version, ttfb, duration, bytes, request_bytes, conn, req, address, port, sni, incomplete, "
     "method, scheme, authority, host, path, req.NAME, resp.NAME, "
     "not or (\n    \xc3\xa4 ~ \\x1b\n    ^"},
    {"path eq \xc3\xa4 \x1b x",
     "--query: expected an operator, and, or, or the end\n    path eq \xc3\xa4 \\x1b x\n              ^"},
};

START_TEST(errors_have_a_caret)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        ck_assert_msg(query_parse(&query, errors[i].query, &fixture.mem, &fixture.diag) == -1, "%s", errors[i].query);
        query_free(&query);
        ck_assert_str_eq(fixture.diag.message, errors[i].message);
        ck_assert_int_eq(fixture.diag.status, DIAG_USAGE);
    }
}
END_TEST

/* Neither depth nor length ends in a crash. */
START_TEST(long_and_deep_queries)
{
    static char text[6000];
    memset(text, '(', 101);
    strcpy(text + 101, "status");
    ck_assert_int_eq(query_parse(&query, text, &fixture.mem, &fixture.diag), -1);
    ck_assert(strncmp(fixture.diag.message, "--query: more than 100 levels", 29) == 0);
    memset(text, ' ', 4097);
    strcpy(text + 4097 - 6, "status");
    ck_assert_int_eq(query_parse(&query, text, &fixture.mem, &fixture.diag), -1);
    ck_assert(strncmp(fixture.diag.message, "--query: longer than 4,096 bytes", 32) == 0);
    strcpy(text, "status == 1");
    for (int i = 0; i < 370; i++)
        strcat(text, " or req == 5");
    text[4096] = '\0';
    text[strrchr(text, 'o') - text] = '\0';
    requests_exchange(&fixture, &exchange, lines, LINES);
    ck_assert(fits(text));
}
END_TEST

START_TEST(header_fields_that_it_asks_for)
{
    ck_assert_int_eq(query_parse(&query, "path ~ a and resp.X eq b or status == 3", &fixture.mem, &fixture.diag), 0);
    ck_assert_uint_eq(query.asked.count, 2);
    ck_assert(text_is(query.asked.items[0].name, ":path") && query.asked.items[0].role == CATALOG_REQUEST_HEADER);
    ck_assert(text_is(query.asked.items[1].name, "X") && query.asked.items[1].role == CATALOG_RESPONSE_HEADER);
    query_free(&query);
}
END_TEST

/* The work on one text is bounded, and the text counts as not matching. */
START_TEST(a_regular_expression_that_takes_too_long)
{
    char text[64];
    memset(text, 'a', sizeof(text));
    struct regex *regex = regex_compile(text_of("(a+)+$"), "query", text_of("(a+)+$"), 0, &fixture.mem, &fixture.diag);
    ck_assert(regex_fits(regex, (struct slice){text, 20}));
    ck_assert_uint_eq(regex->given_up, 0);
    text[40] = 'b';
    ck_assert(!regex_fits(regex, (struct slice){text, sizeof(text)}));
    ck_assert_uint_eq(regex->given_up, 1);
    ck_assert(!regex_fits(regex, (struct slice){NULL, 0}));
    ck_assert(regex_fits(regex, (struct slice){"\xff\xfe"
                                               "a",
                                               3}));
    regex_free(regex);
}
END_TEST

Suite *
query_suite(void)
{
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_fits);
    tcase_add_test(tcase, what_does_not_fit);
    tcase_add_test(tcase, integers_are_compared_exactly);
    tcase_add_test(tcase, a_request_without_a_response);
    tcase_add_test(tcase, redacted_and_cut_values);
    tcase_add_test(tcase, errors_have_a_caret);
    tcase_add_test(tcase, long_and_deep_queries);
    tcase_add_test(tcase, header_fields_that_it_asks_for);
    tcase_add_test(tcase, a_regular_expression_that_takes_too_long);
    suite_add_tcase(suite, tcase);
    return suite;
}
