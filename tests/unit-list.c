#include "command/list.h"

#include "catalog/pattern.h"
#include "unit-fixture.h"
#include "unit.h"

static const char catalogue[] = "provider quicly\n"
                                "probe lost args=1\n group g\n summary s\n arg 0 a u8\n"
                                "probe lost args=2\n group g\n summary s\n arg 0 a u8\n arg 1 b str len=2\n"
                                "probe gone args=1\n group g\n summary s\n arg 0 a u8\n"
                                "probe gone args=2\n group g\n summary s\n arg 0 b u8\n"
                                "probe both args=3\n group g\n summary s\n arg 0 first u8\n"
                                "probe both with=lost\n group g\n summary s\n arg 0 second u8\n"
                                "provider h2o\n"
                                "probe accept\n type connection\n group g\n summary s\n arg 0 a u64\n";

static struct usdt_probe server[] = {{.provider = "quicly", .name = "lost", .nargs = 2},
                                     {.provider = "quicly", .name = "both", .nargs = 3},
                                     {.provider = "h2o", .name = "accept", .nargs = 1},
                                     {.provider = "h2o", .name = "fresh", .nargs = 7},
                                     {.provider = "libc", .name = "setjmp", .nargs = 3}};

static struct fixture fixture;

static struct select everything;

static void
set_up(void)
{
    ck_assert_int_eq(fixture_catalog(&fixture, catalogue), 0);
}

static void
tear_down(void)
{
    fixture_free(&fixture);
}

START_TEST(the_catalogue_is_listed_whole)
{
    struct outbuf out = {0};
    list_write(&out, &(struct list){&fixture.catalog, NULL, &everything, false});
    fixture_equal(&out, "quicly:lost                      a u8\n"
                        "quicly:lost                      a u8, b str\n"
                        "quicly:gone                      a u8\n"
                        "quicly:gone                      b u8\n"
                        "quicly:both                      first u8\n"
                        "quicly:both                      second u8\n"
                        "h2o:accept                       a u64\n");
    text_free(&out);
}
END_TEST

START_TEST(a_process_has_one_line_a_probe)
{
    struct target target = {.pid = 1, .probes = {server, sizeof(server) / sizeof(server[0])}};
    struct outbuf out = {0};
    list_write(&out, &(struct list){&fixture.catalog, &target, &everything, false});
    fixture_equal(&out, "+ quicly:lost                      a u8, b str\n"
                        "- quicly:gone                      a u8\n"
                        "+ quicly:both                      first u8\n"
                        "+ h2o:accept                       a u64\n"
                        "? h2o:fresh                        7 arguments, not in the catalogue\n");
    text_free(&out);
}
END_TEST

/* O1: quic, -t and -f json were ignored. */
START_TEST(o1_a_mode_and_patterns_choose_from_the_list)
{
    static const char *const patterns[] = {"h2o:*", "gone", "nosuch"};
    bool was_used[3] = {false};
    struct target target = {.pid = 1, .probes = {server, sizeof(server) / sizeof(server[0])}};
    struct select some = {.mode = NULL, .patterns = patterns, .npatterns = 3, .filter = NULL, .was_used = was_used},
                  mode = {.mode = "other"};
    struct outbuf out = {0};
    list_write(&out, &(struct list){&fixture.catalog, &target, &some, false});
    fixture_equal(&out, "- quicly:gone                      a u8\n"
                        "+ h2o:accept                       a u64\n"
                        "? h2o:fresh                        7 arguments, not in the catalogue\n");
    ck_assert_str_eq(select_unused(&some), "nosuch");
    out.len = 0;
    list_write(&out, &(struct list){&fixture.catalog, &target, &mode, false});
    ck_assert_uint_eq(out.len, 0);
    text_free(&out);
}
END_TEST

START_TEST(o1_a_list_as_objects)
{
    static const char *const patterns[] = {"lost", "gone", "fresh"};
    bool was_used[3] = {false};
    struct target target = {.pid = 1, .probes = {server, sizeof(server) / sizeof(server[0])}};
    struct select some = {.mode = NULL, .patterns = patterns, .npatterns = 3, .filter = NULL, .was_used = was_used},
                  event = {.patterns = (const char *const[]){"connection"}, .npatterns = 1, .was_used = was_used};
    struct outbuf out = {0};
    list_write(&out, &(struct list){&fixture.catalog, &target, &some, true});
    list_write(&out, &(struct list){&fixture.catalog, NULL, &event, true});
    fixture_equal(
        &out,
        "{\"provider\": \"quicly\", \"probe\": \"lost\", \"event\": \"lost\", \"tag\": \"lost\", \"mode\": \"g\", \"fields\": "
        "[{\"name\": \"a\", \"type\": \"u8\"}, {\"name\": \"b\", \"type\": \"str\"}], \"is_there\": true}\n"
        "{\"provider\": \"quicly\", \"probe\": \"gone\", \"event\": \"gone\", \"tag\": \"gone\", \"mode\": \"g\", \"fields\": "
        "[{\"name\": \"a\", \"type\": \"u8\"}], \"is_there\": false}\n"
        "{\"provider\": \"h2o\", \"probe\": \"fresh\", \"arguments\": 7, \"is_there\": true}\n"
        "{\"provider\": \"h2o\", \"probe\": \"accept\", \"event\": \"connection\", \"tag\": \"connection\", \"mode\": \"g\", "
        "\"fields\": [{\"name\": \"a\", \"type\": \"u64\"}]}\n");
    text_free(&out);
}
END_TEST

START_TEST(a_pattern_names_a_probe_or_an_event)
{
    static const struct {
        const char *pattern;
        bool fits, is_literal;
    } rows[] = {
        {"accept", true, true},         {"connection", true, true}, {"h2o:accept", true, true}, {"h2o:connection", true, true},
        {"acc*", true, false},          {"conn*", true, false},     {"h?o:acc*", true, false},  {"*:conn*", true, false},
        {"[ab]ccept", true, false},     {"*", true, false},         {"accep", false, true},     {"Accept", false, true},
        {"quicly:accept", false, true}, {"h2o:", false, true},      {"h2o", false, true},       {"", false, true},
        {"accept ", false, true},       {"*:q*", false, false},     {"[", false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool fits = pattern_fits(rows[i].pattern, "h2o", "accept", "connection");
        ck_assert_msg(fits == rows[i].fits, "%s", rows[i].pattern);
        ck_assert_msg(pattern_is_literal(rows[i].pattern) == rows[i].is_literal, "%s", rows[i].pattern);
    }
}
END_TEST

Suite *
list_suite(void)
{
    Suite *suite = suite_create("list");
    TCase *tcase = tcase_create("list");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_catalogue_is_listed_whole);
    tcase_add_test(tcase, a_process_has_one_line_a_probe);
    tcase_add_test(tcase, o1_a_mode_and_patterns_choose_from_the_list);
    tcase_add_test(tcase, o1_a_list_as_objects);
    tcase_add_test(tcase, a_pattern_names_a_probe_or_an_event);
    suite_add_tcase(suite, tcase);
    return suite;
}
