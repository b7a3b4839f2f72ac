#include "plan/plan.h"

#include "catalog/pattern.h"
#include "catalog/dtrace.h"
#include "unit-fixture.h"
#include "unit.h"

#include <elf.h>
#include <string.h>

static const char catalogue[] = "provider q\n"
                                "probe old_sent\n group quic\n summary s\n now sent\n arg 0 a u8\n"
                                "probe sent\n group quic\n summary s\n arg 0 a u8\n arg 1 data bytes len=2 app-data\n"
                                "probe lost args=1\n group quic\n summary s\n arg 0 a u8\n"
                                "probe lost args=2\n group quic\n summary s\n arg 0 a u8\n arg 1 b u8\n"
                                "provider h\n"
                                "probe keys\n group tls\n summary s\n arg 0 a u8\n arg 1 secret hexstr secret\n"
                                "probe accept\n type connection\n group http\n summary s\n arg 0 a u8\n";

static struct usdt_probe server[] = {{.provider = "q", .name = "sent", .nargs = 3},
                                     {.provider = "q", .name = "lost", .nargs = 2},
                                     {.provider = "h", .name = "keys", .nargs = 2},
                                     {.provider = "h", .name = "accept", .nargs = 1},
                                     {.provider = "h", .name = "fresh", .nargs = 2, .args = {{4, true}, {8, false}}},
                                     {.provider = "libc", .name = "fresh", .nargs = 1}};

static struct fixture fixture;
static struct target target;

static void
set_up(void)
{
    ck_assert_int_eq(fixture_catalog(&fixture, catalogue), 0);
    bpftrace_parse_version(&fixture.bpftrace, text_of("bpftrace v0.17.0"), &fixture.diag);
    target = (struct target){.pid = 1, .probes = {.items = server, .count = sizeof(server) / sizeof(server[0])}};
}

static void
tear_down(void)
{
    fixture_free(&fixture);
}

/* The chosen events as "sent(a,data) lost(a)", or the error. */
static void
check(const char *group, const char *pattern, bool app_data, const char *expected)
{
    struct request request = {.group = group, .patterns = &pattern, .npatterns = pattern != NULL, .app_data = app_data};
    struct outbuf out = {0};
    int status = plan_make(&fixture.plan, &fixture.catalog, &target, &fixture.bpftrace, &request, &fixture.mem, &fixture.diag);
    for (size_t i = 0; status == 0 && i < fixture.plan.nevents; i++) {
        const struct plan_event *event = &fixture.plan.events[i];
        text_printf(&out, "%s%s(", i > 0 ? " " : "", event->probe->type);
        for (int field = 0, count = 0; field < event->probe->nfields; field++)
            if (event->is_shown[field])
                text_printf(&out, "%s%s", count++ > 0 ? "," : "", event->probe->fields[field].name);
        text_putc(&out, ')');
    }
    if (status != 0)
        text_printf(&out, "%d %s", fixture.diag.status, fixture.diag.message);
    fixture_equal(&out, expected);
    text_free(&out);
}

START_TEST(a_mode_takes_its_group)
{
    check("quic", NULL, false, "sent(a) lost(a,b)");
    check("http", NULL, false, "connection(a)");
    check("all", NULL, false, "sent(a) lost(a,b) keys(a) connection(a)");
}
END_TEST

START_TEST(patterns_choose_in_every_mode)
{
    check("http", "sent", false, "sent(a)");
    check("quic", "connection", false, "connection(a)");
    check("quic", "accept", false, "connection(a)");
    check("quic", "q:*", false, "sent(a) lost(a,b)");
    check("quic", "*s*t", false, "sent(a) lost(a,b)");
    check("quic", "h:lost", false, "2 there is no event \"h:lost\"; did you mean lost?");
}
END_TEST

