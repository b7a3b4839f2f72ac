#include "host/usdt.h"

#include "host/target.h"
#include "unit-elf.h"
#include "unit-fixture.h"
#include "unit.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;

/* The path of the test server of an era: $SERVER and "-2020", "-2022" or "", which has the probes of today. */
static const char *
server_path(const char *era)
{
    return mem_printf(&mem, "%s%s", fixture_server_path(), era);
}

/* The bytes of a test server. */
static char *
read_server(const char *era, size_t *len)
{
    int fd = open(server_path(era), O_RDONLY | O_CLOEXEC);
    struct outbuf bytes = {0};
    ssize_t got;
    while (fd >= 0 && (got = read(fd, text_reserve(&bytes, 65536), 65536)) > 0)
        bytes.len += (size_t)got;
    if (fd >= 0)
        close(fd);
    *len = bytes.len;
    return bytes.ptr;
}

static int
read_bytes(struct usdt_probes *probes, const char *bytes, size_t len)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);
    *probes = (struct usdt_probes){0};
    diag = (struct diag){0};
    ck_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    int status = usdt_read(probes, fd, &mem, &diag);
    close(fd);
    return status;
}

/* Rows of the server's table. */
#define PROBE(...) +1
#define PROBE3(...) +1
enum {
    PROBES = 0
#include "server/probes-2026.def"
};

START_TEST(the_test_server_has_h2o_probes)
{
    size_t len;
    char *bytes = read_server("", &len);
    struct usdt_probes probes;
    ck_assert_msg(len > 0, "SERVER does not name the test server");
    ck_assert_msg(read_bytes(&probes, bytes, len) == 0, "%s", diag.message);
    ck_assert_uint_eq(probes.count, PROBES);
    const struct usdt_probe *request = usdt_find(&probes, "h2o", "receive_request");
    ck_assert_ptr_nonnull(request);
    ck_assert_int_eq(request->nargs, 3);
    ck_assert_int_eq((int)request->nsites, 3);
    ck_assert(request->args[0].size == 8 && !request->args[0].is_signed && request->args[2].size == 4 &&
              request->args[2].is_signed);
    ck_assert_int_eq(usdt_find(&probes, "h2o", "receive_request_header")->nargs, 6);
    ck_assert_int_eq(usdt_find(&probes, "h2o", "h3s_destroy")->nargs, 12);
    ck_assert_uint_gt(usdt_find(&probes, "h2o", "h3s_destroy")->sites[0].offset, 0);
    ck_assert_uint_gt(usdt_find(&probes, "h2o", "h3s_destroy")->sites[0].operands[11].len, 2);
    ck_assert(usdt_has_provider(&probes, "quicly") && usdt_has_provider(&probes, "picotls") &&
              !usdt_has_provider(&probes, "q"));
    ck_assert_ptr_null(usdt_find(&probes, "quicly", "receive_request"));
    free(bytes);
    mem_free(&mem);
}
END_TEST

