#include "request/filter.h"

#include "request/header.h"
#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static const char events[] = "provider p\n"
                             "probe head\n"
                             " tag RxHead\n"
                             " group g\n"
                             " summary A head.\n"
                             " arg 0 conn_id u64\n"
                             " arg 1 req_id u64\n"
                             " arg 2 name str len=3 request-header\n"
                             "probe answer\n"
                             " tag TxStatus\n"
                             " group g\n"
                             " summary An answer.\n"
                             " arg 0 master_conn_id u32 at=16\n"
                             " arg 1 stream_id i64\n"
                             " arg 2 status i32\n"
                             " arg 3 dcid hexstr\n"
                             "probe other\n"
                             " group g\n"
                             " summary Another.\n"
                             " arg 0 n u64\n";

static struct fixture fixture;
static struct filter filter;

static void
add(const char *option, const char *value)
{
    ck_assert_msg(filter_add(&filter, option, value, &fixture.mem, &fixture.diag) == 0, "%s", fixture.diag.message);
}

static void
setup(void)
{
    ck_assert_int_eq(fixture_catalog(&fixture, events), 0);
    filter = (struct filter){0};
}

static void
teardown(void)
{
    fixture_free(&fixture);
}

static void
check_condition(int probe, const char *expected)
{
    static const struct filter_value values[] = {{"$a", NULL}, {"$b", NULL}, {"$c", "$c_len"}, {"$d", NULL}};
    struct outbuf out = {0};
    filter_put(&filter, &fixture.catalog.probes[probe], values, &out);
    fixture_equal(&out, *expected == '\0' ? "" : mem_printf(&fixture.mem, "    if (!(%s)) { return; }\n", expected));
    text_free(&out);
}

START_TEST(conditions_ask_what_the_catalogue_says)
{
    check_condition(1, "");
    add("conn", "5,7");
    add("req", "-1");
    check_condition(0, "($a == 5 || $a == 7) && ($b == -1)");
    check_condition(1, "($a == 5 || $a == 7) && ($b == -1)");
    check_condition(2, "");
    filter = (struct filter){0};
    add("status", "404,5xx");
    add("dcid", "0a");
    check_condition(1, "($c == 404 || ($c >= 500 && $c <= 599)) && (((int64)*(uint16*)($d + 0) | 8192) == 24880)");
    ck_assert(filter_asks(&filter, &fixture.catalog.probes[1], 3) && !filter_asks(&filter, &fixture.catalog.probes[1], 0));
    filter = (struct filter){0};
    add("sample", "25%");
    add("request-header", "ab");
    check_condition(0, "((($a * 2654435761) & 0xffffffff) < 1073741824) && "
                       "(($c_len == 2 && ((int64)*(uint16*)($c + 0) | 8224) == 25185))");
}
END_TEST