START_TEST(what_is_not_shown_is_not_read)
{
    check("quic", "sent", true, "sent(a,data)");
    check("all", NULL, true, "sent(a,data) lost(a,b) keys(a) connection(a)");
    check("all", "h:*", true, "keys(a) connection(a) fresh(arg0,arg1)");
    check("all", "keys", false, "keys(a)");
    check("all", "keys", true, "keys(a,secret)");
    ck_assert(memmem(fixture.plan.warnings.ptr, fixture.plan.warnings.len, "key material", 12) != NULL);
}
END_TEST

START_TEST(a_probe_that_no_catalogue_knows_is_shown_as_integers)
{
    check("quic", "fresh", false, "fresh(arg0,arg1)");
    ck_assert_str_eq(fixture.plan.events[0].probe->fields[0].type->name, "i32");
    ck_assert_str_eq(fixture.plan.events[0].probe->fields[1].type->name, "u64");
}
END_TEST

START_TEST(names_that_fit_nothing_are_explained)
{
    check("quic", "snet", false, "2 there is no event \"snet\"; did you mean sent?");
    check("quic", "nothing_like_it", false, "2 there is no event \"nothing_like_it\"; h2olog --list shows all");
    check("quic", "x*", false, "2 there is no event \"x*\"; h2olog --list shows all events");
    check("quic", "old_sent", false, "3 old_sent: this h2o has sent instead");
    server[0].name = "old_sent";
    check("quic", "sent", false, "3 sent: this h2o has old_sent instead");
    server[0].name = "sent";
    server[3].name = "connection";
    check("quic", "accept", false, "3 accept: this h2o does not have it; h2olog --list -p PID shows what it has");
    server[3].name = "accept";
    server[1] = (struct usdt_probe){.provider = "q", .name = "lost", .nargs = 3, .args = {{4, true}, {8, false}, {1, false}}};
    check("quic", "lost", false, "lost(arg0,arg1,arg2)");
    check("quic", NULL, false, "sent(a)");
    ck_assert(text_is(fixture.plan.left_out,
                      "q:lost: no description in the catalogue fits it, with its 3 arguments; -t lost shows "
                      "them as integers\n"));
    server[1].nargs = 2;
}
END_TEST

START_TEST(nothing_to_trace_is_an_error)
{
    check("tcp", NULL, false,
          "3 there is no probe to trace: this process has none of the \"tcp\" probes; h2olog --list -p PID shows "
          "which it has");
}
END_TEST

START_TEST(a_probe_with_fewer_arguments_is_left_out)
{
    server[0].nargs = 2;
    check("quic", NULL, false, "lost(a,b)");
    ck_assert(
        text_is(fixture.plan.left_out, "q:sent: in this h2o it has 2 arguments; the catalogue (t.probes:7) expects more\n"));
    server[0].nargs = 3;
}
END_TEST

/* ---- R16: arguments that bpftrace 0.17 does not read by itself, in places that a program cannot read. */

static const char late_catalogue[] = "provider q\nprobe late\n group quic\n summary s\n arg 0 a u32\n arg 6 b u64\n"
                                     " arg 7 name str len=8\n arg 9 value str len=10 named-by=name\n arg 0 conn_id u32\n";

static struct usdt_site late_sites[2];
static struct usdt_probe late = {
    .provider = "q", .name = "late", .nargs = 11, .sites = late_sites, .nsites = 1, .machine = EM_X86_64};

/* A plan for the probe, whose argument `arg` is `operand` at its last site; the fields, and what is left out. */
static void
check_late(int arg, const char *operand, const char *expected, const char *left_out)
{
    fixture_free(&fixture);
    ck_assert_msg(fixture_catalog(&fixture, late_catalogue) == 0, "%s", fixture.diag.message);
    bpftrace_parse_version(&fixture.bpftrace, text_of("bpftrace v0.17.0"), &fixture.diag);
    target.probes = (struct usdt_probes){.items = &late, .count = 1};
    for (int i = 0; i < 11; i++) {
        late.args[i] = (struct usdt_arg){8, false};
        late_sites[0].operands[i] = late_sites[1].operands[i] = text_of(late.machine == EM_AARCH64 ? "8@x3" : "8@%rdi");
    }
    late_sites[late.nsites == 2].operands[arg] = text_of(operand);
    check("quic", NULL, false, expected);
    ck_assert_msg(text_is(fixture.plan.left_out, left_out), "%.*s", (int)fixture.plan.left_out.len, fixture.plan.left_out.ptr);
}

