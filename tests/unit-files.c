#include "base/files.h"

#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
    static const char *const names[] = {"a.bt", "large", "small"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(path_of(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
    memset(dir + sizeof(dir) - 7, 'X', 6);
    mem_free(&mem);
}

START_TEST(a_file_holds_any_bytes)
{
    static char bytes[100000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31);
    write_file("a.bt", bytes, sizeof(bytes));
    struct file file = fixture_read(path_of("a.bt"), &mem);
    ck_assert(text_equal(file.text, (struct slice){bytes, sizeof(bytes)}));
    ck_assert_str_eq(file.name, path_of("a.bt"));
}
END_TEST

/* R4: /dev/zero ate all of the memory. */
START_TEST(an_endless_file_is_an_error)
{
    struct file file;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(files_read(&file, "z", fd, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "z: more than 16 MiB; nothing that h2olog reads as a whole is so long");
    ck_assert_int_eq(diag.status, DIAG_USAGE);
    close(fd);
    fd = memfd_create("file", MFD_CLOEXEC);
    ck_assert(ftruncate(fd, FILES_MOST) == 0 && files_read(&file, "z", fd, &mem, &diag) == 0);
    ck_assert_uint_eq(file.text.len, FILES_MOST);
    close(fd);
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
    files_begin(&stream, "large", open(path_of("large"), O_RDONLY | O_CLOEXEC));
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
    files_begin(&stream, "small", open(path_of("small"), O_RDONLY | O_CLOEXEC));
    ck_assert(files_ready(&stream, 1000, &text, &diag) == 0 && text_is(text, "bytes"));
    files_close(&stream);
}
END_TEST

/* It is open before anybody writes to it, and read(2) then says that it has ended. */
START_TEST(a_stream_waits_for_the_first_writer_of_a_fifo)
{
    struct files_stream stream;
    struct slice text;
    ck_assert_int_eq(mkfifo(path_of("small"), 0600), 0);
    int fd = open(path_of("small"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        poll(NULL, 0, 50); /* the reader most likely waits by now; if it does not the test is passed, too */
        int out = open(path_of("small"), O_WRONLY | O_CLOEXEC);
        _exit(write(out, "bytes", 5) == 5 ? 0 : 1);
    }
    files_begin(&stream, "small", fd);
    ck_assert(files_ready(&stream, 1000, &text, &diag) == 0 && text_is(text, "bytes") && stream.is_ended);
    files_close(&stream);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(built_in_files_are_those_of_the_kind)
{
    struct files probes, structures, templates;
    files_load_builtin(&probes, "probes", ".probes", &mem);
    files_load_builtin(&templates, "templates", ".bt", &mem);
    files_load_builtin(&structures, "probes", ".structures", &mem);
    ck_assert_uint_eq(probes.count, 3);
    ck_assert_uint_eq(structures.count, 1);
    ck_assert_uint_eq(probes.count + structures.count + templates.count, files_builtin_count);
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
    struct files files = {0};
    const struct file file = fixture_file("dir/b.probes", "b");
    files_add(&files, &file, &mem);
    ck_assert_uint_eq(files.count, 1);
    ck_assert_ptr_nonnull(files_find(&files, "b.probes"));
    ck_assert_ptr_null(files_find(&files, "probes"));
    ck_assert_ptr_null(files_find(&files, ""));
    ck_assert_ptr_null(files_find(&files, "/b.probes"));
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
    tcase_add_test(tcase, a_file_holds_any_bytes);
    tcase_add_test(tcase, an_endless_file_is_an_error);
    tcase_add_test(tcase, a_stream_is_read_piece_by_piece);
    tcase_add_test(tcase, a_stream_ends_before_more_is_ready);
    tcase_add_test(tcase, a_stream_waits_for_the_first_writer_of_a_fifo);
    tcase_add_test(tcase, built_in_files_are_those_of_the_kind);
    tcase_add_test(tcase, names_are_whole_words);
    tcase_add_test(tcase, built_in_files_are_plain_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
