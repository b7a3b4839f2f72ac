#include "plan/buffers.h"

#include "plan/plan.h"
#include "unit-fixture.h"
#include "unit.h"

#include <string.h>

static struct fixture fixture;

/* Fields by how many numbers they make: an address has four, and one more if it may be missing. */
static const struct {
    int numbers, fields;
    const char *type;
} of_numbers[] = {
    {4, 4, "u64"}, {5, 5, "u64"}, {8, 2, "sockaddr"}, {10, 2, "sockaddr null"}, {24, 6, "sockaddr"}, {25, 5, "sockaddr null"},
};

/* A plan for that bpftrace, with a probe of each store. */
static void
make_plan(const char *version, enum request_transport transport, size_t buffer)
{
    struct outbuf out = {0};
    text_puts(&out, "provider q\n");
    for (size_t i = 0; i < sizeof(of_numbers) / sizeof(of_numbers[0]); i++) {
        text_printf(&out, "probe p%d\n group quic\n summary s\n", of_numbers[i].numbers);
        for (int j = 0; j < of_numbers[i].fields; j++)
            text_printf(&out, " arg %d a%d %s\n", j, j, of_numbers[i].type);
    }
    text_puts(&out, "probe text\n group quic\n summary s\n arg 0 a str len=1\n arg 2 b str len=3\n"
                    "probe cstr\n group quic\n summary s\n arg 0 a cstr\n");
    text_putc(&out, '\0');
    fixture_plan(&fixture, out.ptr, version, "quic");
    text_free(&out);
    fixture.request.transport = transport;
    fixture.request.buffer = buffer;
    ck_assert_int_eq(
        plan_make(&fixture.plan, &fixture.catalog, NULL, &fixture.bpftrace, &fixture.request, &fixture.mem, &fixture.diag), 0);
}

static struct bpftrace_memory
shared_out(unsigned cpus)
{
    return buffers_of(&fixture.plan.layout, &fixture.bpftrace.row, &fixture.request, cpus);
}

/* V7: all records of numbers were as wide as the widest, and half of a burst was lost. */
START_TEST(v7_records_are_kept_by_width)
{
    static const enum layout_store stores[] = {LAYOUT_NARROW, LAYOUT_MIDDLE,  LAYOUT_MIDDLE, LAYOUT_WIDE,
                                               LAYOUT_WIDE,   LAYOUT_PRINTED, LAYOUT_TEXTS,  LAYOUT_PRINTED};
    make_plan("0.17.0", REQUEST_BATCH, 0);
    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
        ck_assert_msg(fixture.plan.events[i].layout.store == stores[i], "%s", fixture.plan.events[i].probe->name);
    ck_assert_int_eq(fixture.plan.layout.widths[LAYOUT_NARROW], 4);
    ck_assert_int_eq(fixture.plan.layout.widths[LAYOUT_MIDDLE], 8);
    ck_assert_int_eq(fixture.plan.layout.widths[LAYOUT_WIDE], 24);
    fixture_free(&fixture);
}
END_TEST

/* What a key of all maps takes: of the kernel 64 bytes and the value in each of two maps, of bpftrace the largest value and 112
 * for one map. */
START_TEST(maps_fit_the_memory)
{
    enum { STRING = 112, TEXT = 3 * 8 + 2 * (STRING + 8) };
    const size_t kernel = 2 * (64 + 40) + 2 * (64 + 72) + 2 * (64 + 200) + 2 * (64 + TEXT) + 2 * (64 + STRING),
                 tracer = TEXT + 112;
    make_plan("0.17.0", REQUEST_BATCH, 64 << 20);
    ck_assert_uint_eq(fixture.plan.layout.widths[LAYOUT_TEXTS], 2);
    ck_assert_uint_eq(fixture.plan.layout.map_keys, (60 << 20) / (kernel + tracer));
    ck_assert_uint_eq(shared_out(2).map_keys, fixture.plan.layout.map_keys);
    ck_assert_uint_eq(shared_out(2).print_buffer, 2 << 20);
    ck_assert_uint_eq(shared_out(16).print_buffer, 256 << 10);
    fixture_free(&fixture);
    make_plan("0.17.0", REQUEST_BATCH, 0);
    ck_assert_uint_eq(shared_out(2).print_buffer, 4 << 20);
    fixture_free(&fixture);
    make_plan("0.17.0", REQUEST_BATCH, 1);
    ck_assert_uint_eq(shared_out(1000).map_keys, 1024);
    ck_assert_uint_eq(shared_out(1000).print_buffer, 64 << 10);
    fixture_free(&fixture);
}
END_TEST

START_TEST(a_stream_has_it_all_for_what_is_printed)
{
    static const struct {
        const char *version;
        size_t buffer;
        unsigned cpus;
        size_t printed;
    } rows[] = {
        {"0.17.0", 0, 2, 32 << 20},  {"0.17.0", 0, 64, 1 << 20},         {"0.19.0", 0, 64, 64 << 20},
        {"0.27.0", 0, 64, 64 << 20}, {"0.27.0", 100 << 20, 2, 64 << 20}, {"0.27.0", 4 << 20, 2, 4 << 20},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make_plan(rows[i].version, REQUEST_STREAM, rows[i].buffer);
        ck_assert_uint_eq(shared_out(rows[i].cpus).print_buffer, rows[i].printed);
        ck_assert_uint_eq(shared_out(rows[i].cpus).map_keys, 32768);
        fixture_free(&fixture);
    }
}
END_TEST

START_TEST(maps_of_old_recordings_stay_as_they_were)
{
    make_plan("0.17.0", REQUEST_BATCH, 0);
    bpftrace_as_recorded(&fixture.bpftrace, 4);
    ck_assert_int_eq(
        plan_make(&fixture.plan, &fixture.catalog, NULL, &fixture.bpftrace, &fixture.request, &fixture.mem, &fixture.diag), 0);
    static const enum layout_store stores[] = {LAYOUT_NARROW, LAYOUT_NARROW,  LAYOUT_NARROW, LAYOUT_NARROW,
                                               LAYOUT_NARROW, LAYOUT_PRINTED, LAYOUT_TEXTS,  LAYOUT_CSTR};
    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
        ck_assert_msg(fixture.plan.events[i].layout.store == stores[i], "%s", fixture.plan.events[i].probe->name);
    ck_assert_uint_eq(fixture.plan.layout.map_keys, 32768);
    fixture_free(&fixture);
}
END_TEST

Suite *
buffers_suite(void)
{
    Suite *suite = suite_create("buffers");
    TCase *tcase = tcase_create("buffers");
    tcase_add_test(tcase, v7_records_are_kept_by_width);
    tcase_add_test(tcase, maps_fit_the_memory);
    tcase_add_test(tcase, a_stream_has_it_all_for_what_is_printed);
    tcase_add_test(tcase, maps_of_old_recordings_stay_as_they_were);
    suite_add_tcase(suite, tcase);
    return suite;
}
