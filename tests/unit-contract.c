#include "program/contract.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char events[] = "provider p\n"
                             "probe a\n"
                             " group g\n"
                             " summary An a.\n"
                             " arg 0 conn_id u64\n"
                             " arg 1 secrets u64 app-data\n"
                             " arg 2 kind u8\n"
                             "probe b\n"
                             " group g\n"
                             " summary A b.\n"
                             " arg 0 n u64\n";

static const char lines[] = "//: h2olog-program 3\n"
                            "//: app-data 0\n"
                            "//: mode g\n"
                            "//: type a\n"
                            "//: type p:b\n"
                            "//: redact x-*\n"
                            "//: filter exclude c,d\n"
                            "//: texts 104 8192\n"
                            "//: event 0 p:a conn_id,kind\n"
                            "//: event 1 p:b n\n";

static struct fixture fixture;
static struct contract program;
static struct outbuf out;

static int
read_text(const char *text)
{
    const struct file file = fixture_file("f.bt", text);
    fixture.diag = (struct diag){0};
    return contract_read(&program, &file, &fixture.mem, &fixture.diag);
}

static const char *
with(const char *body)
{
    return mem_printf(&fixture.mem, "// one\n%s%s", lines, body);
}

static void
setup(void)
{
    char line[] = "bpftrace v0.17.0";
    ck_assert_msg(fixture_catalog(&fixture, events) == 0, "%s", fixture.diag.message);
    ck_assert_int_eq(bpftrace_parse_version(&fixture.bpftrace, text_of(line), &fixture.diag), 0);
}

static void
teardown(void)
{
    fixture_free(&fixture);
    text_free(&out);
}

static void
make_plan(void)
{
    int status =
        plan_make(&fixture.plan, &fixture.catalog, NULL, &fixture.bpftrace, &program.request, &fixture.mem, &fixture.diag);
    ck_assert_msg(status == 0, "%s", fixture.diag.message);
}

START_TEST(a_plan_for_what_it_asks_describes_it_again)
{
    ck_assert_msg(read_text(with("printf(\"" CONTRACT_NO_NONCE " 0\");")) == 0, "%s", fixture.diag.message);
    make_plan();
    contract_describe(&out, &fixture.plan);
    fixture_equal(&out, lines);
    ck_assert_msg(contract_check(&program, &fixture.plan, &fixture.diag) == 0, "%s", fixture.diag.message);
}
END_TEST

START_TEST(every_nonce_is_that_of_the_run)
{
    ck_assert_int_eq(read_text(with(CONTRACT_NO_NONCE CONTRACT_NO_NONCE " x " CONTRACT_NO_NONCE)), 0);
    contract_write(&out, &program, "12", 34);
    fixture_equal(&out, with("1212 x 12"));
}
END_TEST

START_TEST(another_plan_is_refused)
{
    ck_assert_int_eq(read_text(with(CONTRACT_NO_NONCE)), 0);
    make_plan();
    fixture.plan.events[0].is_shown[1] = true;
    ck_assert_int_eq(contract_check(&program, &fixture.plan, &fixture.diag), -1);
    ck_assert_str_eq(fixture.diag.message,
                     "f.bt:10:1: the program was made for \"event 0 p:a conn_id,kind\", but here it is \"event 0 p:a "
                     "conn_id,secrets,kind\"; make it anew on this machine, with --emit-script=wire -p PID");
    fixture.plan.events[0].is_shown[1] = false;
    fixture.plan.nevents = 1;
    ck_assert_int_eq(contract_check(&program, &fixture.plan, &fixture.diag), -1);
    ck_assert(strstr(fixture.diag.message, "made for \"event 1 p:b n\", but here it is \"nothing\"") != NULL);
}
END_TEST

START_TEST(what_is_no_program)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "this is no program that prints for h2olog"},
        {CONTRACT_NO_NONCE, "this is no program that prints for h2olog"},
        {"//: h2olog-program 3\n", "this is no program that prints for h2olog"},
        {"//: mode http\n" CONTRACT_NO_NONCE, "expected \"//: h2olog-program 3\" before all other such lines"},
        {"//: h2olog-program 9\n" CONTRACT_NO_NONCE, "a program of version 9; this h2olog runs version 3"},
        {"//: h2olog-program 3\n//: filter conn x\n" CONTRACT_NO_NONCE, "--conn: \"x\" is not a number"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(read_text(rows[i].text), -1);
        ck_assert_msg(strstr(fixture.diag.message, rows[i].message) != NULL, "%s", fixture.diag.message);
    }
}
END_TEST

Suite *
contract_suite(void)
{
    Suite *suite = suite_create("contract");
    TCase *tcase = tcase_create("program");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_plan_for_what_it_asks_describes_it_again);
    tcase_add_test(tcase, every_nonce_is_that_of_the_run);
    tcase_add_test(tcase, another_plan_is_refused);
    tcase_add_test(tcase, what_is_no_program);
    suite_add_tcase(suite, tcase);
    return suite;
}
