#include "base/files.h"

#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;
static char dir[] = "/tmp/unit-files-XXXXXX";

static const char *
path_of(const char *name)
{
    return mem_printf(&mem, "%s/%s", dir, name);
}

static void
write_file(const char *name, const char *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
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
    static const char *const names[] = {"b.probes", "a.probes", ".c.probes", "a.bt", "probes", "sub.probes", "large", "small"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(path_of(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
    memset(dir + sizeof(dir) - 7, 'X', 6);
    mem_free(&mem);
}

START_TEST(a_directory_gives_its_files_sorted)
{
    struct files files;
    write_file("b.probes", "bb", 2);
    write_file("a.probes", "", 0);
    write_file(".c.probes", "hidden", 6);
    write_file("a.bt", "other", 5);
    write_file("probes", "no suffix", 9);
    ck_assert_msg(files_load(&files, dir, "probes", ".probes", &mem, &diag) == 0, "%s", diag.message);
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

START_TEST(a_file_holds_any_bytes)
{
    static char bytes[10000];
    struct file file;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31);
    write_file("a.bt", bytes, sizeof(bytes));
    ck_assert_int_eq(files_read(&file, path_of("a.bt"), &mem, &diag), 0);
    ck_assert(text_equal(file.text, (struct slice){bytes, sizeof(bytes)}));
    ck_assert_str_eq(file.name, path_of("a.bt"));
}
END_TEST

static void
check_error(const char *where, const char *suffix, const char *expected)
{
    struct files files;
    diag = (struct diag){0};
    ck_assert_int_eq(files_load(&files, where, "probes", suffix, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, expected);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
}

START_TEST(what_cannot_be_loaded_is_explained)
{
    struct file file;
    check_error("/nonexistent/dir", ".bt",
                "/nonexistent/dir: No such file or directory; a directory with *.bt files was expected");
    check_error("/dev/null", ".bt", "/dev/null: Not a directory; a directory with *.bt files was expected");
    check_error(dir, ".probes", mem_printf(&mem, "%s: there is no *.probes file in this directory", dir));
    ck_assert_int_eq(mkdir(path_of("sub.probes"), 0700), 0);
    check_error(dir, ".probes", mem_printf(&mem, "%s/sub.probes: Is a directory", dir));
    ck_assert_int_eq(files_read(&file, "/nonexistent/x.d", &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "/nonexistent/x.d: No such file or directory");
    ck_assert_int_eq(diag.status, DIAG_USAGE);
}
END_TEST

/* Found by fuzz-replay: a process has 65,530 mappings, and each replay kept one. */
START_TEST(a_stream_is_read_piece_by_piece)
{
    enum { SIZE = 1000 * 1000 };
    static char bytes[SIZE];
    struct files_stream stream;
    struct slice text;
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 % 251);
    write_file("large", bytes, SIZE);
    ck_assert(files_open(&stream, path_of("large"), &diag) == 0);
    for (size_t at = 0, len = 1; at < SIZE; at += len, len = len * 3 + 1) {
        len = len < SIZE - at ? len : SIZE - at;
        ck_assert(files_ready(&stream, len, &text, &diag) == 0 && text.len >= len && stream.taken == at);
        ck_assert(memcmp(text.ptr, bytes + at, len) == 0);
        files_take(&stream, len);
    }
    ck_assert(files_ready(&stream, 1, &text, &diag) == 0 && text.len == 0 && stream.is_ended && stream.taken == SIZE);
    files_close(&stream);
}
END_TEST

START_TEST(a_stream_ends_before_more_is_ready)
{
    struct files_stream stream;
    struct slice text;
    write_file("small", "bytes", 5);
    ck_assert(files_open(&stream, path_of("small"), &diag) == 0);
    ck_assert(files_ready(&stream, 1000, &text, &diag) == 0 && text_is(text, "bytes"));
    files_close(&stream);
    ck_assert(files_open(&stream, "/nonexistent/x", &diag) == -1 && strstr(diag.message, "/nonexistent/x") != NULL);
    files_close(&stream);
}
END_TEST

START_TEST(built_in_files_are_those_of_the_kind)
{
    struct files probes, templates;
    ck_assert_int_eq(files_load(&probes, NULL, "probes", ".probes", &mem, &diag), 0);
    ck_assert_int_eq(files_load(&templates, NULL, "templates", ".bt", &mem, &diag), 0);
    ck_assert_uint_eq(probes.count, 3);
    ck_assert_uint_eq(probes.count + templates.count, files_builtin_count);
    ck_assert_ptr_nonnull(files_find(&probes, "quicly.probes"));
    ck_assert_ptr_null(files_find(&probes, "program.bt"));
    const struct file *program = files_find(&templates, "program.bt");
    ck_assert_ptr_nonnull(program);
    ck_assert_str_eq(program->name, "templates/program.bt");
    ck_assert_ptr_nonnull(memmem(program->text.ptr, program->text.len, "${probes}\n", 10));
}
END_TEST

/* The last part of a name is looked for, and all of it. */
START_TEST(names_are_whole_words)
{
    struct files files;
    struct mem scratch = {0};
    write_file("b.probes", "b", 1);
    ck_assert_int_eq(files_load(&files, dir, NULL, "b.probes", &scratch, &diag), 0);
    ck_assert_uint_eq(files.count, 1);
    ck_assert_ptr_nonnull(files_find(&files, "b.probes"));
    ck_assert_ptr_null(files_find(&files, "probes"));
    ck_assert_ptr_null(files_find(&files, ""));
    ck_assert_ptr_null(files_find(&files, "/b.probes"));
    mem_free(&scratch);
}
END_TEST

/* What is compiled in is text: whole lines, no NUL, no tab, ASCII only. */
START_TEST(built_in_files_are_plain_text)
{
    for (size_t i = 0; i < files_builtin_count; i++) {
        struct slice text = files_builtin[i].text;
        ck_assert_msg(text.len > 0 && text.ptr[text.len - 1] == '\n', "%s", files_builtin[i].name);
        for (size_t at = 0; at < text.len; at++)
            ck_assert_msg(text.ptr[at] == '\n' || (text.ptr[at] >= 0x20 && text.ptr[at] < 0x7f), "%s, byte %zu",
                          files_builtin[i].name, at);
    }
}
END_TEST

Suite *
files_suite(void)
{
    Suite *suite = suite_create("files");
    TCase *tcase = tcase_create("files");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_directory_gives_its_files_sorted);
    tcase_add_test(tcase, a_file_holds_any_bytes);
    tcase_add_test(tcase, what_cannot_be_loaded_is_explained);
    tcase_add_test(tcase, a_stream_is_read_piece_by_piece);
    tcase_add_test(tcase, a_stream_ends_before_more_is_ready);
    tcase_add_test(tcase, built_in_files_are_those_of_the_kind);
    tcase_add_test(tcase, names_are_whole_words);
    tcase_add_test(tcase, built_in_files_are_plain_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
