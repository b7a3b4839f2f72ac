#include "show/view.h"

#include "unit-requests.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct fixture fixture;
static struct view view;
static struct filter filter;

static void
set_up(void)
{
    requests_plan(&fixture);
    filter = (struct filter){0};
}

static void
tear_down(void)
{
    view_free(&view);
    fixture_free(&fixture);
}

static int
make(const struct filter_word *words, size_t count)
{
    view_free(&view); /* of the call before */
    return view_make(&view, words, count, false, &filter, &fixture.mem, &fixture.diag);
}

#define MAKE(...)                                   \
    make((const struct filter_word[]){__VA_ARGS__}, \
         sizeof((const struct filter_word[]){__VA_ARGS__}) / sizeof(struct filter_word))

/* What the program has to do. */
static void
check_filter(const char *expected)
{
    struct outbuf out = {0};
    for (size_t i = 0; i < filter.nwords; i++)
        text_printf(&out, "%s %s;", filter.words[i].option, filter.words[i].value);
    fixture_equal(&out, expected);
    text_free(&out);
}

static bool
shows(const char *line)
{
    struct record record;
    requests_record(&fixture, &record, line, 1, 1);
    return line_filter_fits(&view.line_filter, &record);
}

START_TEST(filters_are_the_program_s)
{
    ck_assert_int_eq(MAKE({"include", "Rx*"}, {"conn", "1"}, {"status", "5xx"}, {"request-header", "a,b"}), 0);
    ck_assert(!view.is_grouped);
    check_filter("include Rx*;conn 1;status 5xx;request-header a,b;");
    ck_assert(shows("1 1 TxStatus 200"));
}
END_TEST

START_TEST(of_whole_requests_filters_are_about_what_is_shown)
{
    struct exchange exchange = {0};
    ck_assert_int_eq(
        MAKE({"include", "Rx*"}, {"conn", "1"}, {"status", "5xx"}, {"request-header", "a,b"}, {"group", "request"}), 0);
    ck_assert(view.is_grouped && view.max_requests == 1000);
    check_filter("conn 1;");
    ck_assert(shows("1 1 RxProtocol HTTP/1.1") && shows("1 1 RxHeader A x") && !shows("1 1 RxHeader c x"));
    ck_assert(!shows("1 1 TxStatus 200") && !shows("1 1 TxHeader a b"));
    requests_exchange(&fixture, &exchange, (const char *const[]){"1 1 RxHeader a b", "1 1 TxStatus 503"}, 2);
    ck_assert(view_wants(&view, &exchange));
    requests_exchange(&fixture, &exchange, (const char *const[]){"1 1 RxHeader a b", "1 1 TxStatus 499"}, 2);
    ck_assert(!view_wants(&view, &exchange));
    requests_exchange(&fixture, &exchange, (const char *const[]){"1 1 RxHeader a b"}, 1);
    ck_assert(!view_wants(&view, &exchange));
    text_free(&exchange.records);
}
END_TEST

START_TEST(regular_expressions)
{
    ck_assert_int_eq(MAKE({"include", "TxStatus"}, {"include-regex", "RxHeader:^:path /a"}, {"exclude-regex", "50[0-3]"}), 0);
    check_filter("include TxStatus;include RxHeader;");
    ck_assert(shows("1 1 TxStatus 200") && !shows("1 1 TxStatus 503"));
    ck_assert(shows("1 1 RxHeader :path /abc") && !shows("1 1 RxHeader :path /b") && !shows("1 1 TxHeader :path /a"));
    ck_assert(!shows("1 1 RxHeader :path /a/502"));
}
END_TEST

START_TEST(a_regular_expression_for_any_tag)
{
    ck_assert_int_eq(MAKE({"include-regex", "^(?:x-a|:path) "}, {"exclude-regex", "tx*:b$"}), 0);
    check_filter("include *;");
    ck_assert(shows("1 1 RxHeader :path /") && shows("1 1 TxHeader x-a c") && !shows("1 1 TxHeader x-a b") &&
              !shows("1 1 RxHeader b c"));
}
END_TEST

