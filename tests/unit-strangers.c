/* What others have made: files without bounds, answers of a process that they may have taken over, processes that map too much.
 */

#include "base/clock.h"
#include "host/elf_reader.h"
#include "host/find.h"
#include "host/process.h"
#include "host/sandbox.h"
#include "run/launch.h"
#include "unit-elf.h"
#include "unit-fixture.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;
static struct usdt_probes probes;
static struct outbuf notes, file;

static void
set_up(void)
{
    probes = (struct usdt_probes){0};
    diag = (struct diag){0};
    notes.len = file.len = 0;
}

static void
tear_down(void)
{
    text_free(&notes);
    text_free(&file);
    notes = file = (struct outbuf){0};
    mem_free(&mem);
}

/* A file with the bytes, and a hole behind them up to `size`. */
static int
open_bytes(const struct outbuf *bytes, uint64_t size)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);
    ck_assert(fd >= 0 && write(fd, bytes->ptr, bytes->len) == (ssize_t)bytes->len);
    ck_assert(size <= bytes->len || ftruncate(fd, (off_t)size) == 0);
    return fd;
}

/* Reads `file` with a hole behind it. NULL: it must be read. */
static void
check_file(uint64_t size, const char *message)
{
    int fd = open_bytes(&file, size);
    int status = usdt_read(&probes, fd, &mem, &diag);
    close(fd);
    ck_assert_msg(status == (message != NULL ? -1 : 0), "%s", diag.message);
    if (message != NULL)
        ck_assert_str_eq(diag.message, message);
}

static void
check_notes(const char *message)
{
    elf_make(&file, &notes);
    check_file(0, message);
}

/* ---- R5: bounds. */

START_TEST(r5_sites_of_a_probe_are_bounded)
{
    for (int i = 0; i < 256; i++)
        elf_put_probe(&notes, "e", "8@%rdi");
    check_notes(NULL);
    ck_assert_uint_eq(probes.items[0].nsites, 256);
    set_up();
    for (int i = 0; i < 257; i++)
        elf_put_probe(&notes, "e", "8@%rdi");
    check_notes("h2o:e has more than 256 probe sites; h2olog reads at most 256");
}
END_TEST

/* So many probes, with so many sites each. */
static void
put_probes(int count, int sites)
{
    set_up();
    for (int i = 0; i < count * sites; i++)
        elf_put_probe(&notes, mem_printf(&mem, "e%d", i % count), "8@%rdi");
}

START_TEST(r5_probes_and_sites_in_all_are_bounded)
{
    put_probes(1024, 16);
    check_notes(NULL);
    ck_assert(probes.count == 1024 && probes.nsites == 16384 && probes.items[1023].nsites == 16);
    put_probes(1025, 1);
    check_notes("it has more than 1024 probes; h2olog reads at most 1024");
    put_probes(1000, 17);
    check_notes("it has more than 16384 probe sites; h2olog reads at most 16384");
}
END_TEST

/* It was read into memory whole. */
START_TEST(r5_a_section_that_is_a_hole_of_3_gb)
{
    static const char too_much[] = "it has more than 16777216 bytes in .note.stapsdt; h2olog reads at most 16777216";
    elf_put_probe(&notes, "e", "8@%rdi");
    elf_make(&file, &notes);
    elf_section(&file, 1)->sh_size = (uint64_t)3 << 30;
    check_file((uint64_t)3 << 30, too_much);
    elf_section(&file, 1)->sh_size = UINT64_MAX;
    check_file((uint64_t)3 << 30, too_much);
    elf_section(&file, 1)->sh_size = 16 << 20;
    check_file((uint64_t)3 << 30, NULL);
    ck_assert_uint_eq(probes.count, 1);
}
END_TEST

START_TEST(r5_other_parts_of_a_file_are_bounded)
{
    elf_make(&file, &notes);
    elf_section(&file, 2)->sh_size = (uint64_t)3 << 30;
    check_file((uint64_t)4 << 30, "it has more than 1048576 bytes of section names; h2olog reads at most 1048576");
    set_up();
    elf_make(&file, &notes);
    ((Elf64_Ehdr *)(void *)file.ptr)->e_phnum = 129;
    check_file((uint64_t)1 << 20, "it has more than 128 program headers; h2olog reads at most 128");
}
END_TEST

