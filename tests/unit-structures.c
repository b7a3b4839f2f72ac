#include "catalog/structures.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct mem mem;
static struct diag diag;
static struct structures structures;

static void
tear_down(void)
{
    mem_free(&mem);
    mem = (struct mem){0};
}

static int
parse(const char *text)
{
    struct file file = fixture_file("t.structures", text);
    struct files files = {&file, 1};
    return structures_parse(&structures, &files, &mem, &diag);
}

START_TEST(the_built_in_file_says_everything)
{
    struct files files;
    files_load_builtin(&files, "probes", ".structures", &mem);
    ck_assert_msg(structures_parse(&structures, &files, &mem, &diag) == 0, "%s", diag.message);
    ck_assert_str_eq(structures.function, "h2o_dispose_request");
    ck_assert_str_eq(structures.wanted[STRUCTURES_STATUS].paths[0], "st_h2o_req_t.res.status");
    int index = structures_of(STRUCTURES_REQ_ID, STRUCTURES_HTTP3);
    ck_assert_str_eq(structures.wanted[index].paths[0], "st_h2o_http3_server_stream_t(req).quic->stream_id");
    ck_assert_uint_eq(structures.wanted[structures_of(STRUCTURES_ADDRESS, STRUCTURES_HTTP3)].npaths, 3);
    const int without[] = {STRUCTURES_COUNTERS + COUNTER_CONNECTIONS_CLOSED, structures_of(STRUCTURES_RTT, STRUCTURES_HTTP1),
                           structures_of(STRUCTURES_RTT, STRUCTURES_HTTP2)};
    for (int i = 0; i < STRUCTURES_VALUES; i++)
        ck_assert((structures.wanted[i].npaths > 0) == (i != without[0] && i != without[1] && i != without[2]));
    ck_assert_str_eq(structures.wanted[STRUCTURES_COUNTERS + COUNTER_QUIC_PACKETS_LOST].paths[0],
                     "@conf.threads->ctx.quic_stats.quicly.num_packets.lost");
    ck_assert_str_eq(structures_name(STRUCTURES_COUNTERS + COUNTER_QUIC_PACKETS_LOST, &mem), "counter.quic_packets_lost");
    ck_assert_uint_eq(structures.nlayouts, 4);
    ck_assert_str_eq(structures_name(STRUCTURES_STATUS, &mem), "status");
    ck_assert_str_eq(structures_name(index, &mem), "http3.req_id");
    ck_assert_str_eq(structures.layouts[0].name, "2026-06");
    for (size_t i = 0; i < structures.nlayouts; i++)
        for (int value = 0; value < STRUCTURES_VALUES; value++)
            ck_assert_msg(structures.layouts[i].places[value].nsteps > 0 || structures.wanted[value].is_optional,
                          "layout %s, value %d", structures.layouts[i].name, value);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const char *const rows[][2] = {
        {"", "t.structures:1:1: there is no line \"function NAME\""},
        {"function f g\n", "t.structures:1:12: unexpected \"g\"; expected the end of the line"},
        {"function a-b\n", "t.structures:1:10: not a name \"a-b\"; expected letters, digits and _"},
        {"# c\nfunction f\nnone st_a.b\n",
         "t.structures:3:1: there is no value \"none\"; expected function, layout, or a value as conn_id "
         "or http1.req_id"},
        {"function f\nhttp4.req_id st_a.b\n", "t.structures:2:1: there is no value \"http4.req_id\""},
        {"function f\nhttp1.conn st_a.b\n", "t.structures:2:1: there is no value \"http1.conn\""},
        {"function f\nstatus\n", "t.structures:2:7: the line ends too early; expected where the value stands, as "
                                 "st_h2o_req_t.res.status"},
        {"function f\nstatus st_a.b\n", "t.structures:1:1: there is no line for the value conn"},
        {"layout\n", "t.structures:1:7: the line ends too early; expected the layout's name, as 2026-06"},
        {"layout a\n status 1\n", "t.structures:2:9: not a place \"1\"; expected offsets with commas between them, and a size"},
        {"layout a\n status 1,x 8\n", "t.structures:2:9: not a place \"1,x 8\""},
        {"layout a\n status 1 3\n", "t.structures:2:9: not a place \"1 3\""},
        {"function f\nstatus \033[1m\n", "t.structures:2:8: unexpected \"\\x1b\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(parse(rows[i][0]), -1);
        ck_assert_msg(strncmp(diag.message, rows[i][1], strlen(rows[i][1])) == 0, "%s", diag.message);
    }
}
END_TEST

START_TEST(no_file_says_nothing)
{
    struct files none = {0};
    ck_assert_int_eq(structures_parse(&structures, &none, &mem, &diag), 0);
    ck_assert_ptr_null(structures.function);
}
END_TEST

/* A probe send_response with sites of these operands of the connection's number and the status. */
static struct usdt_probes
probes_of(const char *const (*operands)[2], size_t count)
{
    struct usdt_site *sites = mem_alloc(&mem, count * sizeof(*sites));
    struct usdt_probe *probe = mem_alloc(&mem, sizeof(*probe));
    for (size_t i = 0; i < count; i++) {
        sites[i].operands[0] = text_of(operands[i][0]);
        sites[i].operands[2] = text_of(operands[i][1]);
    }
    *probe = (struct usdt_probe){.provider = "h2o", .name = "send_response", .nargs = 3, .sites = sites, .nsites = count};
    return (struct usdt_probes){.items = probe, .count = 1};
}

START_TEST(operands_confirm_a_layout_or_say_nothing)
{
    static const struct {
        const char *operands[3][2];
        int known, confirmations;
    } rows[] = {
        {{{"8@32(%rax)", "-4@920(%r13)"}, {"8@32(%rax)", "-4@728(%rbx)"}, {"8@32(%rax)", "-4@712(%r12)"}}, 3, 3},
        {{{"8@[x0, 32]", "-4@[x19, 920]"}, {"8@[x0, 32]", "-4@[x19, #728]"}, {"8@[x0, 32]", "-4@[x29, 712]"}}, 2, 2},
        {{{"8@32(%rdx)", "-4@912(%r14)"}, {"8@32(%rdx)", "-4@728(%rbx)"}, {"8@32(%r15)", "-4@664(%rbp)"}}, 2, 1},
        {{{"8@%rdx", "-4@%eax"}, {"8@%rdx", "-4@120(%rsp)"}, {"8@%rdx", "-4@$200"}}, 0, 0},
        {{{"8@(%rax)", "-4@16(%rax)"}, {"8@(%rax)", "-4@16(%rax)"}, {"8@(%rax)", "-4@16(%rax)"}}, 0, 0}, /* an array */
        {{{"8@[x0]", "-4@[x0, 16]"}, {"8@[x1]", "-4@[x1, 16]"}, {"8@[x0]", "-4@[x0, 16]"}}, 0, 0},
        {{{"8@32(%rax)", "-4@16(%rbx)"}, {"8@32(%rax)", "-4@16(%rbx)"}, {"8@32(%rax)", "-4@(%rbx)"}}, 3, 0},
        {{{"8@40(%rax)", "-4@920(%r13)"}, {"8@%rax", "-4@728(%rbx)"}, {"8@24(%rax)", "-4@712(%r12)"}}, 3, 1},
    };
    struct files files;
    files_load_builtin(&files, "probes", ".structures", &mem);
    ck_assert_int_eq(structures_parse(&structures, &files, &mem, &diag), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct usdt_probes probes = probes_of(rows[i].operands, 3);
        int known, confirmations = structures_confirmations(structures.layouts[0].places, &probes, &known);
        ck_assert_msg(known == rows[i].known && confirmations == rows[i].confirmations, "row %zu: %d of %d", i, confirmations,
                      known);
    }
}
END_TEST

Suite *
structures_suite(void)
{
    Suite *suite = suite_create("structures");
    TCase *tcase = tcase_create("structures");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, the_built_in_file_says_everything);
    tcase_add_test(tcase, what_is_wrong_is_named);
    tcase_add_test(tcase, no_file_says_nothing);
    tcase_add_test(tcase, operands_confirm_a_layout_or_say_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
