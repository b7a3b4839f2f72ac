#include "request/redact.h"

#include "unit-fixture.h"
#include "unit.h"

#include <string.h>

static bool
fits(const char *pattern, const char *name)
{
    const struct redact redact = {&pattern, 1};
    return redact_fits(&redact, text_of(name));
}

START_TEST(names_that_fit)
{
    ck_assert(fits("cookie", "cookie") && fits("cookie", "COOKIE") && fits("Cookie", "cookie"));
    ck_assert(!fits("cookie", "cookies") && !fits("cookie", "cooki") && !fits("cookie", "set-cookie") && !fits("cookie", ""));
    ck_assert(fits("x-*", "x-") && fits("x-*", "X-a") && !fits("x-*", "x") && !fits("x-*", "ax-"));
    ck_assert(fits("*-key", "-key") && fits("*-key", "api-KEY") && !fits("*-key", "key") && !fits("*-key", "-keys"));
    ck_assert(fits("a*b", "ab") && fits("a*b", "axb") && !fits("a*b", "a") && !fits("aa*aa", "aaa"));
    ck_assert(fits("*", "") && fits("*", "x") && fits("pass?", "passX") && !fits("pass?", "pass") && !fits("pass?", "passwd"));
    ck_assert(!redact_fits(&(struct redact){NULL, 0}, text_of("cookie")));
}
END_TEST

START_TEST(patterns_that_are_none)
{
    static const char *const rows[] = {
        "",    "a*b*",        "a b",
        "a\n", "caf\xc3\xa9", "a,b",
        "[a]", "\"",          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct diag diag;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(redact_check(&(struct redact){&rows[i], 1}, &diag) == -1 && diag.status == DIAG_USAGE, "%s", rows[i]);
    ck_assert_int_eq(redact_check(&(struct redact){redact_defaults, REDACT_DEFAULTS}, &diag), 0);
}
END_TEST

/* An unreadable name reads as NULs, and is held back too. */
START_TEST(the_expression)
{
    static const char *const patterns[] = {"aB", "a*cde", "x?y"};
    struct outbuf out = {0};
    redact_condition(&(struct redact){patterns, 3}, &out, "$t", "$n");
    fixture_equal(&out, "($n > 0 && (*(uint8*)$t == 0 || *(uint8*)($t + $n - 1) == 0))"
                        " || ($n == 2 && ((int64)*(uint16*)($t + 0) | 8224) == 25185)"
                        " || ($n >= 4 && ((int64)*(uint8*)($t + 0) | 32) == 97"
                        " && ((int64)*(uint16*)($t + $n - 3 + 0) | 8224) == 25699"
                        " && ((int64)*(uint8*)($t + $n - 3 + 2) | 32) == 101)"
                        " || ($n == 3 && ((int64)*(uint8*)($t + 0) | 32) == 120 && ((int64)*(uint8*)($t + 2) | 32) == 121)");
    text_free(&out);
}
END_TEST

Suite *
redact_suite(void)
{
    Suite *suite = suite_create("redact");
    TCase *tcase = tcase_create("redact");
    tcase_add_test(tcase, names_that_fit);
    tcase_add_test(tcase, patterns_that_are_none);
    tcase_add_test(tcase, the_expression);
    suite_add_tcase(suite, tcase);
    return suite;
}