START_TEST(r5_names_and_operands_are_bounded)
{
    char name[129], args[300] = "8@%rdi 4@";
    memset(name, 'e', sizeof(name) - 1);
    name[128] = '\0';
    memset(args + strlen(args), 'x', 200);
    elf_put_probe(&notes, name, "8@%rdi");
    elf_put_probe(&notes, "long", args);
    elf_put_probe(&notes, "odd", "8@\t 4@\n 8@\xff 8@%rdi");
    check_notes(NULL);
    ck_assert_uint_eq(probes.count, 2);
    ck_assert(probes.items[0].nargs == 2 && probes.items[0].sites[0].operands[1].len == 0 && probes.items[0].args[1].size == 4);
    ck_assert(probes.items[1].nargs == 4 && probes.items[1].sites[0].operands[2].len == 0);
    ck_assert(text_is(probes.items[1].sites[0].operands[3], "8@%rdi"));
}
END_TEST

/* ---- R5: what is parsed without rights says the same. */

static int64_t
soon(void)
{
    return clock_ms() + 10000;
}

START_TEST(r5_a_file_is_read_by_a_process_without_rights)
{
    struct usdt_probes directly = {0};
    int fd = open(fixture_server_path(), O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert(elf_reader_may_have_notes(fd));
    ck_assert_int_eq(usdt_read(&directly, fd, &mem, &diag), 0);
    const struct sandbox_file server_file = {.fd = fd};
    ck_assert_msg(elf_reader_probes(&probes, &server_file, "FILE", soon(), NULL, &mem, &diag) == 0, "%s", diag.message);
    close(fd);
    ck_assert_uint_eq(probes.count, 135);
    ck_assert_uint_eq(probes.nsites, directly.nsites);
    usdt_write_sites(&notes, &directly);
    usdt_write_sites(&file, &probes);
    text_putc(&notes, '\0');
    fixture_equal(&file, notes.ptr);
    for (size_t i = 0; i < probes.count; i++)
        ck_assert(strcmp(probes.items[i].object, "FILE") == 0 && probes.items[i].machine == directly.items[0].machine);
}
END_TEST

START_TEST(r5_an_error_of_a_file_has_its_name)
{
    for (int i = 0; i < 257; i++)
        elf_put_probe(&notes, "e", "8@%rdi");
    elf_make(&file, &notes);
    int fd = open_bytes(&file, 0);
    const struct sandbox_file bad = {.fd = fd};
    ck_assert_int_eq(elf_reader_probes(&probes, &bad, "a\nb", soon(), NULL, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "a\\x0ab: h2o:e has more than 256 probe sites; h2olog reads at most 256");
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_int_eq(elf_reader_probes(&probes, &bad, "FILE", clock_ms() - 1, NULL, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "FILE: it takes too long to read");
    close(fd);
}
END_TEST

/* Only these are worth a process. */
START_TEST(r5_files_without_notes_are_known_at_once)
{
    elf_put_probe(&notes, "e", "8@%rdi");
    elf_make(&file, &notes);
    int fd = open_bytes(&file, 0);
    ck_assert(elf_reader_may_have_notes(fd));
    close(fd);
    Elf64_Ehdr *head = (Elf64_Ehdr *)(void *)file.ptr;
    static const struct {
        uint16_t sections, names;
    } rows[] = {{3, 1}, {0, 0}, {3, SHN_XINDEX}, {2, 2}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        head->e_shnum = rows[i].sections, head->e_shstrndx = rows[i].names;
        fd = open_bytes(&file, 0);
        ck_assert_msg(!elf_reader_may_have_notes(fd), "row %zu", i);
        close(fd);
    }
    file.len = 100;
    fd = open_bytes(&file, 0);
    ck_assert(!elf_reader_may_have_notes(fd));
    close(fd);
}
END_TEST

START_TEST(r5_answers_that_are_hostile)
{
    static const char *const rows[][2] = {
        {"x", "not a probe: \"x\"; expected PROVIDER NAME SIZE..."},
        {"machine=65536", "not a probe: \"machine=65536\"; expected the number of a machine"},
        {"@1", "not a probe: \"@1\"; expected a site of the probe before, @OFFSET and an operand for each argument"},
        {"p e 8\n@x\ta",
         "not a probe: \"@x\\x09a\"; expected a site of the probe before, @OFFSET and an operand for each argument"},
        {"p e 8\n@1\ta\tb",
         "not a probe: \"@1\\x09a\\x09b\"; expected a site of the probe before, @OFFSET and an operand for each "
         "argument"},
        {"p e 8\n@1\t\x1b",
         "not a probe: \"@1\\x09\\x1b\"; expected a site of the probe before, @OFFSET and an operand for each "
         "argument"},
        {"p e 8\np f\n@1", "not a probe: \"e\"; expected a site of it"},
        {"p e 8 8 8 8 8 8 8 8 8 8 8 8 8", "not a probe: \"p e 8 8 8 8 8 8 8 8 8 8 8 8 8\"; expected PROVIDER NAME SIZE..."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(usdt_read_sites(&probes, text_of(rows[i][0]), &mem, &diag) == -1, "row %zu", i);
        ck_assert_str_eq(diag.message, rows[i][1]);
    }
    text_puts(&file, "p e\n");
    for (int i = 0; i < 257; i++)
        text_puts(&file, "@1\n");
    ck_assert_int_eq(usdt_read_sites(&probes, (struct slice){file.ptr, file.len}, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "p:e has more than 256 probe sites; h2olog reads at most 256");
}
END_TEST

/* ---- R5: the process without rights. */

static void
try_everything(int fd, const void *context, struct outbuf *answer)
{
    const char *path = context;
    char text[5] = "";
    text_printf(answer, "%s", pread(fd, text, 4, 0) == 4 ? text : "nothing");
    text_printf(answer, " user %d", geteuid() == 0 ? 0 : geteuid() == 65534 ? 65534 : 1);
    text_printf(answer, " open %d", open(path, O_RDONLY) < 0 ? errno : 0);
    text_printf(answer, " socket %d", socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0);
    for (int other = 2; other < 64; other++)
        text_puts(answer, fcntl(other, F_GETFD) >= 0 ? " another" : "");
    text_printf(answer, " %d %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE));
}

START_TEST(r5_the_reader_has_no_rights_and_one_file)
{
    text_puts(&notes, "text");
    int fd = open_bytes(&notes, 0);
    ck_assert_msg(sandbox_run(&(struct sandbox_file){.fd = fd}, try_everything, "/dev/null", soon(), &file, &diag) == 0, "%s",
                  diag.message);
    fixture_equal(&file, mem_printf(&mem, "text user %d open %d socket %d 1 0", geteuid() == 0 ? 65534 : 1, EMFILE, EMFILE));
    close(fd);
}
END_TEST

static void
never_end(int fd, const void *context, struct outbuf *answer)
{
    (void)fd, (void)context, (void)answer;
    for (;;)
        pause();
}

static void
answer_much(int fd, const void *context, struct outbuf *answer)
{
    (void)fd, (void)context;
    memset(text_reserve(answer, SANDBOX_MAX_ANSWER + 1), 'x', SANDBOX_MAX_ANSWER + 1);
    answer->len = SANDBOX_MAX_ANSWER + 1;
}

static void
crash(int fd, const void *context, struct outbuf *answer)
{
    (void)fd, (void)context, (void)answer;
    raise(SIGKILL);
}

START_TEST(r5_a_reader_that_does_not_answer)
{
    static const struct {
        sandbox_work *work;
        int ms;
        const char *message;
    } rows[] = {
        {never_end, 100, "it takes too long to read"},
        {answer_much, 60000, "what is read of it has more than 4194304 bytes"},
        {crash, 60000, "the process that reads it was killed by signal 9 (Killed)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(
            sandbox_run(&(struct sandbox_file){.fd = STDIN_FILENO}, rows[i].work, NULL, clock_ms() + rows[i].ms, &file, &diag),
            -1);
        ck_assert_str_eq(diag.message, rows[i].message);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* it is gone, and nobody needs to wait for it */
    }
}
END_TEST

/* ---- R5: processes of others. */

/* Starts a program that sleeps and has the notes, in a section of `size` bytes, as nobody. */
static pid_t
start_stranger(uint64_t size)
{
    char dir[] = "/tmp/unit-strangers-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0755), 0);
    const char *path = mem_printf(&mem, "%s/stranger", dir);
    ck_assert(elf_copy_with_notes("/bin/sleep", path, &notes, size));
    pid_t pid = fixture_stranger(path, FIXTURE_NOBODY);
    remove(path);
    rmdir(dir);
    return pid;
}

static long
peak_kib(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return usage.ru_maxrss;
}

/* h2olog without -p passes the process over in no time, and with -p says why. Other servers may run here. */
static void
check_stranger(uint64_t size, const char *message)
{
    struct target target;
    pid_t stranger = start_stranger(size), found;
    int64_t begin = clock_ms();
    long before = peak_kib(RUSAGE_SELF);
    find_server(&found, &mem, &diag);
    ck_assert(strstr(diag.message, mem_printf(&mem, "\n  %d  ", stranger)) == NULL);
    ck_assert_int_eq(target_open(&target, stranger, &mem, &diag), -1);
    ck_assert_msg(strstr(diag.message, message) != NULL, "%s", diag.message);
    target_close(&target);
    ck_assert_int_lt(clock_ms() - begin, 15000);
    ck_assert_int_lt(peak_kib(RUSAGE_SELF) - before, 50000);
    ck_assert_int_lt(peak_kib(RUSAGE_CHILDREN), 200000);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
}

START_TEST(r5_a_stranger_with_60000_notes)
{
    for (int i = 0; i < 60000; i++)
        elf_put_probe(&notes, mem_printf(&mem, "e%d", i), "8@%rdi -4@%eax");
    check_stranger(notes.len, "/stranger (deleted): it has more than 1024 probes; h2olog reads at most 1024");
}
END_TEST

START_TEST(r5_a_stranger_with_a_hole_of_3_gb)
{
    elf_put_probe(&notes, "e", "8@%rdi");
    check_stranger((uint64_t)3 << 30, "it has more than 16777216 bytes in .note.stapsdt; h2olog reads at most 16777216");
}
END_TEST

/* One that has taken another name must be found as before. */
START_TEST(r5_a_renamed_h2o_is_found)
{
    pid_t found = 0;
    elf_put_probe(&notes, "e", "8@%rdi");
    pid_t stranger = start_stranger(notes.len);
    int status = find_server(&found, &mem, &diag);
    bool is_listed = strstr(diag.message, mem_printf(&mem, "\n  %d  ", stranger)) != NULL;
    ck_assert_msg((status == 0 && found == stranger) || is_listed || strstr(diag.message, "\n  ...") != NULL, "%s",
                  diag.message);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
}
END_TEST

/* ---- R1: a bounded touch. */

static int
count_mappings(pid_t pid)
{
    struct process_maps maps;
    struct process_mapping mapping;
    int count = 0;
    bool is_open = process_maps_open(&maps, pid, soon(), &diag) == 0;
    while (is_open && process_maps_next(&maps, &mapping))
        count += mapping.end - mapping.start == (uint64_t)1 << 40;
    process_maps_close(&maps);
    return count;
}

START_TEST(r1_a_server_that_maps_120_tb_is_touched_in_no_time)
{
    static const char script[] = "map 120\n";
    struct target target;
    const char *server = fixture_server_path();
    struct stat status;
    int pipe;
    ck_assert_int_eq(stat(server, &status), 0);
    pid_t pid = fixture_server(server, server, &pipe);
    ck_assert_int_eq((int)write(pipe, script, strlen(script)), (int)strlen(script));
    for (int i = 0; i < 1000 && count_mappings(pid) < 120; i++)
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    ck_assert_int_eq(count_mappings(pid), 120);
    ck_assert_msg(target_open(&target, pid, &mem, &diag) == 0, "%s", diag.message);
    size_t bytes = target_touch(&target); /* once by the many mappings, and once by the linker's */
    ck_assert_uint_ge(bytes, (size_t)status.st_size);
    ck_assert_uint_lt(bytes, 3 * (size_t)status.st_size);
    target_close(&target);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipe);
}
END_TEST

/* ---- R6: what is said of a server has bounds. */

/* Starts "bpftrace" for the process, for events of the catalogue below that the pattern chooses. 0 with the note, or -1. */
static int
start_service(pid_t pid, const char *pattern, struct outbuf *note)
{
    static const char catalogue[] = "provider h2o\nprobe h1_accept\n group http\n summary s\n arg 0 a u64\n";
    struct fixture fixture;
    struct files templates;
    struct child child;
    int server_fd = -1;
    ck_assert_int_eq(fixture_catalog(&fixture, catalogue), 0);
    bpftrace_parse_version(&fixture.bpftrace, text_of("bpftrace v0.17.0"), &diag);
    fixture.bpftrace.path = fixture.bpftrace.program = "/bin/true";
    templates = (struct files){0};
    files_load_builtin(&templates, "templates", ".bt", &mem);
    struct request request = {.group = "http", .patterns = &pattern, .npatterns = pattern != NULL, .transport = REQUEST_STREAM};
    const struct diag_log log = {.quiet = true};
    struct launch launch = {.request = &request,
                            .catalog = &fixture.catalog,
                            .templates = &templates,
                            .bpftrace = &fixture.bpftrace,
                            .command = "h2olog",
                            .log = &log};
    const struct keeper_services services = launch_services(&launch);
    int status = services.start(services.context, pid, false, &child, &server_fd, note, &diag);
    child_close(&server_fd);
    if (status == 0)
        child_wait(&child);
    launch_free(&launch);
    fixture_free(&fixture);
    return status;
}

START_TEST(r6_a_note_names_probes_of_the_catalogue_only)
{
    const char *server = fixture_server_path();
    int pipe;
    pid_t pid = fixture_server(server, server, &pipe);
    ck_assert_msg(start_service(pid, NULL, &file) == 0, "%s", diag.message);
    ck_assert(text_find((struct slice){file.ptr, file.len}, "\nh2o h1_accept ") != NULL);
    ck_assert(text_find((struct slice){file.ptr, file.len}, "\nquicly ") == NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipe);
}
END_TEST

START_TEST(r6_a_server_with_long_names_is_refused)
{
    const char *name = "a_probe_whose_name_is_so_long_that_a_thousand_of_them_make_a_list_which_nobody_takes_from_the_keeper_"
                       "%04d_12345678901234567";
    for (int i = 0; i < 1024; i++)
        elf_put_probe(&notes, i == 0 ? "h1_accept" : mem_printf(&mem, name, i), "8@%rdi");
    pid_t stranger = start_stranger(notes.len);
    ck_assert_int_eq(start_service(stranger, NULL, &file), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, "the list of its probes has "));
    ck_assert_ptr_nonnull(strstr(diag.message, " bytes; h2olog takes at most 131072"));
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
}
END_TEST

/* R5: a program of 1.8 MB came out. */
START_TEST(r5_a_program_is_bounded)
{
    static const char args[] =
        "8@%%rdi 8@%%rdi 8@%%rdi 8@%%rdi 8@%%rdi 8@%%rdi 8@%d(%%rsp) 8@%d(%%rsp) 8@%d(%%rsp) 8@%d(%%rsp)";
    uint64_t site = elf_entry("/bin/sleep");
    for (int i = 0; i < 9900; i++) /* for each bpftrace needs two files, and 20,000 may be all that there can be */
        elf_put_probe_at(&notes, mem_printf(&mem, "e%d", i % 500), mem_printf(&mem, args, i, i + 1, i + 2, i + 3), site);
    pid_t stranger = start_stranger(notes.len);
    ck_assert_int_eq(start_service(stranger, "h2o:e*", &file), -1);
    ck_assert_msg(strstr(diag.message, " bytes; bpftrace is given at most 1048576; -t chooses fewer events") != NULL, "%s",
                  diag.message);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
}
END_TEST

Suite *
strangers_suite(void)
{
    Suite *suite = suite_create("strangers");
    TCase *tcase = tcase_create("strangers");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, r5_sites_of_a_probe_are_bounded);
    tcase_add_test(tcase, r5_probes_and_sites_in_all_are_bounded);
    tcase_add_test(tcase, r5_a_section_that_is_a_hole_of_3_gb);
    tcase_add_test(tcase, r5_other_parts_of_a_file_are_bounded);
    tcase_add_test(tcase, r5_names_and_operands_are_bounded);
    tcase_add_test(tcase, r5_a_file_is_read_by_a_process_without_rights);
    tcase_add_test(tcase, r5_an_error_of_a_file_has_its_name);
    tcase_add_test(tcase, r5_files_without_notes_are_known_at_once);
    tcase_add_test(tcase, r5_answers_that_are_hostile);
    tcase_add_test(tcase, r5_the_reader_has_no_rights_and_one_file);
    tcase_add_test(tcase, r5_a_reader_that_does_not_answer);
    tcase_add_test(tcase, r5_a_stranger_with_60000_notes);
    tcase_add_test(tcase, r5_a_stranger_with_a_hole_of_3_gb);
    tcase_add_test(tcase, r5_a_renamed_h2o_is_found);
    tcase_add_test(tcase, r1_a_server_that_maps_120_tb_is_touched_in_no_time);
    tcase_add_test(tcase, r6_a_note_names_probes_of_the_catalogue_only);
    tcase_add_test(tcase, r6_a_server_with_long_names_is_refused);
    tcase_add_test(tcase, r5_a_program_is_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
