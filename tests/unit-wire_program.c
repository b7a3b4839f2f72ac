#include "program/contract.h"
#include "program/wire_program.h"
#include "program/attach.h"

#include "host/operand.h"
#include "base/template.h"
#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct outbuf out;

START_TEST(operands_become_expressions)
{
    static const struct {
        const char *operand, *x86, *arm; /* NULL: refused */
    } rows[] = {
        {"8@%r12", "(uint64)reg(\"r12\")", NULL},
        {"-4@%r15d", "(uint64)(int64)(int32)reg(\"r15\")", NULL},
        {"1@%al", "(uint64)(uint8)reg(\"ax\")", NULL},
        {"-8@72(%rsp)", "*(uint64*)(reg(\"sp\") + 72)", NULL},
        {"-4@-96(%rbp)", "(uint64)(int64)*(int32*)(reg(\"bp\") - 96)", NULL},
        {"8@(%rsi)", "*(uint64*)(reg(\"si\"))", NULL},
        {"8@0(%rbp,%rdx)", "*(uint64*)(reg(\"bp\") + reg(\"dx\") * 1)", NULL},
        {"2@8(%rdx,%rcx,4)", "*(uint16*)(reg(\"dx\") + reg(\"cx\") * 4 + 8)", NULL},
        {"8@$1032", "(uint64)(1032)", NULL},
        {"-4@$-3", "(uint64)(int64)(int32)(-3)", NULL},
        {"4@$-1", "(uint64)(uint32)(-1)", NULL},
        {"8@x19", NULL, "(uint64)reg(\"r19\")"},
        {"-4@w3", NULL, "(uint64)(int64)(int32)reg(\"r3\")"},
        {"8@[sp, 16]", NULL, "*(uint64*)(reg(\"sp\") + 16)"},
        {"4@[x19]", NULL, "*(uint32*)(reg(\"r19\"))"},
        {"8@[x29, -24]", NULL, "*(uint64*)(reg(\"r29\") - 24)"},
        {"8@5", NULL, "(uint64)(5)"},
        {"3@%r12", NULL, NULL},
        {"8@symbol(%rip)", NULL, NULL},
        {"8@%xmm0", NULL, NULL},
        {"8@", NULL, NULL},
        {"@%r12", NULL, NULL},
        {"8@72(%rsp", NULL, NULL},
        {"8@); exit(", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        out.len = 0;
        bool is_good = operand_write(&out, text_of(rows[i].operand), EM_X86_64);
        ck_assert_msg(is_good == (rows[i].x86 != NULL), "%s", rows[i].operand);
        if (is_good)
            fixture_equal(&out, rows[i].x86);
        out.len = 0;
        is_good = operand_write(&out, text_of(rows[i].operand), EM_AARCH64);
        ck_assert_msg(is_good == (rows[i].arm != NULL), "%s", rows[i].operand);
        if (is_good)
            fixture_equal(&out, rows[i].arm);
    }
    text_free(&out);
}
END_TEST

START_TEST(templates_expand_names_only)
{
    struct diag diag;
    const struct template_variable variables[] = {{"a", text_of("1${b}")}, {"b", text_of("")}};
    struct file good = fixture_file("t.bt", "x ${a} $b {a} ${b}.\n"), bad = fixture_file("t.bt", "x\n  ${c}\n"),
                open = fixture_file("t.bt", "x ${a\n");
    ck_assert_int_eq(template_expand(&out, &good, variables, 2, &diag), 0);
    fixture_equal(&out, "x 1${b} $b {a} .\n");
    ck_assert_int_eq(template_expand(&out, &bad, variables, 2, &diag), -1);
    ck_assert_str_eq(diag.message, "t.bt:2:5: unknown name \"c\" in ${...}; expected one of a, b");
    ck_assert_int_eq(template_expand(&out, &open, variables, 2, &diag), -1);
    ck_assert_str_eq(diag.message, "t.bt:1:3: \"${\" without \"}\"; expected ${NAME}");
    text_free(&out);
}
END_TEST

START_TEST(versions_of_bpftrace)
{
    static const struct {
        const char *line, *message; /* NULL: accepted */
        unsigned chunk;
        bool per_cpu;
    } rows[] = {
        {"bpftrace v0.12.1", NULL, 104, true},
        {"bpftrace v0.17.0", NULL, 104, true},
        {"bpftrace v0.20.2", NULL, 104, false},
        {"bpftrace v0.21.3", NULL, 80, false},
        {"bpftrace v0.23.2", NULL, 1008, false},
        {"bpftrace v0.24.0", NULL, 1008, false},
        {"bpftrace v0.25.0", NULL, 1008, false},
        {"bpftrace v0.27.1", NULL, 1008, false},
        {"bpftrace v0.99.0-rc1", NULL, 1008, false},
        {"bpftrace v1.0", NULL, 1008, false},
        {"bpftrace v0.11.3", "b is bpftrace 0.11.3, which reads probe arguments wrongly; install version 0.12 or later", 0,
         false},
        {"GNU bash\nmore",
         "b is not bpftrace: --version printed \"GNU bash\", expected \"bpftrace vX.Y.Z\"; name one with --bpftrace PATH", 0,
         false},
        {"bpftrace v0.-1.0",
         "b is not bpftrace: --version printed \"bpftrace v0.-1.0\", expected \"bpftrace vX.Y.Z\"; name one with --bpftrace "
         "PATH",
         0, false},
        {"", "b is not bpftrace: --version printed \"\", expected \"bpftrace vX.Y.Z\"; name one with --bpftrace PATH", 0,
         false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bpftrace bpftrace = {.path = "b"};
        struct diag diag;
        int status = bpftrace_parse_version(&bpftrace, text_of(rows[i].line), &diag);
        ck_assert(status != 0 || bpftrace.row.text_chunk + 2 <= bpftrace.row.string_size);
        struct bpftrace lesser = bpftrace_lessened(&bpftrace);
        ck_assert(status != 0 ||
                  (lesser.row.text_chunk <= bpftrace.row.text_chunk && lesser.row.text_chunk < lesser.row.string_size &&
                   lesser.row.most_text < bpftrace.row.most_text));
        ck_assert_int_eq(status, rows[i].message == NULL ? 0 : -1);
        if (status != 0) {
            ck_assert_str_eq(diag.message, rows[i].message);
            ck_assert_int_eq(diag.status, DIAG_MACHINE);
            continue;
        }
        ck_assert_uint_eq(bpftrace.row.text_chunk, rows[i].chunk);
        ck_assert(bpftrace.row.per_cpu_buffers == rows[i].per_cpu);
    }
}
END_TEST

static enum request_transport transport;
static struct redact redact;

static void
write_all(struct fixture *fixture, const struct target *target, const char *version, const char *group)
{
    struct files probes, templates;
    char line[64];
    snprintf(line, sizeof(line), "bpftrace v%s", version);
    files_load_builtin(&probes, "probes", ".probes", &fixture->mem);
    files_load_builtin(&templates, "templates", ".bt", &fixture->mem);
    ck_assert_int_eq(catalog_parse(&fixture->catalog, &probes, &fixture->mem, &fixture->diag), 0);
    ck_assert_int_eq(bpftrace_parse_version(&fixture->bpftrace, text_of(line), &fixture->diag), 0);
    static struct request request;
    request = (struct request){.group = group, .redact = redact, .transport = transport, .batch_ms = REQUEST_BATCH_MS};
    ck_assert_int_eq(
        plan_make(&fixture->plan, &fixture->catalog, target, &fixture->bpftrace, &request, &fixture->mem, &fixture->diag), 0);
    ck_assert_int_eq(
        wire_program_write(&out, &fixture->plan, "fedcba9876543210", "h2olog test", &templates, &fixture->mem, &fixture->diag),
        0);
    text_putc(&out, '\0');
}

START_TEST(the_program_has_a_block_for_every_event)
{
    static const char *const versions[] = {"0.12.0", "0.17.0", "0.20.2", "0.23.2", "0.27.1"};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct fixture fixture = {0};
        write_all(&fixture, NULL, versions[i], "all");
        size_t blocks = 0, prints = 0, framed = 0;
        for (const char *at = out.ptr; (at = strstr(at, "\nusdt::")) != NULL; at++)
            blocks++;
        for (const char *at = out.ptr; (at = strstr(at, "printf(\"")) != NULL; at++, prints++)
            framed += strncmp(at, "printf(\"fedcba9876543210 ", 25) == 0;
        ck_assert_uint_eq(blocks, fixture.plan.nevents);
        ck_assert_uint_eq(prints, framed);
        ck_assert_ptr_null(strstr(out.ptr, "${"));
        out.len = 0;
        fixture_free(&fixture);
    }
    text_free(&out);
}
END_TEST

/* The bound after a "<" in a loop's condition: a number, or $most, which stands for one of those that are assigned to it. */
static bool
has_constant_bound(struct slice condition)
{
    bool is_bounded = false;
    for (size_t i = 0; i + 2 < condition.len; i++) {
        const char *bound = condition.ptr + i + 2;
        if (memcmp(condition.ptr + i, "< ", 2) == 0)
            is_bounded |= (*bound >= '0' && *bound <= '9') || strncmp(bound, "$most)", 6) == 0;
    }
    return is_bounded;
}

/* As templates/README.md asks for it. */
static void
check_loops(const char *program)
{
    for (const char *at = program; (at = strstr(at, "while (")) != NULL; at++) {
        struct slice condition = {at, strcspn(at, "{")};
        ck_assert_msg(has_constant_bound(condition), "%.*s", (int)condition.len, condition.ptr);
    }
    static const char most[] = "$most = (uint64)";
    for (const char *at = program; (at = strstr(at, "$most = ")) != NULL; at++) {
        bool is_number = strncmp(at, most, strlen(most)) == 0 && at[strlen(most)] >= '0' && at[strlen(most)] <= '9';
        ck_assert_msg(is_number, "%.40s", at);
    }
}

START_TEST(every_loop_ends_for_the_verifier)
{
    static const char *const versions[] = {"0.12.0", "0.17.0", "0.21.0", "0.23.2", "0.27.1"}, *const groups[] = {"http", "all"};
    for (size_t i = 0; i < 2 * 2 * 2 * sizeof(versions) / sizeof(versions[0]); i++) {
        struct fixture fixture = {0};
        transport = i % 2 == 0 ? REQUEST_STREAM : REQUEST_BATCH;
        redact = (struct redact){redact_defaults, i / 4 % 2 == 0 ? 0 : REDACT_DEFAULTS};
        write_all(&fixture, NULL, versions[i / 8], groups[i / 2 % 2]);
        ck_assert(fixture.bpftrace.row.has_ranges == (strstr(out.ptr, "while (") == NULL));
        ck_assert(fixture.bpftrace.row.has_ranges == (strstr(out.ptr, "for ($") != NULL));
        check_loops(out.ptr);
        text_free(&out);
        fixture_free(&fixture);
    }
    transport = REQUEST_STREAM;
    redact = (struct redact){0};
}
END_TEST

/* R9: all of a name is looked at before its value is. */
START_TEST(a_value_is_held_back_by_its_name)
{
    static const char *const expected[] = {
        "while ($text1_pos < 64) {",
        "$text1_byte = (uint64)*(uint8*)($text1 + $text1_pos);",
        "$held2 = (uint64)0;",
        "if ($len1 > 64 || ($text1_odd & 1) != 0 || ",
        ") { $held2 = $len2 | 0x4000000000000000; $len2 = (uint64)0; }",
        "if ($len2 > 0) { $last2 = ",
        "$len2 | $last2 | $held2",
    };
    struct fixture fixture = {0};
    redact = (struct redact){redact_defaults, REDACT_DEFAULTS};
    write_all(&fixture, NULL, "0.17.0", "http");
    const char *at = strstr(out.ptr, "usdt::h2o:receive_request_header\n");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        at = strstr(at, expected[i]);
        ck_assert_msg(at != NULL, "%s", expected[i]);
    }
    redact = (struct redact){0};
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

/* The one block that is compared whole: a probe with numbers only. */
START_TEST(a_block_reads_and_prints)
{
    struct fixture fixture = {0};
    write_all(&fixture, NULL, "0.17.0", "http");
    char *start = strstr(out.ptr, "usdt::h2o:receive_request\n"), *end = start != NULL ? strstr(start, "\n}\n") : NULL;
    ck_assert_ptr_nonnull(end);
    end[3] = '\0';
    ck_assert_str_eq(start, "usdt::h2o:receive_request\n"
                            "{\n"
                            "    $time = nsecs;\n"
                            "    printf(\"fedcba9876543210 0 %lx %lx %lx %lx %lx\\n\", $time, (uint64)tid, arg0, arg1, arg2);\n"
                            "}\n");
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

START_TEST(only_what_was_asked_for_is_read)
{
    struct fixture fixture = {0};
    write_all(&fixture, NULL, "0.17.0", "http");
    ck_assert_ptr_nonnull(strstr(out.ptr, "usdt::h2o:receive_request\n"));
    ck_assert_ptr_null(strstr(out.ptr, "quicly:"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "profile:ms:25"));
    out.len = 0;
    fixture_free(&fixture);
    fixture = (struct fixture){0};
    write_all(&fixture, NULL, "0.23.2", "quic");
    ck_assert_ptr_null(strstr(out.ptr, "receive_request"));
    ck_assert_ptr_null(strstr(out.ptr, "profile:"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "*(uint32*)(arg0 + 16), arg1"));
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

/* Numbers in one map, texts in another with pieces of the last one behind them; what is damaged or long is printed. */
START_TEST(batches_are_kept_in_maps)
{
    static const char *const expected[] = {
        "$map = @s0fedcba9876543210[0];",
        "$number0 = (uint64)(arg0);",
        "@n0fedcba9876543210[$time, (uint64)tid] = ((uint64)0, $number0, $number1, $number2); @c0fedcba9876543210 = count();",
        "@n1fedcba9876543210[$time, (uint64)tid] = ((uint64)0, $number0, $number1, $number2); @c1fedcba9876543210 = count();",
        "@t0fedcba9876543210[$time, (uint64)tid] = ((uint64)1, $number0, $number1, $number2, $number3, str($text1, ",
        "$number3, str($text1, ($size1 > 104 ? (uint64)104 : $size1)), (uint64)0xfedcba9876543210, "
        "str($text2, ($size2 > 104 ? (uint64)104 : $size2)), (uint64)0xfedcba9876543210);",
        "@p1fedcba9876543210[$time, (uint64)tid + (($at + 65536) << 32)] = str($text2 + $at, 104);\n",
        "while ($rest > 0 && $at < 520)",
        "while ($rest > 0 && $at < 8216)",
        "interval:ms:33 {",
        "print(@p0fedcba9876543210); clear(@p0fedcba9876543210);",
        "print(@n0fedcba9876543210); clear(@n0fedcba9876543210);",
    };
    struct fixture fixture = {0};
    transport = REQUEST_BATCH;
    write_all(&fixture, NULL, "0.17.0", "http");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        ck_assert_msg(strstr(out.ptr, expected[i]) != NULL, "%s", expected[i]);
    ck_assert_ptr_null(strstr(out.ptr, "@r0"));
    /* which map is asked before the clock, and pieces are printed before their records */
    ck_assert(strstr(out.ptr, "$map = ") < strstr(out.ptr, "$time = nsecs"));
    ck_assert(strstr(out.ptr, "print(@p0") < strstr(out.ptr, "print(@n0"));
    transport = REQUEST_STREAM;
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

/* With another literal length it is a string of another size, which 0.25 and 0.26 widen on the BPF stack: the program was
 * refused. */
START_TEST(the_end_of_pieces_has_the_size_of_one)
{
    static const char *const rows[][2] = {{"0.17.0", "= str((uint64)0, 104);"}, {"0.26.0", "= str((uint64)0, 1008 + 1);"}};
    transport = REQUEST_BATCH;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture = {0};
        write_all(&fixture, NULL, rows[i][0], "http");
        ck_assert_ptr_nonnull(strstr(out.ptr, rows[i][1]));
        text_free(&out);
        fixture_free(&fixture);
    }
    transport = REQUEST_STREAM;
}
END_TEST

/* A server without a name for its binary, and an argument that bpftrace 0.17 cannot reach. */
START_TEST(a_server_without_a_name_and_a_seventh_argument)
{
    struct usdt_site sites[1] = {{.operands = {[6] = text_of("-4@%r15d")}}};
    struct usdt_probe receive = {
        .provider = "quicly", .name = "stream_receive", .nargs = 7, .sites = sites, .nsites = 1, .machine = EM_X86_64};
    struct target target = {.pid = 77, .by_path = true, .probes = {&receive, 1}};
    struct fixture fixture = {0};
    write_all(&fixture, &target, "0.17.0", "quic");
    ck_assert_ptr_nonnull(strstr(out.ptr, "usdt:/proc/77/exe:quicly:stream_receive /pid == 77/\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "(uint64)(int64)(int32)reg(\"r15\")"));
    ck_assert_ptr_null(strstr(out.ptr, "arg6"));
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

/* From 0.24 on each argN is a call of bpf_usdt_arg() that LLVM compiles into the probe, 2.5 ms each, and asks two maps. A
 * program that is only printed may meet another binary. */
START_TEST(what_all_sites_have_in_one_place_is_read_there)
{
    struct usdt_site sites[2] = {{0x10, 0x5010, {text_of("8@%rbx"), text_of("8@%rdi"), text_of("-4@%eax")}},
                                 {0x14, 0x5014, {text_of("8@%rbx"), text_of("8@%rsi"), text_of("-4@%eax")}}};
    struct usdt_probe send = {
        .provider = "h2o", .name = "send_response", .nargs = 3, .sites = sites, .nsites = 2, .machine = EM_X86_64};
    struct target target = {.pid = 77, .probes = {&send, 1}};
    static const struct {
        const char *version, *values;
    } rows[] = {{"0.23.2", "arg0, arg1, arg2"}, {"0.24.0", "(uint64)reg(\"bx\"), arg1, (uint64)(int64)(int32)reg(\"ax\")"}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture = {0};
        write_all(&fixture, &target, rows[i].version, "http");
        ck_assert_msg(strstr(out.ptr, rows[i].values) != NULL, "%s", out.ptr);
        text_free(&out);
        out.len = 0;
        struct files templates = {0};
        files_load_builtin(&templates, "templates", ".bt", &fixture.mem);
        wire_program_write(&out, &fixture.plan, CONTRACT_NO_NONCE, "h2olog", &templates, &fixture.mem, &fixture.diag);
        text_putc(&out, '\0');
        ck_assert_ptr_nonnull(strstr(out.ptr, "arg0, arg1, arg2"));
        text_free(&out);
        fixture_free(&fixture);
    }
}
END_TEST

/* T8: the sites of a probe are at other addresses in each process, and at the same places in a page. */
START_TEST(a_program_by_file_sees_several_processes)
{
    struct usdt_site sites[2] = {{.address = 0x5555000011f0, .operands = {[6] = text_of("-4@%r15d")}},
                                 {.address = 0x5555000025a0, .operands = {[6] = text_of("-4@%r14d")}}};
    struct usdt_probe receive = {
        .provider = "quicly", .name = "stream_receive", .nargs = 7, .sites = sites, .nsites = 2, .machine = EM_X86_64};
    struct target target = {.pid = 77, .by_path = true, .by_file = true, .probes = {&receive, 1}};
    struct fixture fixture = {0};
    write_all(&fixture, &target, "0.17.0", "quic");
    ck_assert_ptr_nonnull(strstr(out.ptr, "usdt:/proc/77/exe:quicly:stream_receive /@f0fedcba9876543210[(uint64)pid] == 0/\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "$site = reg(\"ip\") & 4095;\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "$extra6 = $site == 496 ? $extra6_0 : ($extra6_1);\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "((uint64)pid << 32) + (uint64)tid"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "@f0fedcba9876543210[(uint64)0] = (uint64)9182379272246532360;"));
    ck_assert(attach_fits_file(&fixture.plan));
    sites[1].address = 0x5555000021f0;
    ck_assert(!attach_fits_file(&fixture.plan));
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

/* On arm64 bpftrace takes the address for the value of what stands at a register without an offset, and the register that tells
 * the sites apart has another name. */
START_TEST(arm64_reads_first_members_by_the_note)
{
    struct usdt_site sites[2] = {{0x10, 0x5010, {text_of("8@[x0]"), text_of("8@[x0, 8]"), text_of("-4@[x19]")}},
                                 {0x14, 0x5014, {text_of("8@[x0]"), text_of("8@[x0, 8]"), text_of("-4@w2")}}};
    struct usdt_probe send = {
        .provider = "h2o", .name = "send_response", .nargs = 3, .sites = sites, .nsites = 2, .machine = EM_AARCH64};
    struct target target = {.pid = 77, .probes = {&send, 1}};
    static const char *const versions[] = {"0.17.0", "0.27.0"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture = {0};
        write_all(&fixture, &target, versions[i], "http");
        ck_assert_ptr_nonnull(
            strstr(out.ptr, "    $site = reg(\"pc\");\n    $extra2_0 = (uint64)(uint64)(int64)*(int32*)(reg(\"r19\"));\n"
                            "    $extra2_1 = (uint64)(uint64)(int64)(int32)reg(\"r2\");\n"));
        ck_assert_ptr_nonnull(strstr(out.ptr, "*(uint64*)(reg(\"r0\"))"));
        ck_assert_ptr_nonnull(strstr(out.ptr, i == 0 ? "arg1" : "*(uint64*)(reg(\"r0\") + 8)"));
        ck_assert_ptr_null(strstr(out.ptr, "arg0"));
        ck_assert_ptr_null(strstr(out.ptr, "arg2"));
        text_free(&out);
        fixture_free(&fixture);
    }
}
END_TEST

/* T10: bpftrace's own numbers are the host's. */
START_TEST(t10_numbers_of_a_pid_namespace)
{
    struct usdt_probe receive = {.provider = "h2o", .name = "receive_request", .nargs = 3, .nsites = 0};
    struct target target = {.pid = 77, .by_path = true, .probes = {&receive, 1}};
    struct fixture fixture = {0};
    write_all(&fixture, &target, "0.17.0", "http");
    ck_assert_ptr_nonnull(strstr(out.ptr, "receive_request /pid == 77/\n"));
    ck_assert(strstr(out.ptr, "(uint64)tid") != NULL && strstr(out.ptr, "curtask") == NULL);
    fixture_free(&fixture);
    fixture = (struct fixture){0};
    out.len = 0;
    target.levels = 3; /* it is two below h2olog's */
    target.namespace = 4026532000;
    write_all(&fixture, &target, "0.27.0", "http");
    ck_assert_ptr_nonnull(strstr(out.ptr, "pid_ns_for_children->parent->parent->ns.inum == 4026532000 && ("));
    ck_assert_ptr_nonnull(strstr(out.ptr, "*(int32*)kptr((uint64)((struct task_struct *)curtask)->group_leader->thread_pid + "
                                          "sizeof(struct pid) + 16 * (uint64)((struct task_struct *)curtask)->group_leader->"
                                          "thread_pid->level - 32) : "));
    ck_assert_ptr_nonnull(strstr(out.ptr, "thread_pid->level - 48)) == 77/\n{\n    $tid = (*(uint64*)kptr("));
    ck_assert(strstr(out.ptr, "(uint64)$tid") != NULL && strstr(out.ptr, "(uint64)tid") == NULL);
    text_free(&out);
    fixture_free(&fixture);
}
END_TEST

Suite *
wire_program_suite(void)
{
    Suite *suite = suite_create("wire_program");
    TCase *tcase = tcase_create("script");
    tcase_add_test(tcase, operands_become_expressions);
    tcase_add_test(tcase, templates_expand_names_only);
    tcase_add_test(tcase, versions_of_bpftrace);
    tcase_add_test(tcase, the_program_has_a_block_for_every_event);
    tcase_add_test(tcase, every_loop_ends_for_the_verifier);
    tcase_add_test(tcase, a_value_is_held_back_by_its_name);
    tcase_add_test(tcase, a_block_reads_and_prints);
    tcase_add_test(tcase, only_what_was_asked_for_is_read);
    tcase_add_test(tcase, batches_are_kept_in_maps);
    tcase_add_test(tcase, the_end_of_pieces_has_the_size_of_one);
    tcase_add_test(tcase, a_server_without_a_name_and_a_seventh_argument);
    tcase_add_test(tcase, what_all_sites_have_in_one_place_is_read_there);
    tcase_add_test(tcase, a_program_by_file_sees_several_processes);
    tcase_add_test(tcase, arm64_reads_first_members_by_the_note);
    tcase_add_test(tcase, t10_numbers_of_a_pid_namespace);
    suite_add_tcase(suite, tcase);
    return suite;
}