START_TEST(r16_a_place_that_is_not_understood_costs_its_field)
{
    check_late(6, "8@%rax", "late(a,b,name,value,conn_id)", "");
    check_late(0, "8@counter(%rip)", "late(a,b,name,value,conn_id)", ""); /* bpftrace reads that itself */
    check_late(6, "8@counter(%rip)", "late(a,name,value,conn_id)",
               "q:late: b, which this h2o has in a place that a program cannot read: 8@counter(%rip)\n");
    check_late(8, "8@counter(%rip)", "late(a,b,conn_id)",
               "q:late: name, which this h2o has in a place that a program cannot read: 8@counter(%rip)\n"
               "q:late: value, as its header's name is not there\n");
}
END_TEST

START_TEST(r16_a_site_that_is_not_mapped_costs_the_fields_that_need_it)
{
    late.nsites = 2;
    late_sites[0].address = 0x1000;
    late_sites[1].address = 0x2000;
    check_late(6, "8@%rax", "late(a,b,name,value,conn_id)", "");
    late_sites[1].address = 0;
    check_late(6, "8@%rax", "late(a,name,value,conn_id)",
               "q:late: b, which this h2o has in a place that a program cannot read: 8@%rdi\n");
    target.pid = 0;
    check_late(6, "8@%rax", "late(a,name,value,conn_id)",
               "q:late: b, which bpftrace 0.17 cannot read by itself; -p PID makes it possible\n");
    late.nsites = 1;
}
END_TEST

/* On arm64 the address was taken for the value. */
START_TEST(r16_what_arm64_misreads_is_left_out_if_the_note_is_not_understood)
{
    late.machine = EM_AARCH64;
    check_late(0, "8@[x0]", "late(a,b,name,value,conn_id)", "");
    check_late(0, "8@[odd]", "late(b,name,value)",
               "q:late: a, which this h2o has in a place that a program cannot read: 8@[odd]\n"
               "q:late: conn_id, which this h2o has in a place that a program cannot read: 8@[odd]\n");
    struct request request = {.group = "quic"};
    ck_assert_int_eq(filter_add(&request.filter, "conn", "7", &fixture.mem, &fixture.diag), 0);
    ck_assert_int_eq(
        plan_make(&fixture.plan, &fixture.catalog, &target, &fixture.bpftrace, &request, &fixture.mem, &fixture.diag), -1);
    ck_assert(text_is(fixture.plan.left_out, "q:late: a filter asks for conn_id, which this h2o has in a place that a program "
                                             "cannot read: 8@[odd]\n"));
    late.machine = EM_X86_64;
}
END_TEST

/* h2olog has no sites, but the marks of a list, and must make the same plan. */
START_TEST(r16_both_processes_make_the_same_plan)
{
    late.lost = 1 << 6;
    late.nsites = 0;
    fixture_free(&fixture);
    check_late(6, "", "late(a,name,value,conn_id)", "q:late: b, which this h2o has in a place that a program cannot read\n");
    late.lost = 0;
    late.nsites = 1;
}
END_TEST

static void
check_provider(const char *text, const char *pattern, const char *expected)
{
    struct file file = fixture_file("t.d", text);
    ck_assert_msg(dtrace_parse(&fixture.catalog, &file, &fixture.mem, &fixture.diag) == 0, "%s", fixture.diag.message);
    check("all", pattern, false, expected);
}

START_TEST(a_provider_file_adds_what_is_not_known)
{
    check_provider(
        "/* @appdata { \"fresh\": [\"word\"] } */\nprovider h {\n  /** fresh air */\n  probe fresh(int n, const char *word);\n"
        "  probe accept(int changed);\n};\n",
        "h:*", "keys(a) connection(a) fresh(n)");
    ck_assert_str_eq(fixture.plan.events[2].probe->summary, "fresh air");
    ck_assert_str_eq(fixture.plan.events[2].probe->fields[1].type->name, "cstr");
}
END_TEST

