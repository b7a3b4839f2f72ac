#include "command/doctor.h"

#include "command/specimen.h"
#include "unit-fixture.h"
#include "unit.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;
static struct catalog catalog;
static struct usdt_probe usdt;
static struct usdt_site site;
static struct plan_event event;
static struct types_value values[CATALOG_MAX_FIELDS];

static void
set_up(void)
{
    static const char *const operands[] = {"-4@$42",     "8@%rax", "8@(%rdi)", "-4@8(%rdi)",
                                           "8@24(%rdi)", "8@%rdx", "8@%rcx",   "8@48(%rdi)"};
    struct file file = specimen_catalog;
    const struct files files = {&file, 1};
    ck_assert_msg(catalog_parse(&catalog, &files, &mem, &diag) == 0, "%s", diag.message);
    for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++)
        site.operands[i] = text_of(operands[i]);
    usdt = (struct usdt_probe){.nargs = 8, .sites = &site, .nsites = 1};
    event = (struct plan_event){.probe = &catalog.probes[0], .usdt = &usdt};
}

static void
tear_down(void)
{
    mem_free(&mem);
}

static void
see(int shot)
{
    for (int i = 0; i < SPECIMEN_FIELDS; i++)
        values[i] = specimen_value(shot, i);
}

START_TEST(what_was_fired_is_right)
{
    struct outbuf wrong = {0};
    specimen_fire();
    for (int shot = 0; shot < SPECIMEN_SHOTS; shot++) {
        see(shot);
        ck_assert(specimen_is_right(&event, shot, values, &wrong));
        ck_assert(!specimen_is_right(&event, (shot + 1) % SPECIMEN_SHOTS, values, &wrong));
    }
    text_free(&wrong);
}
END_TEST

/* Whatever the size of this machine's pages. */
START_TEST(a_name_and_a_value_end_where_a_page_ends)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct slice value = specimen_value(3, SPECIMEN_VALUE).text, name = specimen_value(4, SPECIMEN_NAME).text;
    ck_assert_uint_eq((uintptr_t)(value.ptr + value.len) % page, 0);
    ck_assert_uint_eq((uintptr_t)(name.ptr + name.len) % page, 0);
}
END_TEST

static void
check_wrong(int shot, const char *words)
{
    struct outbuf wrong = {0};
    ck_assert(!specimen_is_right(&event, shot, values, &wrong));
    fixture_equal(&wrong, words);
    text_free(&wrong);
}

START_TEST(what_is_wrong_is_named)
{
    specimen_fire();
    see(0);
    values[SPECIMEN_FIRST].number = 0x7ffd00000010;
    check_wrong(0, "argument \"first\" (8@(%rdi)): expected 81985529216486895 (0x123456789abcdef), saw 140724603453456 "
                   "(0x7ffd00000010)");
    see(1);
    values[SPECIMEN_LATER].number = 7;
    check_wrong(1, "argument \"later\" (-4@8(%rdi)): expected -1001 (0xfffffffffffffc17), saw 7 (0x7)");
    see(0);
    values[SPECIMEN_NAME].number = 3;
    check_wrong(0, "argument \"name\" (8@24(%rdi) and 8@%rdx): expected a length of 4 (0x4), saw 3 (0x3)");
    see(0);
    values[SPECIMEN_VALUE].text = text_of(")*+\n-");
    check_wrong(0, "argument \"value\" (8@%rcx and 8@48(%rdi)): expected \",-\" at byte 3 of 5, saw \"\\x0a-\" of 5");
    values[SPECIMEN_VALUE].text = text_of("");
    check_wrong(0, "argument \"value\" (8@%rcx and 8@48(%rdi)): expected \")*+,-\" at byte 0 of 5, saw \"\" of 0");
}
END_TEST

static bool
begins(struct slice operand, const char *words)
{
    return operand.len >= strlen(words) && memcmp(operand.ptr, words, strlen(words)) == 0;
}

static const struct usdt_probe *
own_probe(void)
{
    struct usdt_probes probes = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_msg(usdt_read(&probes, fd, &mem, &diag) == 0, "%s", diag.message);
    close(fd);
    return usdt_find(&probes, "h2olog", "doctor");
}