/* The program sends what an access log and a query need, and what tells of an upgrade to HTTP/2. */
START_TEST(an_access_log_needs_few_header_fields)
{
    ck_assert_int_eq(MAKE({"log-format", "common"}), 0);
    check_filter("request-header :method,:path,http2-settings;exclude TxHeader;");
    filter = (struct filter){0};
    ck_assert_int_eq(MAKE({"log-format", "%{A}i %s %{set-cookie}o"}, {"query", "req.b ~ x and resp.c eq y and status > 4"}), 0);
    check_filter("request-header A,b,http2-settings;response-header set-cookie,c;");
    filter = (struct filter){0};
    ck_assert_int_eq(MAKE({"log-format", "%s"}), 0);
    check_filter("exclude RxHeader;exclude TxHeader;");
    filter = (struct filter){0};
    ck_assert_int_eq(MAKE({"log-format", "%s %{a b}i"}), 0);
    check_filter("exclude TxHeader;"); /* "a b" is no name that a program could look for */
    filter = (struct filter){0};
    ck_assert_int_eq(MAKE({"query", "req.b ~ x"}), 0);
    check_filter("");
}
END_TEST

START_TEST(o2_tags_of_regular_expressions_are_tags)
{
    static const struct filter_word good[] = {{"include-regex", "rx*:x"}, {"exclude-regex", "^a:"}, {"group", "request"}},
                                    bad[] = {{"query", "x"}, {"exclude-regex", "RxHeadr:x"}};
    ck_assert_int_eq(view_check(good, 3, &fixture.catalog, &fixture.mem, &fixture.diag), 0);
    ck_assert_int_eq(view_check(bad, 2, &fixture.catalog, &fixture.mem, &fixture.diag), -1);
    ck_assert_str_eq(fixture.diag.message, "--exclude-regex: there is no tag \"RxHeadr\"; did you mean RxHeader?");
}
END_TEST

START_TEST(errors)
{
    ck_assert_int_eq(MAKE({"max-requests", "5"}), -1);
    ck_assert_str_eq(fixture.diag.message, "--max-requests is for --group, --query, --log-format and --pending");
    ck_assert_int_eq(MAKE({"max-requests", "0"}, {"group", "request"}), -1);
    ck_assert_str_eq(fixture.diag.message, "--max-requests: \"0\" is not a number from 1 to 1000000");
    ck_assert_int_eq(MAKE({"pending", "soon"}), -1);
    ck_assert_str_eq(fixture.diag.message, "--pending: \"soon\" is not a time, as 30s, 500ms, 5m or 1h");
    ck_assert_int_eq(MAKE({"group", "session"}), -1);
    ck_assert_str_eq(fixture.diag.message, "--group: cannot group by \"session\"; expected request");
    ck_assert_int_eq(MAKE({"include-regex", "RxHeader:a(b"}), -1);
    ck_assert_str_eq(fixture.diag.message, "--include-regex: not a regular expression: missing closing parenthesis\n"
                                           "    RxHeader:a(b\n                ^");
    ck_assert_int_eq(MAKE({"query", "status\n== 5"}), -1);
    ck_assert_str_eq(fixture.diag.message, "--query: a line feed; expected one line\n    status\\x0a== 5\n          ^");
    ck_assert_int_eq(MAKE({"group", "request"}, {"include", "a,,b"}), -1);
}
END_TEST

/* A pseudoterminal of so many columns. */
static int
open_terminal(unsigned short columns)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    ck_assert(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0);
    return terminal;
}

static void
check_paint(struct paint paint, const char *line, const char *expected)
{
    struct record record;
    struct format format;
    struct outbuf out = {0};
    text_puts(&out, "before\n");
    format_init(&format, "line", (struct format_options){0});
    format.paint = paint;
    requests_record(&fixture, &record, line, 1, 1);
    format_record(&format, &out, &record);
    ck_assert(strncmp(out.ptr, "before\n", 7) == 0);
    struct outbuf rest = {out.ptr + 7, out.len - 7, 0};
    fixture_equal(&rest, expected);
    text_free(&out);
}

