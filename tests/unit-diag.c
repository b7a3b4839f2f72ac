#include "diag.h"

#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
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
    ck_assert_int_eq(diag_at(&diag, (struct diag_pos){name, 1, 1}, "%s", "word"), -1);
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
    diag_note("%d events were lost", 3);
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
    suite_add_tcase(suite, tcase);
    return suite;
}
