#include "request/redact.h"

#include "request/header.h"
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

/* R13: what --redact-default stands for was dropped where the list of --redact was long. */
START_TEST(two_lists_are_one)
{
    const char *many[600];
    for (size_t i = 0; i < 600; i++)
        many[i] = "x";
    struct mem mem = {0};
    const struct redact a = {many, 600}, b = {redact_defaults, REDACT_DEFAULTS}, none = {NULL, 0};
    struct redact both = redact_join(&a, &b, &mem);
    ck_assert_uint_eq(both.count, 600 + REDACT_DEFAULTS);
    ck_assert(redact_fits(&both, text_of("X")) && redact_fits(&both, text_of("x-api-key")));
    ck_assert_uint_eq(redact_join(&none, &none, &mem).count, 0);
    mem_free(&mem);
}
END_TEST

/* R9: "cookie " was shown, as no pattern fits it. */
START_TEST(odd_names_are_held_back)
{
    static const struct {
        const char *bytes;
        size_t len;
    } odd[] = {
        {"cookie ", 7},        {" cookie", 7},  {"cookie\t", 7},   {"coo\nkie", 7},     {"cookie\r", 7},
        {"cookie\0", 7},       {"coo\0kie", 7}, {"\0", 1},         {"\0\0\0\0\0\0", 6}, {"x\x7f", 2},
        {"cookie\xc2\x85", 8}, {"\xff", 1},     {"other one", 9},  {"cookie:", 7},      {"cookie;", 7},
        {"cookie=", 7},        {"cookie,", 7},  {"\"cookie\"", 8}, {"coo:kie", 7},      {"::cookie", 8},
    };
    const char *pattern = "cookie";
    const struct redact redact = {&pattern, 1};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        ck_assert_msg(redact_fits(&redact, (struct slice){odd[i].bytes, odd[i].len}), "%zu", i);
    ck_assert(!fits("cookie", "!") && !fits("cookie", "~") && !fits("cookie", ":path") && !fits("cookie", ""));
}
END_TEST

/* B7: every visible byte was one of a name, so "cookie:" was shown. */
START_TEST(bytes_of_no_token_are_odd)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const size_t places[] = {0, 1, 63, REDACT_LONGEST_NAME - 1};
    const struct redact none = {NULL, 0};
    for (int byte = 0; byte < 256; byte++)
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            char name[REDACT_LONGEST_NAME];
            size_t at = places[i];
            memset(name, 'x', sizeof(name));
            name[at] = (char)byte;
            bool is_odd = memchr(token, byte, strlen(token)) == NULL && (byte != ':' || at != 0);
            ck_assert_msg(redact_fits(&none, (struct slice){name, at + 1}) == is_odd, "%d at the end, %zu", byte, at);
            ck_assert_msg(redact_fits(&none, (struct slice){name, sizeof(name)}) == is_odd, "%d at %zu", byte, at);
        }
}
END_TEST

START_TEST(names_too_long_to_look_at_are_held_back)
{
    char name[REDACT_LONGEST_NAME + 2] = {0};
    memset(name, 'x', REDACT_LONGEST_NAME);
    ck_assert(!fits("cookie", name));
    name[REDACT_LONGEST_NAME] = 'x';
    ck_assert(fits("cookie", name));
}
END_TEST

/* The program must find the same names, so it does not take ~ for ^. */
START_TEST(only_letters_have_two_cases)
{
    ck_assert(!fits("a^", "a~") && !fits("a~", "a^") && !header_fits("`", text_of("@")) && !header_fits("@", text_of("`")));
    struct outbuf out = {0};
    const char *pattern = "z^-A";
    redact_condition(&(struct redact){&pattern, 1}, &out, "$t", "$n");
    fixture_equal(&out, "$n > 64 || ($t_odd & 1) != 0"
                        " || ($n == 4 && ((int64)*(uint32*)($t + 0) | 536870944) == 1630363258)"); /* 0x20000020, "z^-a" */
    text_free(&out);
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

START_TEST(the_expression)
{
    static const char *const patterns[] = {"aB", "a*cde", "x?y"};
    struct outbuf out = {0};
    redact_condition(&(struct redact){patterns, 3}, &out, "$t", "$n");
    fixture_equal(&out, "$n > 64 || ($t_odd & 1) != 0"
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
    tcase_add_test(tcase, two_lists_are_one);
    tcase_add_test(tcase, odd_names_are_held_back);
    tcase_add_test(tcase, bytes_of_no_token_are_odd);
    tcase_add_test(tcase, names_too_long_to_look_at_are_held_back);
    tcase_add_test(tcase, only_letters_have_two_cases);
    tcase_add_test(tcase, patterns_that_are_none);
    tcase_add_test(tcase, the_expression);
    suite_add_tcase(suite, tcase);
    return suite;
}