/* A type word of tests/server/probes-*.def as a note writes it: size and sign. */
static struct usdt_arg
arg_of_word(struct slice word)
{
    static const struct {
        const char *word;
        struct usdt_arg arg;
    } rows[] = {
        {"ptr", {8, false}}, {"u64", {8, false}}, {"u32", {4, false}}, {"u16", {2, false}}, {"u8", {1, false}},
        {"i64", {8, true}},  {"i32", {4, true}},  {"i16", {2, true}},  {"i8", {1, true}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (text_is(word, rows[i].word))
            return rows[i].arg;
    ck_abort_msg("unknown type %.*s", (int)word.len, word.ptr);
    return (struct usdt_arg){0};
}

/* One row, PROBE(provider, name, count, types), in which blanks have taken the place of "(", "," and ")". */
static void
check_row(const struct usdt_probes *probes, struct slice row, size_t nsites)
{
    struct slice provider, name, count, word;
    uint64_t nargs;
    ck_assert(text_word(&row, &provider) && text_word(&row, &name) && text_word(&row, &count) &&
              text_number(count, 12, &nargs));
    const char *full = mem_strndup(&mem, name.ptr, name.len);
    const struct usdt_probe *probe = usdt_find(probes, mem_strndup(&mem, provider.ptr, provider.len), full);
    ck_assert_msg(probe != NULL, "%s is not there", full);
    ck_assert_msg((uint64_t)probe->nargs == nargs && probe->nsites == nsites, "%s: %d arguments, %zu sites", full, probe->nargs,
                  probe->nsites);
    for (int i = 0; text_word(&row, &word); i++) {
        struct usdt_arg expected = arg_of_word(word), arg = probe->args[i];
        bool is_same = arg.size == expected.size && arg.is_signed == expected.is_signed;
        ck_assert_msg(is_same, "%s, argument %d: %d %d", full, i, arg.size, arg.is_signed);
    }
    for (size_t i = 0; i < nsites; i++)
        ck_assert_msg(probe->sites[i].offset > 0, "%s has a site that is not in the file", full);
}

static size_t
check_rows(const struct usdt_probes *probes, struct slice text)
{
    struct slice line, word;
    size_t count = 0;
    while (text_line(&text, &line)) {
        char *row = mem_strndup(&mem, line.ptr, line.len);
        for (char *at = row; *at != '\0'; at++)
            *at = strchr("(),", *at) != NULL ? ' ' : *at;
        struct slice rest = text_of(row);
        if (!text_word(&rest, &word) || (!text_is(word, "PROBE") && !text_is(word, "PROBE3")))
            continue;
        check_row(probes, rest, text_is(word, "PROBE3") ? 3 : 1);
        count++;
    }
    return count;
}

START_TEST(every_era_has_the_probes_of_its_list)
{
    static const char *const eras[][2] = {{"-2020", "2020"}, {"-2022", "2022"}, {"", "2026"}};
    const char *top = getenv("top_srcdir");
    ck_assert_msg(top != NULL, "top_srcdir is not set");
    for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
        size_t len;
        char *bytes = read_server(eras[i][0], &len);
        struct usdt_probes probes;
        struct file list;
        const char *path = mem_printf(&mem, "%s/tests/server/probes-%s.def", top, eras[i][1]);
        list = fixture_read(path, &mem);
        ck_assert_msg(read_bytes(&probes, bytes, len) == 0, "%s", diag.message);
        size_t count = check_rows(&probes, list.text);
        ck_assert_uint_gt(count, 40);
        ck_assert_uint_eq(count, probes.count);
        free(bytes);
        mem_free(&mem);
    }
}
END_TEST

START_TEST(files_without_notes_have_no_probes)
{
    struct usdt_probes probes;
    ck_assert(read_bytes(&probes, "", 0) == 0 && probes.count == 0);
    ck_assert(read_bytes(&probes, "#!/bin/sh\n", 10) == 0 && probes.count == 0);
    ck_assert(read_bytes(&probes, "\177ELF", 4) == 0 && probes.count == 0);
}
END_TEST

/* Cut off anywhere, and with bytes of headers and notes changed: no harm, and an error has its words. */
START_TEST(hostile_files_do_no_harm)
{
    size_t len;
    char *bytes = read_server("", &len);
    struct usdt_probes probes;
    uint32_t seed = 11;
    ck_assert_uint_gt(len, 0);
    char *notes = memmem(bytes, len, "stapsdt", 8), *copy = malloc(len);
    ck_assert_ptr_nonnull(notes);
    for (int round = 0; round < 400; round++) {
        memcpy(copy, bytes, len);
        for (int change = 0; change < 1 + round % 8; change++) {
            size_t at = fixture_random(&seed) % 4096, from = round % 3 == 0   ? 0
                                                             : round % 3 == 1 ? (size_t)(notes - bytes) - 12
                                                                              : len - 4096;
            fixture_fill(copy + from + at, 1, round % 2 ? "\x01\x02\x04@%()[-8 \xff" : NULL, &seed);
        }
        int status = read_bytes(&probes, copy, round % 5 == 0 ? fixture_random(&seed) % len : len);
        ck_assert(status == 0 || (diag.message[0] != '\0' && diag.status == DIAG_NOTHING));
        mem_free(&mem);
    }
    free(copy);
    free(bytes);
}
END_TEST

START_TEST(processes_that_cannot_be_traced)
{
    struct target target;
    ck_assert_int_eq(target_open(&target, 4194304, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_ptr_nonnull(strstr(diag.message, "there is no process 4194304"));
    ck_assert_int_eq(target_open(&target, getpid(), &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_ptr_nonnull(strstr(diag.message, "has none of h2o's probes"));
    ck_assert_ptr_nonnull(strstr(diag.message, "-DWITH_DTRACE=on"));
    target_close(&target);
    mem_free(&mem);
}
END_TEST

/* The code at a site in the process must be that in the file. */
static void
check_site(const struct target *target, const struct usdt_probe *probe, size_t site)
{
    size_t len;
    char *bytes = read_server("", &len), code[16];
    uint64_t offset = probe->sites[site].offset, address = probe->sites[site].address;
    int memory = open(mem_printf(&mem, "/proc/%d/mem", target->pid), O_RDONLY | O_CLOEXEC);
    ck_assert_uint_gt(address, 0);
    ck_assert_int_eq((int)pread(memory, code, sizeof(code), (off_t)address), (int)sizeof(code));
    ck_assert(offset + sizeof(code) <= len && memcmp(code, bytes + offset, sizeof(code)) == 0);
    close(memory);
    free(bytes);
}

START_TEST(a_running_server_is_a_target)
{
    struct target target;
    int script;
    pid_t pid = fixture_server(server_path(""), server_path(""), &script);
    ck_assert_msg(target_open(&target, pid, &mem, &diag) == 0, "%s", diag.message);
    ck_assert_int_eq(target.pid, pid);
    ck_assert_int_ge(target.pidfd, 0);
    ck_assert(strstr(target.command, " --lifetime 30 --script -") != NULL);
    ck_assert(!target.by_path);
    ck_assert(usdt_has_provider(&target.probes, "h2o") && usdt_has_provider(&target.probes, "picotls"));
    const struct usdt_probe *probe = usdt_find(&target.probes, "h2o", "receive_request");
    ck_assert_ptr_nonnull(probe);
    for (size_t i = 0; i < probe->nsites; i++)
        check_site(&target, probe, i);
    ck_assert_uint_gt(target_touch(&target), 4095);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_uint_eq(target_touch(&target), 0);
    target_close(&target);
    ck_assert_int_eq(target.pidfd, -1);
    close(script);
    mem_free(&mem);
}
END_TEST

START_TEST(a_process_that_has_ended_is_no_target)
{
    struct target target;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT); /* a zombie now */
    ck_assert_int_eq(target_open(&target, pid, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    target_close(&target);
    waitpid(pid, NULL, 0);
    mem_free(&mem);
}
END_TEST

static int
read_note(struct usdt_probes *probes, const char *owner, uint32_t type, const char *strings, size_t len)
{
    struct outbuf notes = {0}, file = {0};
    elf_put_note(&notes, owner, type, 0x1010, strings, len);
    elf_make(&file, &notes);
    int status = read_bytes(probes, file.ptr, file.len);
    text_free(&notes);
    text_free(&file);
    return status;
}

START_TEST(operands_of_every_form)
{
    static const char strings[] = "p\0e\0 -1@%al  2@$-5 -4@8(%rsp,%rax,8) 8@[sp, 16] 8@a(%rip) -8@x0 1@(  )";
    static const struct {
        struct usdt_arg arg;
        const char *operand;
    } expected[] = {{{1, true}, "-1@%al"},      {{2, false}, "2@$-5"},     {{4, true}, "-4@8(%rsp,%rax,8)"},
                    {{8, false}, "8@[sp, 16]"}, {{8, false}, "8@a(%rip)"}, {{8, true}, "-8@x0"},
                    {{1, false}, "1@(  )"}};
    struct usdt_probes probes;
    ck_assert_msg(read_note(&probes, "stapsdt", 3, strings, sizeof(strings)) == 0, "%s", diag.message);
    ck_assert_uint_eq(probes.count, 1);
    const struct usdt_probe *probe = usdt_find(&probes, "p", "e");
    ck_assert_ptr_nonnull(probe);
    ck_assert_int_eq(probe->nargs, 7);
    ck_assert_int_eq(probe->machine, EM_X86_64);
    ck_assert_uint_eq(probe->nsites, 1);
    ck_assert_uint_eq(probe->sites[0].offset, 0x210);
    for (int i = 0; i < 7; i++) {
        ck_assert(probe->args[i].size == expected[i].arg.size && probe->args[i].is_signed == expected[i].arg.is_signed);
        ck_assert_msg(text_is(probe->sites[0].operands[i], expected[i].operand), "%d", i);
    }
    mem_free(&mem);
}
END_TEST

/* One such note in any library of the server must not keep h2o's probes from being traced. */
START_TEST(arguments_that_are_no_integers)
{
    static const char *const args[] = {"%rax", "3@%rax", "16@%rax", "@%rax", "-@%rax", "8f@%xmm0", "x"};
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        struct usdt_probes probes;
        struct outbuf strings = {0};
        text_put(&strings, (struct slice){"p\0e\0", 4});
        text_printf(&strings, "-4@%%eax %s", args[i]);
        text_putc(&strings, '\0');
        ck_assert_msg(read_note(&probes, "stapsdt", 3, strings.ptr, strings.len) == 0, "%s", diag.message);
        ck_assert_uint_eq(probes.count, 1);
        ck_assert_int_eq(probes.items[0].nargs, 2);
        ck_assert_int_eq(probes.items[0].args[0].size, 4);
        ck_assert_int_eq(probes.items[0].args[1].size, -1);
        text_free(&strings);
        mem_free(&mem);
    }
}
END_TEST

START_TEST(a_list_of_probes_is_read_back)
{
    static const char list[] = "quicly packet_lost 8 -8 8 1\nh2o h1_close 8\np none\np odd 0 -4\n";
    struct usdt_probes probes;
    struct outbuf out = {0};
    ck_assert_msg(usdt_read_list(&probes, text_of(list), &mem, &diag) == 0, "%s", diag.message);
    ck_assert_uint_eq(probes.count, 4);
    ck_assert_int_eq(usdt_find(&probes, "quicly", "packet_lost")->nargs, 4);
    ck_assert(probes.items[0].args[1].is_signed && !probes.items[0].args[0].is_signed);
    ck_assert_int_eq(probes.items[3].args[0].size, -1);
    for (size_t i = 0; i < probes.count; i++)
        usdt_write_line(&out, &probes.items[i]);
    fixture_equal(&out, list);
    text_free(&out);
    mem_free(&mem);
}
END_TEST

/* R16: what h2olog cannot see in a list, which has no sites, stands in it as marks. */
START_TEST(r16_a_list_says_what_cannot_be_read)
{
    struct usdt_site sites[2] = {
        {1, 0x1001, {text_of("8@[x0]"), text_of("8@x1"), text_of("8@counter"), text_of("8@[x2]"), text_of("4@w1")}},
        {2, 0, {text_of("8@[x0]"), text_of("8@x1"), text_of("8@counter"), text_of("8@odd"), text_of("4@w2")}}};
    struct usdt_probe probe = {.provider = "p",
                               .name = "e",
                               .nargs = 5,
                               .args = {{8, false}, {8, false}, {8, false}, {8, false}, {4, true}},
                               .sites = sites,
                               .nsites = 2,
                               .machine = EM_AARCH64};
    struct usdt_probes probes;
    struct outbuf out = {0};
    usdt_write_line(&out, &probe);
    fixture_equal(&out, "p e 8* 8 8! 8*! -4!\n");
    ck_assert_int_eq(usdt_read_list(&probes, (struct slice){out.ptr, out.len}, &mem, &diag), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert(usdt_is_bare(&probes.items[0], i) == usdt_is_bare(&probe, i));
        ck_assert(usdt_is_readable(&probes.items[0], i) == usdt_is_readable(&probe, i));
    }
    sites[1].address = 0x1002; /* that the other site was not mapped was all that was wrong with the last one */
    out.len = 0;
    usdt_write_line(&out, &probe);
    fixture_equal(&out, "p e 8* 8 8! 8*! -4\n");
    text_free(&out);
    mem_free(&mem);
}
END_TEST

/* libbpf before 1.7 refuses these, and with them the probe. */
START_TEST(operands_with_two_registers_are_marked)
{
    struct usdt_site site = {0x10, 0x1010, {text_of("8@(%rbp,%rdx)"), text_of("8@8(%rdx)"), text_of("8@symbol(%rip,%rax)")}};
    struct usdt_probe probe = {.provider = "p",
                               .name = "e",
                               .nargs = 3,
                               .args = {{8, false}, {8, false}, {8, false}},
                               .sites = &site,
                               .nsites = 1,
                               .machine = EM_X86_64};
    struct usdt_probes probes;
    struct outbuf out = {0};
    usdt_write_line(&out, &probe);
    fixture_equal(&out, "p e 8+ 8 8+!\n");
    ck_assert_int_eq(usdt_read_list(&probes, (struct slice){out.ptr, out.len}, &mem, &diag), 0);
    for (int i = 0; i < 3; i++)
        ck_assert(usdt_is_indexed(&probes.items[0], i) == (i != 1));
    text_free(&out);
    mem_free(&mem);
}
END_TEST

/* R5: a program of many sites with differing operands had 1.8 MB. */
START_TEST(r5_few_places_of_an_argument_are_read)
{
    struct usdt_site sites[33] = {0};
    struct usdt_probe probe = {.provider = "p", .name = "e", .nargs = 1, .sites = sites, .machine = EM_X86_64};
    for (int i = 0; i < 33; i++)
        sites[i] = (struct usdt_site){1, 0x1001, {text_of(mem_printf(&mem, "8@%d(%%rsp)", i))}};
    probe.nsites = 32;
    ck_assert(usdt_is_readable(&probe, 0));
    probe.nsites = 33;
    ck_assert(!usdt_is_readable(&probe, 0));
    mem_free(&mem);
}
END_TEST

START_TEST(lists_that_are_damaged)
{
    static const char *const rows[] = {"p",       "p e 3",  "p e x",   "p e 8 8 8 8 8 8 8 8 8 8 8 8 8",
                                       "p e 8!*", "p e !",  "p e 8**", "p- e 8",
                                       "p e- 8",  "p e 16", "\n"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct usdt_probes probes;
        ck_assert_msg(usdt_read_list(&probes, text_of(rows[i]), &mem, &diag) == -1, "%s", rows[i]);
        mem_free(&mem);
    }
    ck_assert_str_eq(diag.message, "not a probe: \"\"; expected PROVIDER NAME SIZE...");
}
END_TEST

START_TEST(notes_that_are_damaged)
{
#define NOTE(strings) strings, sizeof(strings) - 1
    static const struct {
        const char *strings;
        size_t len;
        const char *what; /* NULL: no error */
        size_t count;
    } rows[] = {
        {NOTE("p\0e\0\0"), NULL, 1},
        {NOTE("p\0e\0"
              "1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a\0"),
         NULL, 1},
        {NOTE("p\0e\0"
              "1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a 1@a\0"),
         NULL, 1}, /* the 13th is not kept */
        {NOTE("p\0e\0%rax\0"), NULL, 1},
        {NOTE("p\0e\0"
              "3@%rax\0"),
         NULL, 1},
        {NOTE("p\0e\0"
              "16@%rax\0"),
         NULL, 1},
        {NOTE("p\0e\0@%rax\0"), NULL, 1},
        {NOTE("p\0e\0-@%rax\0"), NULL, 1},
        {NOTE("p\0e\0"
              "8@%rax x\0"),
         NULL, 1},
        {NOTE("p\0e\0"
              "8@a"),
         "a string has no end", 0},
        {NOTE("p\0eeeeee"), "a string has no end", 0},
        {NOTE("pppp"), "a string has no end", 0},
        {NOTE("p-\0e\0"
              "8@%rax\0"),
         NULL, 0}, /* somebody else's */
        {NOTE("p\0\0"
              "8@%rax\0"),
         NULL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct usdt_probes probes;
        int status = read_note(&probes, "stapsdt", 3, rows[i].strings, rows[i].len);
        ck_assert_msg(status == (rows[i].what != NULL ? -1 : 0), "row %zu: %s", i, diag.message);
        if (rows[i].what != NULL) {
            ck_assert_str_eq(
                diag.message,
                mem_printf(&mem, "a note in .note.stapsdt is damaged (%s); the file cannot be traced", rows[i].what));
            ck_assert_int_eq(diag.status, DIAG_NOTHING);
        }
        ck_assert_uint_eq(probes.count, rows[i].count);
        mem_free(&mem);
    }
}
END_TEST

START_TEST(notes_of_others_are_passed_over)
{
    struct usdt_probes probes;
    ck_assert(read_note(&probes, "stapsdt", 4, "?", 1) == 0 && probes.count == 0);
    ck_assert(read_note(&probes, "GNU", 3, "?", 1) == 0 && probes.count == 0);
    ck_assert(read_note(&probes, "stapsdu", 3, "?", 1) == 0 && probes.count == 0);
    mem_free(&mem);
}
END_TEST

/* A probe has all of its sites; sizes are those of the first, an address in no segment is no place in the file. */
START_TEST(sites_of_one_probe)
{
    struct outbuf notes = {0}, file = {0};
    struct usdt_probes probes;
    elf_put_note(&notes, "stapsdt", 3, 0x1000,
                 NOTE("p\0e\0"
                      "8@%rdi\0"));
    elf_put_note(&notes, "stapsdt", 3, 0x1fff, NOTE("p\0e\0-4@%esi 4@%edx\0"));
    elf_put_note(&notes, "stapsdt", 3, 0x2000, NOTE("p\0e\0\0"));
    elf_put_note(&notes, "stapsdt", 3, 0xfff, NOTE("q\0e\0\0"));
    elf_make(&file, &notes);
    ck_assert_int_eq(read_bytes(&probes, file.ptr, file.len), 0);
    ck_assert_uint_eq(probes.count, 2);
    const struct usdt_probe *probe = usdt_find(&probes, "p", "e");
    ck_assert_uint_eq(probe->nsites, 3);
    ck_assert(probe->nargs == 1 && probe->args[0].size == 8 && !probe->args[0].is_signed);
    ck_assert_uint_eq(probe->sites[0].offset, 0x200);
    ck_assert_uint_eq(probe->sites[1].offset, 0x11ff);
    ck_assert_uint_eq(probe->sites[2].offset, 0);
    ck_assert(text_is(probe->sites[1].operands[0], "-4@%esi"));
    ck_assert_uint_eq(probe->sites[2].operands[0].len, 0);
    ck_assert_uint_eq(usdt_find(&probes, "q", "e")->sites[0].offset, 0);
    text_free(&notes);
    text_free(&file);
    mem_free(&mem);
}
END_TEST

/* A file is added to what is known already; this program has no probes of h2o's. */
START_TEST(this_program_adds_nothing)
{
    struct usdt_probes probes = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(usdt_read(&probes, fd, &mem, &diag), 0);
    ck_assert(!usdt_has_provider(&probes, "h2o"));
    ck_assert_ptr_null(usdt_find(&probes, "h2o", "receive_request"));
    close(fd);
    ck_assert_int_eq(usdt_read(&probes, -1, &mem, &diag), 0);
    mem_free(&mem);
}
END_TEST

/* A small file, so that most changes hit what is read. */
START_TEST(hostile_notes_do_no_harm)
{
    char copy[2048];
    struct outbuf notes = {0}, file = {0};
    uint32_t seed = 19;
    elf_put_note(&notes, "stapsdt", 3, 0x1010,
                 NOTE("p\0e\0"
                      "8@%rdi -4@8(%rsp) 8@[sp, 16]\0"));
    elf_put_note(&notes, "stapsdt", 3, 0x1020,
                 NOTE("p\0e\0"
                      "8@$1 -4@$-2 8@%rax\0"));
    elf_make(&file, &notes);
    size_t len = file.len;
    ck_assert_uint_le(len, sizeof(copy));
    for (int round = 0; round < 3000; round++) {
        struct usdt_probes probes;
        memcpy(copy, file.ptr, len);
        for (int change = 0; change < round % 5; change++) {
            uint32_t number = fixture_random(&seed),
                     at = round % 2 ? 0x200 + number % (uint32_t)(len - 0x200) : number % (uint32_t)len;
            fixture_fill(copy + at, 1, round % 3 ? "\x01\x02\x04@%()[-8 \xff" : NULL, &seed);
        }
        int status = read_bytes(&probes, copy, round % 3 == 0 ? fixture_random(&seed) % (len + 1) : len);
        ck_assert(status == 0 || (diag.message[0] != '\0' && diag.status == DIAG_NOTHING));
        for (size_t i = 0; i < probes.count; i++)
            ck_assert(probes.items[i].nargs <= USDT_MAX_ARGS && probes.items[i].nsites > 0 && probes.items[i].name[0] != '\0');
        mem_free(&mem);
    }
    text_free(&notes);
    text_free(&file);
}
END_TEST

Suite *
usdt_suite(void)
{
    Suite *suite = suite_create("usdt");
    TCase *tcase = tcase_create("usdt");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, operands_with_two_registers_are_marked);
    tcase_add_test(tcase, the_test_server_has_h2o_probes);
    tcase_add_test(tcase, every_era_has_the_probes_of_its_list);
    tcase_add_test(tcase, files_without_notes_have_no_probes);
    tcase_add_test(tcase, hostile_files_do_no_harm);
    tcase_add_test(tcase, processes_that_cannot_be_traced);
    tcase_add_test(tcase, a_running_server_is_a_target);
    tcase_add_test(tcase, a_process_that_has_ended_is_no_target);
    tcase_add_test(tcase, operands_of_every_form);
    tcase_add_test(tcase, arguments_that_are_no_integers);
    tcase_add_test(tcase, a_list_of_probes_is_read_back);
    tcase_add_test(tcase, r16_a_list_says_what_cannot_be_read);
    tcase_add_test(tcase, r5_few_places_of_an_argument_are_read);
    tcase_add_test(tcase, lists_that_are_damaged);
    tcase_add_test(tcase, notes_that_are_damaged);
    tcase_add_test(tcase, notes_of_others_are_passed_over);
    tcase_add_test(tcase, sites_of_one_probe);
    tcase_add_test(tcase, this_program_adds_nothing);
    tcase_add_test(tcase, hostile_notes_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