/* clang puts the address of every member into a register of its own if it is not to optimise. */
START_TEST(the_probe_has_arguments_of_every_kind)
{
    const struct usdt_probe *probe = own_probe();
    if (!specimen_is_built() || (probe != NULL && probe->machine != EM_X86_64))
        return;
    ck_assert_ptr_nonnull(probe);
    ck_assert_int_eq(probe->nargs, 8);
    ck_assert_uint_eq(probe->nsites, 1);
    const struct slice *operands = probe->sites[0].operands;
    ck_assert(text_is(operands[0], "-4@$42"));
    ck_assert(begins(operands[1], "8@%"));
    ck_assert(begins(operands[2], "8@(%") || begins(operands[2], "8@0(%"));
#if defined(__OPTIMIZE__) || !defined(__clang__)
    ck_assert(begins(operands[3], "-4@8(%"));
    ck_assert(begins(operands[7], "8@48(%"));
#endif
}
END_TEST

/* What doctor_attach makes of a bpftrace that is a shell script. $nonce begins a record, where the script has one. */
static struct doctor_finding
attach(const char *script, int patience_ms)
{
    char path[] = "/tmp/unit-doctor-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\nnonce=$(printf %%s \"$8\" | sed -n 's/.*printf(\"\\([0-9a-f]\\{16\\}\\) h .*/\\1/p')\n%s\n",
            script);
    fclose(file);
    ck_assert_int_eq(chmod(path, 0700), 0);
    struct doctor doctor = {.mem = &mem, .patience_ms = patience_ms, .bpftrace = {.path = path, .program = path}};
    ck_assert_int_eq(bpftrace_parse_version(&doctor.bpftrace, text_of("bpftrace v0.17.0"), &diag), 0);
    struct doctor_finding finding = doctor_attach(&doctor);
    remove(path);
    return finding;
}

static void
check_attach(const char *script, int patience_ms, const char *detail, const char *advice)
{
    struct doctor_finding finding = attach(script, patience_ms);
    ck_assert_int_eq(finding.state, DOCTOR_PROBLEM);
    ck_assert_msg(strncmp(finding.detail, detail, strlen(detail)) == 0, "%s", finding.detail);
    ck_assert_msg(strstr(finding.advice, advice) != NULL, "%s", finding.advice);
}

/* Regression: it "attached to nothing within 15 s", however long that host would have needed. */
START_TEST(a_bpftrace_that_takes_too_long)
{
    check_attach("sleep 60", 300, "bpftrace has attached to nothing, and has not ended, within 0.3 s",
                 "the host may be slow or busy: try again");
    check_attach("echo 'WARNING: a word' >&2; sleep 60", 2000,
                 "bpftrace has attached to nothing, and has not ended, within 2 s", "the host may be slow or busy: try again");
    check_attach("echo $nonce h 1 0; sleep 60", 3000, "bpftrace is attached, but has shown 0 of 5 events within 3 s",
                 "the host may be slow or busy: try again");
}
END_TEST

START_TEST(a_bpftrace_that_ends)
{
    check_attach("exit 1", 10000, "bpftrace ended after ", "try: sudo bpftrace -e");
    check_attach("echo what >&2; exit 1", 10000, "bpftrace says: what", "h2olog -ddd -p PID shows more");
    check_attach("echo 'ERROR: Error loading program: usdt:h2olog:doctor' >&2; exit 1", 10000,
                 "bpftrace says: ERROR: Error loading program: usdt:h2olog:doctor",
                 "the kernel's verifier refused the program; h2olog -ddd shows why");
    check_attach("echo 'ERROR: Error attaching probe' >&2; exit 1", 10000, "bpftrace says: ERROR: Error attaching probe",
                 "the kernel does not let bpftrace attach; a container needs CAP_SYS_ADMIN");
}
END_TEST

START_TEST(a_bpftrace_whose_records_do_not_decode)
{
    check_attach("echo $nonce h 1 0; echo $nonce 0 1 x; echo $nonce h 2 0; sleep 60", 10000,
                 "bpftrace prints records wrongly; expected: ", "try another bpftrace (--bpftrace PATH)");
}
END_TEST

Suite *
doctor_suite(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tcase = tcase_create("doctor");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_was_fired_is_right);
    tcase_add_test(tcase, a_name_and_a_value_end_where_a_page_ends);
    tcase_add_test(tcase, what_is_wrong_is_named);
    tcase_add_test(tcase, the_probe_has_arguments_of_every_kind);
    if (specimen_is_built()) {
        tcase_add_test(tcase, a_bpftrace_that_takes_too_long);
        tcase_add_test(tcase, a_bpftrace_that_ends);
        tcase_add_test(tcase, a_bpftrace_whose_records_do_not_decode);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
