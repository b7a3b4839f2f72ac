#include "base/diag.h"

#include "base/no_memory.h"
#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct diag diag;

START_TEST(an_error_has_status_and_words)
{
    ck_assert_int_eq(diag_set(&diag, DIAG_MACHINE, "no %s for %d", "x", 3), -1);
    ck_assert_int_eq(diag.status, 4);
    ck_assert_str_eq(diag.message, "no x for 3");
}
END_TEST

START_TEST(an_error_in_a_file_has_its_position)
{
    ck_assert_int_eq(diag_at(&diag, (struct diag_pos){"f", 12, 9}, "unknown %s", "word"), -1);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
    ck_assert_str_eq(diag.message, "f:12:9: unknown word");
}
END_TEST

START_TEST(a_long_message_is_cut)
{
    char name[3000] = "";
    memset(name, 'n', sizeof(name) - 1);
    diag_set(&diag, DIAG_FAILED, "%s", name);
    ck_assert_uint_eq(strlen(diag.message), sizeof(diag.message) - 1);
    ck_assert_int_eq(diag_at(&diag, (struct diag_pos){name, 1, 1}, "%s", name), -1);
    ck_assert_uint_eq(strlen(diag.message), sizeof(diag.message) - 1);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
}
END_TEST

/* What `say` writes to stderr must be `expected`. */
static void
check_stderr(void (*say)(void), const char *expected)
{
    int kept = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);
    char said[8192];
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    say();
    dup2(kept, STDERR_FILENO);
    ssize_t len = pread(fd, said, sizeof(said) - 1, 0);
    ck_assert_int_ge((int)len, 0);
    said[len] = '\0';
    ck_assert_str_eq(said, expected);
    close(kept);
    close(fd);
}

static void
report(void)
{
    diag_set(&diag, DIAG_FAILED, "it failed");
    diag_report(&diag);
}

static void
note(void)
{
    diag_note(&(struct diag_log){0}, "%d events were lost", 3);
    diag_note(&(struct diag_log){.quiet = true}, "this is not said");
}

static void
debug(void)
{
    const struct diag_log log = {.debug = 2};
    diag_debug(&log, 1, "one");
    diag_debug(&log, 2, "two");
    diag_debug(&log, 3, "three");
}

START_TEST(whole_lines_go_to_stderr)
{
    check_stderr(report, "h2olog: it failed\n");
    check_stderr(note, "h2olog: 3 events were lost\n");
    check_stderr(debug, "h2olog: one\nh2olog: two\n");
}
END_TEST

START_TEST(a_quotation_is_escaped_and_cut)
{
    char buffer[8];
    memset(buffer, '?', sizeof(buffer));
    ck_assert_ptr_eq(diag_quote(buffer, sizeof(buffer), text_of("a\nb")), buffer);
    ck_assert_str_eq(buffer, "a\\x0ab");
    ck_assert_str_eq(diag_quote(buffer, sizeof(buffer), (struct slice){NULL, 0}), "");
    ck_assert_str_eq(diag_quote(buffer, sizeof(buffer), text_of("1234567")), "1234567");
    ck_assert_str_eq(diag_quote(buffer, sizeof(buffer), text_of("12345678")), "1234567");
    ck_assert_str_eq(diag_quote(buffer, 1, text_of("x")), "");
}
END_TEST

START_TEST(an_error_replaces_the_one_before)
{
    diag_set(&diag, DIAG_MACHINE, "a long message that came first");
    ck_assert_int_eq(diag_set(&diag, DIAG_NOTHING, "%s", ""), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_str_eq(diag.message, "");
    ck_assert_int_eq(diag_at(&diag, (struct diag_pos){"", 0, 0}, "%%"), -1);
    ck_assert_str_eq(diag.message, ":0:0: %");
}
END_TEST

static void
say_little(void)
{
    const struct diag_log silent = {0};
    diag_debug(&silent, 1, "not this");
    diag_debug(&silent, 0, "100%%");
}

START_TEST(without_debug_little_is_said)
{
    check_stderr(say_little, "h2olog: 100%\n");
}
END_TEST

/* A quotation of any bytes ends within its buffer and cannot drive a terminal. */
START_TEST(a_quotation_is_plain)
{
    uint32_t seed = 17;
    for (int round = 0; round < 2000; round++) {
        char input[24], buffer[33];
        size_t len = fixture_random(&seed) % sizeof(input), size = 1 + fixture_random(&seed) % 32;
        fixture_fill(input, len, NULL, &seed);
        memset(buffer, '?', sizeof(buffer));
        diag_quote(buffer, size, (struct slice){input, len});
        ck_assert_uint_lt(strnlen(buffer, size), size);
        ck_assert_int_eq(buffer[size], '?');
        for (const char *at = buffer; *at != '\0'; at++)
            ck_assert((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
}
END_TEST

START_TEST(a_quotation_ends_between_characters)
{
    char buffer[6];
    ck_assert_str_eq(diag_quote(buffer, 5, text_of("abc\xc3\xa9")), "abc");
    ck_assert_str_eq(diag_quote(buffer, 6, text_of("abc\xc3\xa9")), "abc\xc3\xa9");
    ck_assert_str_eq(diag_quote(buffer, 6, text_of("abc\n")), "abc");
    ck_assert_str_eq(diag_quote(buffer, 6, text_of("abcd\\")), "abcd");
}
END_TEST

START_TEST(the_name_of_a_file_is_escaped)
{
    struct diag diag;
    diag_at(&diag, (struct diag_pos){"a\033b", 1, 2}, "no");
    ck_assert_str_eq(diag.message, "a\\x1bb:1:2: no");
}
END_TEST

/* R13: it ended by abort(), without a word. */
START_TEST(the_end_of_memory_is_an_error)
{
    no_memory();
}
END_TEST

Suite *
diag_suite(void)
{
    Suite *suite = suite_create("diag");
    TCase *tcase = tcase_create("diag");
    tcase_add_test(tcase, an_error_has_status_and_words);
    tcase_add_test(tcase, an_error_in_a_file_has_its_position);
    tcase_add_test(tcase, a_long_message_is_cut);
    tcase_add_test(tcase, whole_lines_go_to_stderr);
    tcase_add_test(tcase, a_quotation_is_escaped_and_cut);
    tcase_add_test(tcase, an_error_replaces_the_one_before);
    tcase_add_test(tcase, without_debug_little_is_said);
    tcase_add_test(tcase, a_quotation_is_plain);
    tcase_add_test(tcase, a_quotation_ends_between_characters);
    tcase_add_test(tcase, the_name_of_a_file_is_escaped);
    tcase_add_test_raise_signal(tcase, the_end_of_memory_is_an_error, SIGABRT);
    suite_add_tcase(suite, tcase);
    return suite;
}