START_TEST(a_provider_file_is_understood_by_types_and_names)
{
    struct file file =
        fixture_file("t.d", "#pragma D\nprovider n { probe p(struct st_quicly_conn_t *conn, int64_t at, const char *name, "
                            "size_t name_len, const void *b, size_t num_bytes, struct sockaddr *dest, uint64_t pn, void *cb, "
                            "const char *secret);\n};\n");
    ck_assert_int_eq(dtrace_parse(&fixture.catalog, &file, &fixture.mem, &fixture.diag), 0);
    const struct catalog_probe *probe = &fixture.catalog.probes[fixture.catalog.count - 1];
    static const char *const expected[][2] = {
        {"master_conn_id", "u32"}, {"at", "ms"},         {"name", "str"},       {"name_len", "u64"}, {"b", "bytes"},
        {"num_bytes", "u64"},      {"dest", "sockaddr"}, {"packet_num", "u64"}, {"cb", "u64"},       {"secret", "hexstr"}};
    ck_assert_int_eq(probe->nfields, 10);
    for (int i = 0; i < 10; i++) {
        ck_assert_str_eq(probe->fields[i].name, expected[i][0]);
        ck_assert_str_eq(probe->fields[i].type->name, expected[i][1]);
    }
    ck_assert(probe->fields[9].is_secret && probe->fields[0].offset == 16 && probe->fields[2].len_arg == 3);
}
END_TEST

/* Which bpftrace leaves what of it out; the ones between take all. */
START_TEST(what_a_bpftrace_cannot_do_is_left_out)
{
    static const char probes[] = "provider q\nprobe sent\n group quic\n summary s\n arg 0 a u64\n arg 1 data bytes len=2\n"
                                 "probe got\n group quic\n summary s\n arg 0 a u64\n arg 1 b u64\n";
    struct usdt_site site = {0x10, 0x5010, {text_of("8@%rbx"), text_of("8@16(%rbp,%rdx)")}};
    struct usdt_probe own[] = {
        {.provider = "q", .name = "sent", .nargs = 3, .args = {{8, false}, {8, false}, {8, false}}},
        {.provider = "q", .name = "got", .nargs = 2, .args = {{8, false}, {8, false}}, .sites = &site, .nsites = 1},
    };
    own[1].machine = EM_X86_64;
    static const struct {
        const char *version, *left_out;
    } rows[] = {
        {"bpftrace v0.16.0", "q:sent: data, which bpftrace 0.16 cannot print as hexadecimal digits\n"},
        {"bpftrace v0.17.0", ""},
        {"bpftrace v0.24.2", ""},
        {"bpftrace v0.25.0",
         "q:got: in this h2o its argument 1 is in memory at two registers, to which bpftrace 0.25 may not attach\n"},
        {"bpftrace v0.26.0", ""},
    };
    const struct target server_of_two = {.pid = 1, .probes = {.items = own, .count = 2}};
    const struct request request = {.group = "quic"};
    fixture_free(&fixture);
    ck_assert_int_eq(fixture_catalog(&fixture, probes), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(bpftrace_parse_version(&fixture.bpftrace, text_of(rows[i].version), &fixture.diag), 0);
        ck_assert_int_eq(plan_make(&fixture.plan, &fixture.catalog, &server_of_two, &fixture.bpftrace, &request, &fixture.mem,
                                   &fixture.diag),
                         0);
        ck_assert_str_eq(fixture.plan.left_out.ptr, rows[i].left_out);
    }
}
END_TEST

