#include "host/input.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct open_input input = {"--x", "a directory with *.probes files", OPEN_DIRECTORY, .is_believed = true};

static struct mem mem;
static struct diag diag;
static char dir[] = "/tmp/unit-input-XXXXXX";

static const char *
path_of(const char *name)
{
    return mem_printf(&mem, "%s/%s", dir, name);
}

static void
write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static void
set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
tear_down(void)
{
    static const char *const names[] = {"b.probes", "a.probes", ".c.probes", "a.bt", "probes", "sub.probes"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(path_of(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
    mem_free(&mem);
}

START_TEST(a_directory_gives_its_files_sorted)
{
    struct files files;
    write_file("b.probes", "bb");
    write_file("a.probes", "");
    write_file(".c.probes", "hidden");
    write_file("a.bt", "other");
    write_file("probes", "no suffix");
    ck_assert_msg(input_read_directory(&files, &input, dir, ".probes", &mem, &diag) == 0, "%s", diag.message);
    ck_assert_uint_eq(files.count, 2);
    ck_assert_str_eq(files.items[0].name, path_of("a.probes"));
    ck_assert_str_eq(files.items[1].name, path_of("b.probes"));
    ck_assert_uint_eq(files.items[0].text.len, 0);
    ck_assert(text_is(files.items[1].text, "bb"));
    ck_assert_ptr_eq(files_find(&files, "b.probes"), &files.items[1]);
    ck_assert_ptr_null(files_find(&files, ".probes"));
    ck_assert_ptr_null(files_find(&files, "a.bt"));
}
END_TEST

static void
check_error(const char *directory, const char *path, const char *reason)
{
    struct files files;
    diag = (struct diag){0};
    ck_assert_int_eq(input_read_directory(&files, &input, directory, ".probes", &mem, &diag), -1);
    ck_assert_str_eq(diag.message, mem_printf(&mem, "--x: %s: %s; expected a directory with *.probes files", path, reason));
    ck_assert_int_eq(diag.status, DIAG_USAGE);
}

START_TEST(what_cannot_be_loaded_is_explained)
{
    check_error("/nonexistent/dir", "/nonexistent/dir", "No such file or directory");
    check_error("/dev/null", "/dev/null", "it is a device");
    check_error(dir, dir, "it has none");
    ck_assert_int_eq(mkdir(path_of("sub.probes"), 0700), 0);
    check_error(dir, path_of("sub.probes"), "it is a directory");
    rmdir(path_of("sub.probes"));
    ck_assert_int_eq(mkfifo(path_of("sub.probes"), 0600), 0);
    check_error(dir, path_of("sub.probes"), "it is a FIFO");
}
END_TEST

/* Others may own one file of a directory that they do not own. */
START_TEST(each_file_is_judged)
{
    struct files files;
    if (geteuid() != 0)
        return;
    write_file("a.probes", "a");
    write_file("b.probes", "b");
    ck_assert_int_eq(chown(path_of("b.probes"), 65534, 65534), 0);
    ck_assert_int_eq(input_read_directory(&files, &input, dir, ".probes", &mem, &diag), -1);
    const char *start = mem_printf(&mem, "--x: others than root can change %s, which", path_of("b.probes"));
    ck_assert_msg(text_starts_with(text_of(diag.message), start), "%s", diag.message);
}
END_TEST

Suite *
input_suite(void)
{
    Suite *suite = suite_create("input");
    TCase *tcase = tcase_create("input");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_directory_gives_its_files_sorted);
    tcase_add_test(tcase, what_cannot_be_loaded_is_explained);
    tcase_add_test(tcase, each_file_is_judged);
    suite_add_tcase(suite, tcase);
    return suite;
}