START_TEST(colours)
{
    const struct paint paint = {true, -1};
    check_paint(paint, "1 1 TxStatus 200", "1 1 \033[32mTxStatus   200\033[0m\n");
    check_paint(paint, "1 1 TxStatus 404", "1 1 \033[33mTxStatus   404\033[0m\n");
    check_paint(paint, "1 1 TxStatus 503", "1 1 \033[1;31mTxStatus   503\033[0m\n");
    check_paint(paint, "1 1 RxHeader a-name a-value", "1 1 RxHeader   \033[2ma-name\033[0m a-value\n");
    check_paint(paint, "1 1 RxProtocol HTTP/2.0", "1 1 RxProtocol HTTP/2.0\n");
    check_paint((struct paint){false, -1}, "1 1 TxStatus 503", "1 1 TxStatus   503\n");
}
END_TEST

/* The words that are coloured stand behind the time and the pid. */
START_TEST(colours_behind_other_columns)
{
    struct record record;
    struct format format;
    struct outbuf out = {0};
    const struct format_options options = {.time = FORMAT_ELAPSED, .has_servers = true};
    ck_assert(format_init(&format, "line", options));
    format.paint = (struct paint){true, -1};
    requests_record(&fixture, &record, "1 1 RxHeader a-name a-value", 1, 1);
    format_record(&format, &out, &record);
    fixture_equal(&out, "0.000000 7 1 1 RxHeader   \033[2ma-name\033[0m a-value\n");
    text_free(&out);
}
END_TEST

/* A line takes no more columns than there are: wide characters take two. */
START_TEST(the_width_of_a_terminal)
{
    int terminal = open_terminal(22);
    const struct paint paint = paint_for(terminal, "never", false);
    check_paint(paint, "1 1 RxHeader name 12", "1 1 RxHeader   name 12\n");
    check_paint(paint, "1 1 RxHeader name 123", "1 1 RxHeader   name 1\xe2\x80\xa6\n");
    check_paint(paint, "1 1 RxHeader n \xe4\xb8\xad\xe4\xb8\xad", "1 1 RxHeader   n \xe4\xb8\xad\xe4\xb8\xad\n");
    check_paint(paint, "1 1 RxHeader n \xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad",
                "1 1 RxHeader   n \xe4\xb8\xad\xe4\xb8\xad\xe2\x80\xa6\n");
    check_paint(paint, "1 1 RxHeader n o\xcc\x81o\xcc\x81xyz", "1 1 RxHeader   n o\xcc\x81o\xcc\x81xyz\n"); /* combining */
    check_paint(paint_for(terminal, "always", false), "1 1 RxHeader name-that-is-long x",
                "1 1 RxHeader   \033[2mname-t\033[0m\xe2\x80\xa6\n");
    check_paint(paint_for(terminal, "never", true), "1 1 RxHeader name 123", "1 1 RxHeader   name 123\n");
    close(terminal);
}
END_TEST

START_TEST(when_there_are_colours)
{
    int terminal = open_terminal(80), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    ck_assert(paint_for(terminal, NULL, false).has_colors && paint_for(terminal, "auto", false).has_colors);
    ck_assert(!paint_for(null, NULL, false).has_colors && paint_for(null, NULL, false).terminal == -1);
    ck_assert(paint_for(null, "always", false).has_colors && !paint_for(terminal, "never", false).has_colors);
    setenv("NO_COLOR", "1", 1);
    ck_assert(!paint_for(terminal, NULL, false).has_colors && paint_for(terminal, "always", false).has_colors);
    setenv("NO_COLOR", "", 1);
    ck_assert(paint_for(terminal, NULL, false).has_colors);
    setenv("TERM", "dumb", 1);
    ck_assert(!paint_for(terminal, NULL, false).has_colors);
    close(terminal);
    close(null);
}
END_TEST

Suite *
view_suite(void)
{
    Suite *suite = suite_create("view");
    TCase *tcase = tcase_create("view");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, filters_are_the_program_s);
    tcase_add_test(tcase, of_whole_requests_filters_are_about_what_is_shown);
    tcase_add_test(tcase, regular_expressions);
    tcase_add_test(tcase, a_regular_expression_for_any_tag);
    tcase_add_test(tcase, an_access_log_needs_few_header_fields);
    tcase_add_test(tcase, o2_tags_of_regular_expressions_are_tags);
    tcase_add_test(tcase, errors);
    tcase_add_test(tcase, colours);
    tcase_add_test(tcase, colours_behind_other_columns);
    tcase_add_test(tcase, the_width_of_a_terminal);
    tcase_add_test(tcase, when_there_are_colours);
    suite_add_tcase(suite, tcase);
    return suite;
}
