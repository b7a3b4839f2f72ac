#include "show/query_where.h"

#include "program/condition.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct mem mem;
static struct diag diag;

static void
tear_down(void)
{
    mem_free(&mem);
    mem = (struct mem){0};
}

static const char *
where(const char *expression, const struct redact *redact)
{
    struct query query;
    ck_assert_msg(query_parse(&query, expression, &mem, &diag) == 0, "%s", diag.message);
    const char *text = query_where(&query, redact, 65000, &mem);
    query_free(&query);
    return text != NULL ? text : "-";
}

/* "-" holds for all. */
START_TEST(what_the_program_decides)
{
    static const char *const rows[][2] = {
        {"status >= 500", "(($status != 0 && $status >= 500))"},
        {"status > 499.5", "(($status != 0 && $status > 499))"},
        {"status >= 499.5", "(($status != 0 && $status >= 500))"},
        {"status < 499.5", "(($status != 0 && $status < 500))"},
        {"status == 499.5", "(($status != 0 && 0 == 1))"},
        {"status != 200", "!(($status != 0 && $status == 200))"},
        {"not status", "!($status != 0)"},
        {"version == 1.1", "(($http_version != 0 && ((($http_version >> 8) * 10) + ($http_version & 255)) == 11))"},
        {"conn == 18446744073709551615", "-"}, /* not every bpftrace reads that */
        {"duration >= 1.5s", "(($response_end_at != 0 && $begin_at != 0 && (!((($response_end_at - $begin_at) >> 63) == 1) && "
                             "($response_end_at - $begin_at) >= 1500000)))"},
        {"ttfb < 1us", "(($response_start_at != 0 && $begin_at != 0 && $status != 0 && ((($response_start_at - "
                       "$begin_at) >> 63) == 1 || ($response_start_at - $begin_at) < 1)))"},
        {"method eq GET",
         "($method_len == 3 && (int64)*(uint16*)($method + 0) == 17735 && (int64)*(uint8*)($method + 2) == 84)"},
        {"path ~ \"^/\"", "($path_len >= 1 && (int64)*(uint8*)($path + 0) == 47)"},
        {"path ~ \"^/a?\"", "($path_len >= 1 && (int64)*(uint8*)($path + 0) == 47)"}, /* the letter may be missing */
        {"path !~ \"^/\"", "!($path_len >= 1 && (int64)*(uint8*)($path + 0) == 47)"},
        {"path !~ \"^/a+\"", "-"}, /* what begins so need not fit */
        {"path ~ \"^/a|b\"", "-"},
        {"path ~ \"(?i)^/\"", "-"},
        {"path ~ \"/\"", "-"},
        {"path ~ \"^\\.\"", "($path_len >= 1 && (int64)*(uint8*)($path + 0) == 46)"},
        {"host eq a", "(($authority_len != 0 && ($authority_len == 1 || ($authority_len > 1 && *(uint8*)($authority + 1) == "
                      "58)) && (int64)*(uint8*)($authority + 0) == 97))"},
        {"path ne \"\"", "!(0 == 1)"}, /* one that is not there fits */
        {"path eq \"\"", "(0 == 1)"},
        {"address eq 10.0.0.1", "(*(uint16*)$address == 2 && ((int64)*(uint32*)($address + 4) & 4294967295) == 16777226)"},
        {"address ne ::/0", "!(*(uint16*)$address == 10)"},
        {"address ~ \"^1\"", "-"},
        {"host ne \"[\"", "-"}, /* where the port begins is not looked for in there */
        {"host ne \"a:b\"", "-"},
        {"path ~ '^/aX\\E*'", "-"}, /* the X may be missing */
        {"path ~ '^/aX\\Q\\E*'", "-"},
        {"path ~ '^/aX(?#c)*'", "-"},
        {"req.x eq y", "-"},
        {"sni", "-"},
        {"status == 1 and req.x", "(($status != 0 && $status == 1))"},
        {"status == 1 or req.x", "-"},
        {"not (status == 1 or req.x)", "!(($status != 0 && $status == 1))"},
        {"not (status == 1 and req.x)", "-"},
        {"not (status == 1 and conn == 2)", "(!(($status != 0 && $status == 1)) || !((1 == 1 && $conn_id == 2)))"},
    };
    const struct redact none = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(strcmp(where(rows[i][0], &none), rows[i][1]) == 0, "%s: %s", rows[i][0], where(rows[i][0], &none));
}
END_TEST

/* A query must not tell what is held back. */
START_TEST(what_is_redacted_is_not_decided)
{
    static const char *const patterns[] = {":path", ":authority"};
    const struct redact redact = {patterns, 2};
    ck_assert_str_eq(where("path eq /x", &redact), "-");
    ck_assert_str_eq(where("host eq x", &redact), "-");
    ck_assert_str_ne(where("method eq x", &redact), "-");
}
END_TEST

START_TEST(the_halves_are_named)
{
    struct query query;
    struct outbuf out = {0};
    const struct redact none = {0};
    ck_assert_int_eq(query_parse(&query, " status >= 500  and not (req.x ~ \"a\" or conn == 1)", &mem, &diag), 0);
    query_put_halves(&query, &none, 65000, &out);
    text_putc(&out, '\0');
    ck_assert_str_eq(out.ptr, "the program decides status >= 500, conn == 1; h2olog decides req.x ~ \"a\"");
    text_free(&out);
    query_free(&query);
}
END_TEST

START_TEST(networks)
{
    static const struct {
        const char *network, *address;
        bool fits;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.0/8", "127.9.9.9", true},
        {"127.0.0.0/8", "128.0.0.1", false},
        {"10.1.2.3/31", "10.1.2.2", true},
        {"10.1.2.3/31", "10.1.2.4", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
    };
    static const char *const bad[] = {"", "1", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "::1/129", "::1/x", "a", "1.2.3.4/8/8"};
    struct condition_address address;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert(condition_parse_address(text_of(rows[i].network), &address));
        ck_assert_msg(condition_address_fits(&address, rows[i].address) == rows[i].fits, "%s %s", rows[i].network,
                      rows[i].address);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!condition_parse_address(text_of(bad[i]), &address), "%s", bad[i]);
}
END_TEST

Suite *
query_where_suite(void)
{
    Suite *suite = suite_create("query_where");
    TCase *tcase = tcase_create("query_where");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, what_the_program_decides);
    tcase_add_test(tcase, what_is_redacted_is_not_decided);
    tcase_add_test(tcase, the_halves_are_named);
    tcase_add_test(tcase, networks);
    suite_add_tcase(suite, tcase);
    return suite;
}
