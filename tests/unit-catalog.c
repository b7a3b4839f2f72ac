#include "catalog.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "provider p\nprobe e\n group g\n summary s\n"

static struct fixture fixture;

/* The error that a catalogue gives. */
static const char *
error_of(const char *text)
{
    ck_assert_msg(fixture_catalog(&fixture, text) == -1, "accepted: %s", text);
    ck_assert_int_eq(fixture.diag.status, DIAG_USAGE);
    fixture_free(&fixture);
    return fixture.diag.message;
}

START_TEST(errors_say_where_and_what)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"porvider p\n",
         "t.probes:1:1: unknown word \"porvider\"; expected provider, probe, names, type, tag, group, summary, now, arg "
         "or line"},
        {"probe e\n", "t.probes:1:1: a probe before any provider; expected a line \"provider NAME\" first"},
        {"provider\n", "t.probes:1:9: the line ends too early; expected the provider's name"},
        {"provider p-q\n", "t.probes:1:10: not a name \"p-q\"; expected letters, digits and _"},
        {"provider p q\n", "t.probes:1:12: unexpected \"q\"; expected the end of the line"},
        {"provider p\n tag x\n", "t.probes:2:2: no probe for \"tag\"; expected a line \"probe NAME\" before it"},
        {"provider p\nprobe e\ntag x\n", "t.probes:3:1: not indented \"tag\"; expected it below a probe, indented"},
        {HEAD " arg 0 a u128\n", "t.probes:5:10: unknown type \"u128\"; expected one of those in probes/README.md"},
        {HEAD " arg 12 a u8\n", "t.probes:5:6: not an argument \"12\"; expected its number, 0 to 11"},
        {HEAD " arg 0 a str\n", "t.probes:5:10: no length for type \"str\"; expected len=ARGUMENT after it"},
        {HEAD " arg 0 a u8 len=1\n", "t.probes:5:10: a length for type \"u8\"; expected no len="},
        {HEAD " arg 0 a u8 sceret\n",
         "t.probes:5:13: unknown attribute \"sceret\"; expected len=, at=, names=, null, optional, "
         "app-data or secret"},
        {HEAD " arg 0 a str len=1 at=4\n", "t.probes:5:20: not an offset \"at=4\"; expected at=BYTES, of a number"},
        {HEAD " arg 0 a u8 names=t\n",
         "t.probes:5:13: no such table \"names=t\"; expected names=TABLE, with \"names TABLE\" before it"},
        {HEAD " arg 0 a u8\n arg 1 a u8\n", "t.probes:6:6: repeated field name at argument \"1\"; expected each name once"},
        {HEAD " arg 0 a u8\n line ${b}\n", "t.probes:6:9: unknown field \"b\"; expected tag, or a field of an arg line above"},
        {HEAD " line ${a\n", "t.probes:5:7: no end of \"${a\"; expected ${NAME}"},
        {HEAD, "t.probes:2:1: probe e has no arg; expected a line \"arg ...\" below it"},
        {"provider p\nprobe e args=x\n",
         "t.probes:2:9: not a condition \"args=x\"; expected args=N, size=N:BYTES, with=PROBE[/N] or "
         "without=PROBE, four at most"},
        {HEAD " arg 0 a u8\nprobe e\n", "t.probes:6:1: probe p:e is there already, without a condition, at t.probes:2"},
        {"names t\n x y\n", "t.probes:2:2: not a value \"x\"; expected a number and its name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(error_of(rows[i].text), rows[i].message);
}
END_TEST