/* R15: an address was redacted as if the first field were the name of its header. */
START_TEST(r15_no_field_of_a_provider_file_belongs_to_a_header)
{
    struct file file =
        fixture_file("t.d", "provider n { probe p(struct st_quicly_conn_t *conn, struct sockaddr *dest, const char *name, "
                            "size_t name_len, struct quicly_rtt_t *rtt);\n};\n");
    const char *const cookie[] = {"cookie"};
    ck_assert_int_eq(dtrace_parse(&fixture.catalog, &file, &fixture.mem, &fixture.diag), 0);
    struct request request = {.group = "n", .redact = {cookie, 1}};
    ck_assert_int_eq(plan_make(&fixture.plan, &fixture.catalog, NULL, &fixture.bpftrace, &request, &fixture.mem, &fixture.diag),
                     0);
    const struct catalog_probe *probe = &fixture.catalog.probes[fixture.catalog.count - 1];
    ck_assert_int_eq(probe->nfields, 8);
    for (int i = 0; i < probe->nfields; i++) {
        ck_assert_int_eq(probe->fields[i].named_by, -1);
        ck_assert(!plan_is_redactable(&fixture.plan, &fixture.plan.events[0], i));
    }
}
END_TEST

/* R15: the probe behind the comment had "@appdata" as its summary, and one behind a licence would have had that. */
START_TEST(r15_a_summary_stands_right_before_its_probe)
{
    static const char *const summaries[] = {"Declared in t.d.", "what it is", "Declared in t.d.", "Declared in t.d."};
    struct file file = fixture_file("t.d", "/* The licence. */\n/* @appdata { \"one\": [\"a\"] } */\nprovider n {\n"
                                           "probe one(int a);\n/* what it is */\n/* @appdata { \"two\": [\"a\"] } */\n"
                                           "probe two(int a /* of it */);\nprobe three(int a);\n};\n"
                                           "/* The end. */\nprovider m { probe four(int a); };\n");
    size_t before = fixture.catalog.count;
    ck_assert_int_eq(dtrace_parse(&fixture.catalog, &file, &fixture.mem, &fixture.diag), 0);
    ck_assert_uint_eq(fixture.catalog.count, before + 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(fixture.catalog.probes[before + i].summary, summaries[i]);
    ck_assert(fixture.catalog.probes[before + 1].fields[0].is_app_data);
}
END_TEST

/* R12: reset tokens were shown without -a, and the client's random bytes, which anybody sees, only to who asks for secrets. */
START_TEST(what_only_the_two_ends_know_is_not_shown)
{
    static const struct {
        const char *probe, *field;
        bool is_app_data, is_secret;
    } rows[] = {
        {"new_connection_id_send", "stateless_reset_token", true, false},
        {"new_connection_id_receive", "stateless_reset_token", true, false},
        {"new_connection_id_send", "cid", false, false},
        {"receive_message", "bytes", true, false},
        {"client_random", "bytes", false, false},
        {"new_secret", "secret_hex", false, true},
        {"crypto_update_secret", "secret", false, true},
        {"new_token_send", "token_preview", false, false},
    };
    struct files probes = {0};
    files_load_builtin(&probes, "probes", ".probes", &fixture.mem);
    ck_assert_int_eq(catalog_parse(&fixture.catalog, &probes, &fixture.mem, &fixture.diag), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t found = 0;
        for (size_t j = 0; j < fixture.catalog.count; j++) {
            const struct catalog_probe *probe = &fixture.catalog.probes[j];
            int field = strcmp(probe->name, rows[i].probe) == 0 ? catalog_field(probe, text_of(rows[i].field)) : -1;
            if (field < 0)
                continue;
            found++;
            ck_assert_msg(probe->fields[field].is_app_data == rows[i].is_app_data, "%s", rows[i].probe);
            ck_assert_msg(probe->fields[field].is_secret == rows[i].is_secret, "%s", rows[i].probe);
        }
        ck_assert_uint_gt(found, 0);
    }
}
END_TEST

START_TEST(tokens_of_a_provider_file_are_not_shown)
{
    struct file file = fixture_file("t.d", "provider n { probe p(const char *reset_token, uint8_t *token, size_t token_len, "
                                           "uint64_t token_generation); };\n");
    static const bool is_app_data[] = {true, true, false, false};
    ck_assert_int_eq(dtrace_parse(&fixture.catalog, &file, &fixture.mem, &fixture.diag), 0);
    const struct catalog_probe *probe = &fixture.catalog.probes[fixture.catalog.count - 1];
    ck_assert_int_eq(probe->nfields, 4);
    for (int i = 0; i < 4; i++)
        ck_assert(probe->fields[i].is_app_data == is_app_data[i]);
}
END_TEST

/* R9: the program for such a value looked for its name behind the end of a table. */
START_TEST(a_value_whose_name_cannot_be_read_is_left_out)
{
    fixture_free(&fixture);
    fixture_plan(&fixture,
                 "provider n\nprobe p\n group n\n summary P.\n arg 0 a u64\n arg 7 name str len=1\n"
                 " arg 2 value str len=3 named-by=name\n arg 4 b u64\n",
                 "0.17.0", "n");
    const struct plan_event *event = &fixture.plan.events[0];
    ck_assert(event->is_shown[0] && !event->is_shown[1] && !event->is_shown[2] && event->is_shown[3]);
    ck_assert_ptr_nonnull(text_find(fixture.plan.left_out, "n:p: value, as its header's name is not there\n"));
}
END_TEST

START_TEST(a_bad_provider_file_says_where)
{
    static const char *const rows[][2] = {
        {"provider h {\n  prob x(int a);\n};\n", "t.d:2:3: unexpected \"prob\"; expected probe"},
        {"provider h {\n  probe x(int a, b);\n};\n", "t.d:2:19: unexpected \")\"; expected a C type and a name"},
        {"provider h {\n", "t.d:2:1: unexpected \"the end of the file\"; expected probe"},
        {"provider {", "t.d:1:10: unexpected \"{\"; expected the provider's name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct file file = fixture_file("t.d", rows[i][0]);
        ck_assert_int_eq(dtrace_parse(&fixture.catalog, &file, &fixture.mem, &fixture.diag), -1);
        ck_assert_str_eq(fixture.diag.message, rows[i][1]);
    }
}
END_TEST

Suite *
plan_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *tcase = tcase_create("plan");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_mode_takes_its_group);
    tcase_add_test(tcase, patterns_choose_in_every_mode);
    tcase_add_test(tcase, what_is_not_shown_is_not_read);
    tcase_add_test(tcase, a_probe_that_no_catalogue_knows_is_shown_as_integers);
    tcase_add_test(tcase, names_that_fit_nothing_are_explained);
    tcase_add_test(tcase, nothing_to_trace_is_an_error);
    tcase_add_test(tcase, a_probe_with_fewer_arguments_is_left_out);
    tcase_add_test(tcase, r16_a_place_that_is_not_understood_costs_its_field);
    tcase_add_test(tcase, r16_a_site_that_is_not_mapped_costs_the_fields_that_need_it);
    tcase_add_test(tcase, r16_what_arm64_misreads_is_left_out_if_the_note_is_not_understood);
    tcase_add_test(tcase, r16_both_processes_make_the_same_plan);
    tcase_add_test(tcase, a_provider_file_adds_what_is_not_known);
    tcase_add_test(tcase, a_provider_file_is_understood_by_types_and_names);
    tcase_add_test(tcase, what_a_bpftrace_cannot_do_is_left_out);
    tcase_add_test(tcase, r15_no_field_of_a_provider_file_belongs_to_a_header);
    tcase_add_test(tcase, r15_a_summary_stands_right_before_its_probe);
    tcase_add_test(tcase, what_only_the_two_ends_know_is_not_shown);
    tcase_add_test(tcase, tokens_of_a_provider_file_are_not_shown);
    tcase_add_test(tcase, a_value_whose_name_cannot_be_read_is_left_out);
    tcase_add_test(tcase, a_bad_provider_file_says_where);
    suite_add_tcase(suite, tcase);
    return suite;
}
