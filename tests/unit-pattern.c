#include "catalog/pattern.h"

#include "unit-fixture.h"
#include "unit.h"

#include <string.h>

static const char catalogue[] = "provider quicly\n"
                                "probe packet_sent args=4\n group quic\n summary s\n arg 0 a u8\n"
                                "probe packet_commit args=4\n type packet_sent\n group quic\n summary s\n now packet_sent\n"
                                " arg 0 a u8\n"
                                "probe stream_on_open\n group quic\n summary s\n arg 0 a u8\n"
                                "probe crypto_handshake\n group quic\n summary s\n arg 0 a u8\n"
                                "provider h2o\n"
                                "probe tunnel_create args=1\n group http\n summary s\n arg 0 a u8\n"
                                "probe tunnel_other\n type tunnel_x\n group http\n summary s\n arg 0 a u8\n"
                                "probe tunnel_create args=2\n group http\n summary s\n arg 0 a u8\n"
                                "probe h1_accept\n group http\n summary s\n arg 0 a u8\n"
                                "probe h1_close\n group http\n summary s\n arg 0 a u8\n"
                                "probe h2_close\n group http\n summary s\n arg 0 a u8\n"
                                "probe h3_close\n group http\n summary s\n arg 0 a u8\n"
                                "probe h4_close\n group http\n summary s\n arg 0 a u8\n";

static struct fixture fixture;

static void
set_up(void)
{
    ck_assert_msg(fixture_catalog(&fixture, catalogue) == 0, "%s", fixture.diag.message);
}

static void
tear_down(void)
{
    fixture_free(&fixture);
}

static void
check_explained(const char *pattern, const struct usdt_probes *probes, enum diag_status status, const char *message)
{
    fixture.diag = (struct diag){0};
    ck_assert_int_eq(pattern_explain(pattern, &fixture.catalog, probes, &fixture.diag), -1);
    ck_assert_str_eq(fixture.diag.message, message);
    ck_assert_int_eq(fixture.diag.status, status);
}