START_TEST(a_probe_is_read)
{
    ck_assert_int_eq(fixture_catalog(&fixture,
                                     "# comment\nnames kinds\n 0 no\n 7  two words # comment\n\nprovider p\n"
                                     "probe old args=2 size=1:8 with=a/3 without=b\n type new\n group g\n summary What it is.\n"
                                     " now newer\n arg 1 x u32 at=16 names=kinds\n arg 0 y str len=1 null app-data\n"),
                     0);
    const struct catalog_probe *probe = &fixture.catalog.probes[0];
    ck_assert_str_eq(probe->provider, "p");
    ck_assert_str_eq(probe->name, "old");
    ck_assert_str_eq(probe->type, "new");
    ck_assert_str_eq(probe->tag, "new");
    ck_assert_str_eq(probe->summary, "What it is.");
    ck_assert_str_eq(probe->now, "newer");
    ck_assert_int_eq(probe->nconditions, 4);
    ck_assert_int_eq(probe->fields[0].offset, 16);
    ck_assert_int_eq(probe->fields[1].len_arg, 1);
    ck_assert(probe->fields[1].may_be_null && probe->fields[1].is_app_data && !probe->fields[1].is_secret);
    ck_assert_str_eq(catalog_label(probe->fields[0].names, 7), "two words");
    ck_assert_ptr_null(catalog_label(probe->fields[0].names, 8));
    ck_assert_int_eq(probe->pos.line, 7);
    fixture_free(&fixture);
}
END_TEST

/* A server whose probe e has two arguments, of 4 and 8 bytes, beside a probe f of three. */
static struct usdt_probe server[] = {{.provider = "p", .name = "e", .nargs = 2, .args = {{4, true}, {8, false}}},
                                     {.provider = "p", .name = "f", .nargs = 3},
                                     {.provider = "q", .name = "g", .nargs = 1}};
static const struct usdt_probes server_probes = {server, 3};

START_TEST(conditions_choose_a_variant)
{
    static const struct {
        const char *conditions;
        bool fits;
    } rows[] = {
        {"", true},          {"args=2", true},        {"args=3", false},        {"size=0:4", true},   {"size=0:8", false},
        {"size=1:8", true},  {"size=2:8", false},     {"with=f", true},         {"with=f/3", true},   {"with=f/2", false},
        {"with=g", false},   {"with=h", false},       {"without=h", true},      {"without=f", false}, {"without=f/2", true},
        {"without=g", true}, {"args=2 with=f", true}, {"args=2 with=h", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "provider p\nprobe e %s\n group g\n summary s\n arg 0 a u8\n", rows[i].conditions);
        ck_assert_int_eq(fixture_catalog(&fixture, text), 0);
        ck_assert_msg(catalog_fits(&fixture.catalog.probes[0], &server_probes) == rows[i].fits, "%s", rows[i].conditions);
        fixture_free(&fixture);
    }
}
END_TEST

/* The built-in files with bytes changed, and cut off anywhere: an error with its position, or none, but no harm. */
START_TEST(damaged_catalogues_do_no_harm)
{
    uint32_t seed = 5;
    for (size_t i = 0; i < files_builtin_count; i++) {
        struct slice whole = files_builtin[i].text;
        if (strncmp(files_builtin[i].name, "probes/", 7) != 0)
            continue;
        char *copy = malloc(whole.len);
        for (int round = 0; round < 150; round++) {
            memcpy(copy, whole.ptr, whole.len);
            for (int change = 0; change < round % 4; change++)
                fixture_fill(copy + fixture_random(&seed) % whole.len, 1, " \n#={}$0az\x80", &seed);
            struct file file = {"t.probes", {copy, round % 3 == 0 ? fixture_random(&seed) % whole.len : whole.len}};
            struct files files = {&file, 1};
            struct mem mem = {0};
            struct diag diag = {0};
            struct catalog catalog;
            int status = catalog_parse(&catalog, &files, &mem, &diag);
            ck_assert(status == 0 || strncmp(diag.message, "t.probes:", 9) == 0);
            mem_free(&mem);
        }
        free(copy);
    }
}
END_TEST

Suite *
catalog_suite(void)
{
    Suite *suite = suite_create("catalog");
    TCase *tcase = tcase_create("catalog");
    tcase_add_test(tcase, errors_say_where_and_what);
    tcase_add_test(tcase, a_probe_is_read);
    tcase_add_test(tcase, conditions_choose_a_variant);
    tcase_add_test(tcase, damaged_catalogues_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