START_TEST(probes_that_cannot_fit_are_not_wanted)
{
    static const struct {
        const char *option, *value;
        bool head, answer, other;
    } rows[] = {
        {"include", "rx*,other", true, false, true},
        {"include", "TXSTATUS", false, true, false},
        {"exclude", "?xHead", false, true, true},
        {"conn", "1", true, true, false},
        {"req", "1", true, true, false},
        {"sample", "1", true, true, false},
        {"status", "200", false, true, false},
        {"dcid", "0", false, true, false},
        {"request-header", "a", true, true, true},
        {"response-header", "a", true, true, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        filter = (struct filter){0};
        add(rows[i].option, rows[i].value);
        const struct catalog_probe *probes = fixture.catalog.probes;
        ck_assert_msg(filter_wants_probe(&filter, &probes[0]) == rows[i].head, "%s", rows[i].option);
        ck_assert_msg(filter_wants_probe(&filter, &probes[1]) == rows[i].answer, "%s", rows[i].option);
        ck_assert_msg(filter_wants_probe(&filter, &probes[2]) == rows[i].other, "%s", rows[i].option);
    }
    ck_assert(filter_wants_probe(NULL, &fixture.catalog.probes[2]));
}
END_TEST

START_TEST(records_fit_as_the_conditions_say)
{
    static const struct {
        const char *option, *value;
        uint64_t conn;
        int64_t stream;
        int status;
        const char *dcid;
        bool fits;
    } rows[] = {
        {"conn", "1,3", 3, 0, 0, "", true},         {"conn", "1,3", 2, 0, 0, "", false},
        {"req", "-1", 0, -1, 0, "", true},          {"req", "1", 0, -1, 0, "", false},
        {"status", "2xx,404", 0, 0, 299, "", true}, {"status", "2xx,404", 0, 0, 300, "", false},
        {"status", "100-199", 0, 0, 199, "", true}, {"dcid", "0a,0b", 0, 0, 0, "0bff", true},
        {"dcid", "0bff", 0, 0, 0, "0b", false},     {"sample", "0.5", 0, 0, 0, "", true},
        {"sample", "0.5", 1, 0, 0, "", false}, /* 2654435761 is more than half of 2^32 */
        {"sample", "0.7", 1, 0, 0, "", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        filter = (struct filter){0};
        add(rows[i].option, rows[i].value);
        const struct types_value values[] = {{.number = rows[i].conn},
                                             {.number = (uint64_t)rows[i].stream},
                                             {.number = (uint64_t)rows[i].status},
                                             {.text = text_of(rows[i].dcid)}};
        ck_assert_msg(filter_fits(&filter, &fixture.catalog.probes[1], values) == rows[i].fits, "row %zu", i);
        ck_assert(filter_fits(NULL, &fixture.catalog.probes[1], values));
    }
}
END_TEST

/* T16: --conn 0 took what had no number yet, and --sample took all of it. */
START_TEST(what_is_null_does_not_fit)
{
    static const char *const rows[][2] = {{"conn", "0"}, {"sample", "10%"}};
    const struct types_value null[] = {{.is_null = true}, {0}, {0}, {0}}, zero[4] = {{0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        filter = (struct filter){0};
        add(rows[i][0], rows[i][1]);
        ck_assert(filter_fits(&filter, &fixture.catalog.probes[1], zero));
        ck_assert(!filter_fits(&filter, &fixture.catalog.probes[1], null));
    }
}
END_TEST

/* One bit folds letters in the program, which makes ^ and ~ one; here they are two. */
START_TEST(header_names_fit_exactly)
{
    static const struct {
        const char *pattern, *name;
        bool fits;
    } rows[] = {
        {"x-a", "X-A", true}, {"x-a", "x-ab", false},  {"x-*", "x-", true},  {"*a", "Xa", true},
        {"a*c", "ac", true},  {"ab*bc", "abc", false}, {"a?c", "aBc", true}, {"a^", "a~", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert(header_is_pattern(rows[i].pattern));
        ck_assert_msg(header_fits(rows[i].pattern, text_of(rows[i].name)) == rows[i].fits, "%s %s", rows[i].pattern,
                      rows[i].name);
    }
    ck_assert(!header_is_pattern("") && !header_is_pattern("a b") && !header_is_pattern("*a*"));
}
END_TEST

/* O2: `-x TxStat` showed everything. T21: without a field that has a header's name, -s showed everything. */
START_TEST(o2_the_catalogue_must_know_what_is_asked_for)
{
    static const char *const rows[][3] = {
        {"include", "rx*,other", NULL},
        {"exclude", "TXSTATUS", NULL},
        {"exclude", "TxStat", "--exclude: there is no tag \"TxStat\"; did you mean TxStatus?"},
        {"include", "other,RxHaed", "--include: there is no tag \"RxHaed\"; did you mean RxHead?"},
        {"include", "zz*", "--include: there is no tag \"zz*\"; expected one, as RxHeader, or the name of an event"},
        {"status", "200", NULL},
        {"request-header", "a", NULL},
        {"response-header", "a", "--response-header: the catalogue does not say which field of a probe that is"},
        {"query", "x", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct filter_word word = {rows[i][0], rows[i][1]};
        int status = filter_check(&word, &fixture.catalog, &fixture.mem, &fixture.diag);
        ck_assert_int_eq(status, rows[i][2] != NULL ? -1 : 0);
        if (rows[i][2] != NULL)
            ck_assert_str_eq(fixture.diag.message, rows[i][2]);
    }
}
END_TEST

/* O6: h2o calls Host :authority, so a filter for it never fitted. */
START_TEST(o6_host_is_the_authority)
{
    const struct catalog_probe *probe = &fixture.catalog.probes[0];
    struct types_value values[CATALOG_MAX_FIELDS] = {0};
    add("request-header", "Host,x-a");
    values[2] = (struct types_value){.text = text_of(":authority"), .number = 10};
    ck_assert(filter_fits(&filter, probe, values));
    values[2] = (struct types_value){.text = text_of("x-a"), .number = 3};
    ck_assert(filter_fits(&filter, probe, values));
    values[2] = (struct types_value){.text = text_of("x-b"), .number = 3};
    ck_assert(!filter_fits(&filter, probe, values));
}
END_TEST

START_TEST(what_is_no_filter)
{
    static const char *const rows[][2] = {
        {"conn", "1,,2"},
        {"conn", "1x"},
        {"conn", "18446744073709551616"},
        {"conn", "-9223372036854775809"},
        {"status", "xx"},
        {"status", "1000"},
        {"status", "0xx"},
        {"status", "9xx"},
        {"status", "99"},
        {"sample", "nan"},
        {"sample", "inf"},
        {"sample", "0x1p-3"},
        {"sample", "1/"},
        {"sample", "1/0"},
        {"sample", "0/0"},
        {"sample", "3/2"},
        {"sample", "1%%"},
        {"sample", "-1%"},
        {"sample", "%"},
        {"sample", "/2"},
        {"sample", "101%"},
        {"dcid", "0G"},
        {"request-header", "*a*"},
        {"include", "a b"},
        {"exclude", "a\n"},
        {"nosuch", "1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(filter_add(&filter, rows[i][0], rows[i][1], &fixture.mem, &fixture.diag) == -1, "%s %s", rows[i][0],
                      rows[i][1]);
}
END_TEST

/* T22: connections beyond 2^63 were refused. */
START_TEST(numbers_of_64_bits)
{
    static const struct {
        const char *word;
        uint64_t number;
    } rows[] = {
        {"18446744073709551615", UINT64_MAX},
        {"9007199254740993", 9007199254740993},
        {"9223372036854775808", (uint64_t)1 << 63},
        {"-9223372036854775808", (uint64_t)1 << 63},
        {"-1", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct types_value values[] = {{.number = rows[i].number}, {0}, {0}, {0}};
        filter = (struct filter){0};
        add("conn", rows[i].word);
        ck_assert(filter_fits(&filter, &fixture.catalog.probes[1], values));
        values[0].number--;
        ck_assert(!filter_fits(&filter, &fixture.catalog.probes[1], values));
    }
}
END_TEST

static void
check_share(const char *word, double share)
{
    filter = (struct filter){0};
    add("sample", word);
    double got = filter_share(&filter, NULL);
    ck_assert_msg(got > share * 0.999999 && got < share * 1.000001, "%s: %g", word, got);
}

START_TEST(shares_in_three_forms)
{
    check_share("0.01", 0.01);
    check_share("1%", 0.01);
    check_share("1/100", 0.01);
    check_share("1/3", 1.0 / 3);
    check_share("1", 1);
    check_share("100%", 1);
    check_share(".5", 0.5);
    check_share("1e-3", 0.001);
    check_share("1%,5%,2%", 0.05);
    check_share("1/4294967296", 1.0 / 4294967296);
}
END_TEST

/* T23: what was too small took nothing, and said nothing. */
START_TEST(a_share_of_nothing_is_refused)
{
    static const char *const words[] = {"1e-12", "0", "0%", "0.0", "1/4294967297"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char expected[128];
        snprintf(expected, sizeof(expected),
                 "--sample: \"%s\" is not a share that takes any connection; the smallest is 1/4294967296", words[i]);
        ck_assert_int_eq(filter_add(&filter, "sample", words[i], &fixture.mem, &fixture.diag), -1);
        ck_assert_str_eq(fixture.diag.message, expected);
    }
}
END_TEST

/* A recording that was sampled can be sampled again. */
START_TEST(two_filters_have_the_smaller_share)
{
    struct filter other = {0}, none = {0};
    add("sample", "10%");
    ck_assert_int_eq(filter_add(&other, "sample", "50%", &fixture.mem, &fixture.diag), 0);
    ck_assert(filter_share(&filter, &other) < 0.11 && filter_share(&other, &filter) < 0.11);
    ck_assert(filter_share(&none, &other) > 0.49 && filter_share(&other, NULL) > 0.49);
    ck_assert(filter_share(&none, NULL) == 0);
}
END_TEST

Suite *
filter_suite(void)
{
    Suite *suite = suite_create("filter");
    TCase *tcase = tcase_create("filter");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, conditions_ask_what_the_catalogue_says);
    tcase_add_test(tcase, probes_that_cannot_fit_are_not_wanted);
    tcase_add_test(tcase, records_fit_as_the_conditions_say);
    tcase_add_test(tcase, what_is_null_does_not_fit);
    tcase_add_test(tcase, header_names_fit_exactly);
    tcase_add_test(tcase, o2_the_catalogue_must_know_what_is_asked_for);
    tcase_add_test(tcase, o6_host_is_the_authority);
    tcase_add_test(tcase, what_is_no_filter);
    tcase_add_test(tcase, numbers_of_64_bits);
    tcase_add_test(tcase, shares_in_three_forms);
    tcase_add_test(tcase, a_share_of_nothing_is_refused);
    tcase_add_test(tcase, two_filters_have_the_smaller_share);
    suite_add_tcase(suite, tcase);
    return suite;
}