START_TEST(globs)
{
    static const struct {
        const char *pattern;
        bool fits;
    } rows[] = {
        {"packet_commit", true},
        {"packet_sent", true},
        {"quicly:packet_sent", true},
        {"quicly:packet_commit", true},
        {"packet_*", true},
        {"*", true},
        {"*:*", true},
        {"quicly:*", true},
        {"q*:*sent", true},
        {"packet_[cs]*", true},
        {"packet_com?it", true},
        {"[[:alpha:]]*", true},
        {"h2o:*", false},
        {"packet_", false},
        {"h2o:packet_commit", false},
        {"packet_com?mit", false},
        {"quicly", false},
        {"quicly:", false},
        {"quicly:packet_sentx", false},
        {":packet_sent", false},
        {"acket_sent", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(pattern_fits(rows[i].pattern, "quicly", "packet_commit", "packet_sent") == rows[i].fits, "%s",
                      rows[i].pattern);
}
END_TEST

START_TEST(what_is_literal)
{
    ck_assert(pattern_is_literal("accept") && pattern_is_literal("quicly:accept") && pattern_is_literal(""));
    ck_assert(!pattern_is_literal("*") && !pattern_is_literal("a?c") && !pattern_is_literal("[a]") &&
              !pattern_is_literal("a["));
}
END_TEST

START_TEST(a_near_name_is_offered)
{
    static const char *const rows[][2] = {
        {"packet_snet", "there is no event \"packet_snet\"; did you mean packet_sent?"},
        {"stream_on_opn", "there is no event \"stream_on_opn\"; did you mean stream_on_open?"},
        {"quicly:stream_open", "there is no event \"quicly:stream_open\"; did you mean stream_on_open?"},
        {"h_close", "there is no event \"h_close\"; did you mean h1_close, h2_close, h3_close?"},
        {"zzz", "there is no event \"zzz\"; h2olog --list shows all"},
        {"", "there is no event \"\"; h2olog --list shows all"},
        {"zzz*", "there is no event \"zzz*\"; h2olog --list shows all events"},
        {"tunnel_creat", "there is no event \"tunnel_creat\"; did you mean tunnel_create?"},
        {"a\033[31m", "there is no event \"a\\x1b[31m\"; h2olog --list shows all events"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_explained(rows[i][0], NULL, DIAG_USAGE, rows[i][1]);
}
END_TEST

START_TEST(a_long_name_has_no_near_one)
{
    static char name[3000];
    memset(name, 'n', sizeof(name) - 1);
    ck_assert_int_eq(pattern_explain(name, &fixture.catalog, NULL, &fixture.diag), -1);
    ck_assert_int_eq(fixture.diag.status, DIAG_USAGE);
    ck_assert_ptr_nonnull(strstr(fixture.diag.message, "\"; h2olog --list shows all"));
}
END_TEST

START_TEST(what_this_h2o_has_instead)
{
    struct usdt_probe newer[] = {{.provider = "quicly", .name = "packet_sent", .nargs = 4}};
    struct usdt_probe older[] = {{.provider = "quicly", .name = "packet_commit", .nargs = 4}};
    const struct usdt_probes has_newer = {.items = newer, .count = 1}, has_older = {.items = older, .count = 1};
    check_explained("packet_commit", &has_newer, DIAG_NOTHING, "packet_commit: this h2o has packet_sent instead");
    check_explained("quicly:packet_commit", &has_newer, DIAG_NOTHING, "quicly:packet_commit: this h2o has packet_sent instead");
    check_explained("packet_sent", &has_older, DIAG_NOTHING, "packet_sent: this h2o has packet_commit instead");
}
END_TEST

START_TEST(what_this_h2o_does_not_have)
{
    struct usdt_probe other[] = {{.provider = "h2o", .name = "packet_sent", .nargs = 4},
                                 {.provider = "quicly", .name = "packet_commit", .nargs = 3}};
    const struct usdt_probes probes = {.items = other, .count = 2}, none = {0};
    check_explained("h1_accept", &probes, DIAG_NOTHING,
                    "h1_accept: this h2o does not have it; h2olog --list -p PID shows what it has");
    check_explained("h1_accept", &none, DIAG_NOTHING,
                    "h1_accept: this h2o does not have it; h2olog --list -p PID shows what it has");
    /* a probe of another provider is none, and neither is one that no description fits */
    check_explained("packet_sent", &probes, DIAG_NOTHING,
                    "packet_sent: this h2o does not have it; h2olog --list -p PID shows what it has");
    check_explained("nosuch", &probes, DIAG_USAGE, "there is no event \"nosuch\"; h2olog --list shows all");
}
END_TEST

/* How often `name` stands in the list behind "did you mean ". */
static int
count_offers(const char *message, const char *name)
{
    const char *at = strstr(message, "; did you mean ");
    struct slice rest = text_of(at != NULL ? at + strlen("; did you mean ") : ""), word;
    int count = 0;
    while (text_word(&rest, &word)) {
        word.len -= word.ptr[word.len - 1] == ',' || word.ptr[word.len - 1] == '?';
        count += text_is(word, name);
    }
    return count;
}

START_TEST(every_built_in_name_is_found_by_a_near_one)
{
    struct mem mem = {0};
    struct diag diag = {0};
    struct files files;
    struct catalog catalog;
    files_load_builtin(&files, "probes", ".probes", &mem);
    ck_assert_msg(catalog_parse(&catalog, &files, &mem, &diag) == 0, "%s", diag.message);
    for (size_t i = 0; i < catalog.count; i++) {
        const char *wrong = mem_printf(&mem, "%sq", catalog.probes[i].type);
        ck_assert_int_eq(pattern_explain(wrong, &catalog, NULL, &diag), -1);
        ck_assert_msg(count_offers(diag.message, catalog.probes[i].type) == 1, "%s", diag.message);
    }
    mem_free(&mem);
}
END_TEST

Suite *
pattern_suite(void)
{
    Suite *suite = suite_create("pattern");
    TCase *tcase = tcase_create("pattern");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, globs);
    tcase_add_test(tcase, what_is_literal);
    tcase_add_test(tcase, a_near_name_is_offered);
    tcase_add_test(tcase, a_long_name_has_no_near_one);
    tcase_add_test(tcase, what_this_h2o_has_instead);
    tcase_add_test(tcase, what_this_h2o_does_not_have);
    tcase_add_test(tcase, every_built_in_name_is_found_by_a_near_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
