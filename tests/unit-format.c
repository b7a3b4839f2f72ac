#include "base/clock.h"
#include "show/format_columns.h"
#include "show/format_json.h"
#include "show/format_record.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char catalogue[] =
    "provider q\n"
    "names kind\n 1 one\n"
    "probe quic\n group g\n summary s\n arg 0 master_conn_id u32 at=16\n arg 1 at ms\n arg 2 kind u8 names=kind\n"
    " arg 3 stream_id i64 at=8\n"
    "probe text\n group g\n summary s\n tag Rx\n arg 0 conn_id u64\n arg 1 name str len=2\n"
    " line ${conn_id} ${tag} ${name}\n"
    "probe bytes\n group g\n summary s\n arg 0 data bytes len=1 null\n arg 2 token u32 at=8 optional\n"
    "probe address\n group g\n summary s\n arg 0 conn_id u64\n arg 1 peer sockaddr null\n"
    "probe sized\n group g\n summary s\n arg 0 data bytes len=1\n arg 1 len u64\n"
    "probe cstr\n group g\n summary s\n arg 0 why cstr\n"
    "probe preview\n group g\n summary s\n arg 0 token_preview preview len=1\n";

enum { QUIC, TEXT, BYTES, ADDRESS, SIZED, CSTR, PREVIEW };

static struct fixture fixture;
static struct record record;

static void
set_up(void)
{
    fixture_plan(&fixture, catalogue, "0.17.0", "g");
}

static void
tear_down(void)
{
    fixture_free(&fixture);
}

static struct types_value *
start(int event)
{
    record = (struct record){.event = &fixture.plan.events[event], .nsecs = 5000000, .tid = 42, .pid = 7};
    return record.values;
}

static void
check(const char *name, struct format_options options, const char *expected)
{
    struct format format;
    struct outbuf out = {0};
    ck_assert(format_init(&format, name, options));
    wall_begin(&format.wall, 1000000000);
    format_record(&format, &out, &record);
    fixture_equal(&out, expected);
    text_free(&out);
}

static const struct format_options plain, with_names = {.names = true}, with_extra = {.extra = true};

START_TEST(a_quic_event)
{
    struct types_value *values = start(QUIC);
    values[0].number = 2;
    values[1].number = 1580410632750;
    values[2].number = 1;
    values[3].number = (uint64_t)-3;
    check("json", plain,
          "{\"at\": 1580410632750, \"type\": \"quic\", \"master_conn_id\": 2, \"kind\": 1, \"stream_id\": -3}\n");
    check("json", with_names,
          "{\"at\": 1580410632750, \"type\": \"quic\", \"master_conn_id\": 2, \"kind\": 1, \"kind_name\": \"one\", "
          "\"stream_id\": -3}\n");
    check("json", with_extra,
          "{\"at\": 1580410632750, \"type\": \"quic\", \"master_conn_id\": 2, \"kind\": 1, \"stream_id\": -3, "
          "\"provider\": \"q\", \"pid\": 7, \"tid\": 42, \"seq\": 1, \"nsecs\": 5000000}\n");
    check("line", plain, "2 -3 quic kind=1\n");
    check("line", with_extra, "7 2 -3 quic kind=1\n");
    check("line", with_names, "2 -3 quic kind=1(one)\n");
}
END_TEST

/* T23: nothing said that this is not all. */
START_TEST(a_share_of_the_connections_is_named)
{
    static const struct {
        double share;
        const char *shown;
    } rows[] = {{0, ""},
                {1, ", \"sample\": 1"},
                {42949672.0 / 4294967296, ", \"sample\": 0.01"},
                {1.0 / 4294967296, ", \"sample\": 2.32831e-10"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct format format;
        struct outbuf out = {0};
        ck_assert(format_init(&format, "json", with_extra));
        format_set_share(&format, rows[i].share);
        ck_assert_str_eq(format.sample, rows[i].shown);
        start(CSTR)[0] = (struct types_value){0};
        format_record(&format, &out, &record);
        text_putc(&out, '\0');
        const char *why = strstr(out.ptr, "\"why\": \"\""), *provider = strstr(out.ptr, ", \"provider\"");
        ck_assert(why != NULL && provider != NULL &&
                  (size_t)(provider - why) == strlen("\"why\": \"\"") + strlen(rows[i].shown));
        text_free(&out);
    }
}
END_TEST

/* T16: "at" was 0. */
START_TEST(an_event_without_a_time_yet_has_the_kernels)
{
    struct types_value *values = start(QUIC);
    check("json", plain, "{\"at\": 1005, \"type\": \"quic\", \"master_conn_id\": 0, \"kind\": 0, \"stream_id\": 0}\n");
    values[1].number = (uint64_t)-1;
    check("json", plain, "{\"at\": -1, \"type\": \"quic\", \"master_conn_id\": 0, \"kind\": 0, \"stream_id\": 0}\n");
}
END_TEST

START_TEST(a_connection_that_is_not_known_yet)
{
    struct types_value *values = start(QUIC);
    values[0].is_null = true;
    values[1].number = 9;
    check("json", plain, "{\"at\": 9, \"type\": \"quic\", \"master_conn_id\": null, \"kind\": 0, \"stream_id\": 0}\n");
    check("line", plain, "- 0 quic kind=0\n");
}
END_TEST

/* In lines a loss is told of on stderr, as a line is an event. */
START_TEST(a_loss_is_a_json_record)
{
    record = (struct record){.nsecs = 5000000, .pid = 7};
    record.values[0].number = 12345678901;
    check("json", plain, "{\"at\": 1005, \"type\": \"h2olog-event-lost\", \"lost\": 12345678901}\n");
    check("json", with_extra,
          "{\"at\": 1005, \"type\": \"h2olog-event-lost\", \"lost\": 12345678901, \"pid\": 7, \"seq\": 1, "
          "\"nsecs\": 5000000}\n");
    check("line", with_extra, "");
}
END_TEST

START_TEST(cut_values_are_counted)
{
    struct format format;
    struct outbuf out = {0};
    struct types_value *values = start(TEXT);
    ck_assert(format_init(&format, "line", plain));
    values[1] = (struct types_value){.number = 4, .text = {"abcd", 4}};
    ck_assert_int_eq(format_record(&format, &out, &record), 0);
    values[1].number = 5;
    ck_assert_int_eq(format_record(&format, &out, &record), 1);
    record = (struct record){0};
    ck_assert_int_eq(format_record(&format, &out, &record), 0);
    text_free(&out);
}
END_TEST

START_TEST(text_as_line_and_json)
{
    struct types_value *values = start(TEXT);
    values[0].number = UINT64_MAX;
    values[1] = (struct types_value){.number = 4, .text = {"\"\\\n\x9b", 4}};
    check("line", plain, "18446744073709551615 Rx         \"\\\\\\x0a\\x9b\n");
    check("json", plain,
          "{\"at\": 1005, \"type\": \"text\", \"conn_id\": 18446744073709551615, \"name\": \"\\\"\\\\\\u000a\xef\xbf\xbd\", "
          "\"name_hex\": \"225c0a9b\"}\n");
    values[1] = (struct types_value){.number = 9, .text = {"\xc2\x9b", 2}};
    check("line", plain, "18446744073709551615 Rx         \\xc2\\x9b\\[7 bytes cut]\n");
    check("json", plain,
          "{\"at\": 1005, \"type\": \"text\", \"conn_id\": 18446744073709551615, \"name\": \"\\u009b\", \"name_len\": 9}\n");
}
END_TEST

START_TEST(bytes_null_and_optional)
{
    struct types_value *values = start(BYTES);
    values[0] = (struct types_value){.number = 3, .text = {"\x00\xff", 2}};
    values[2] = (struct types_value){0};
    values[1].number = 7;
    check("json", plain, "{\"at\": 1005, \"type\": \"bytes\", \"data\": \"00ff\", \"data_len\": 3, \"token\": 7}\n");
    check("line", plain, "- - bytes data=00ff\\[1 bytes cut] token=7\n");
    values[0].is_null = values[1].is_null = true;
    check("json", plain, "{\"at\": 1005, \"type\": \"bytes\", \"data\": null}\n");
    check("line", plain, "- - bytes data=null\n");
}
END_TEST

/* Found when a field of its own already showed the length: JSON had a key twice. */
START_TEST(a_length_stands_once)
{
    struct types_value *values = start(SIZED);
    values[0] = (struct types_value){.number = 3, .text = {"ab", 2}};
    values[1].number = 3;
    check("json", plain, "{\"at\": 1005, \"type\": \"sized\", \"data\": \"6162\", \"len\": 3}\n");
}
END_TEST

START_TEST(a_text_of_unknown_length)
{
    struct types_value *values = start(CSTR);
    values[0] = (struct types_value){.number = 3, .text = {"ab", 2}};
    check("json", plain, "{\"at\": 1005, \"type\": \"cstr\", \"why\": \"ab\", \"why_len\": null}\n");
    check("line", plain, "- - cstr why=ab\\[cut]\n");
}
END_TEST

START_TEST(a_preview_is_not_marked)
{
    struct types_value *values = start(PREVIEW);
    values[0] = (struct types_value){.number = 30, .text = {"\x01\x02\x03\x04\x05\x06\x07\x08", 8}};
    check("json", plain, "{\"at\": 1005, \"type\": \"preview\", \"token_preview\": \"0102030405060708\"}\n");
}
END_TEST

/* The words as the server's memory holds them, on a little-endian machine. */
START_TEST(socket_addresses)
{
    struct types_value *values = start(ADDRESS);
    values[0].number = 1;
    values[1] = (struct types_value){.text = {(const char *)(uint64_t[]){0xbb010002, 0x0100007f, 0, 0}, 32}};
    check("json", plain, "{\"at\": 1005, \"type\": \"address\", \"conn_id\": 1, \"peer\": \"127.0.0.1:443\"}\n");
    values[1] = (struct types_value){.text = {(const char *)(uint64_t[]){0xbb01000a, 0, 0, 0x0100000000000000}, 32}};
    check("line", plain, "1 - address peer=[::1]:443\n");
    values[1] = (struct types_value){.text = {(const char *)(uint64_t[]){1, 0, 0, 0}, 32}};
    check("line", plain, "1 - address peer=family 1\n");
    values[1].is_null = true;
    check("json", plain, "{\"at\": 1005, \"type\": \"address\", \"conn_id\": 1, \"peer\": null}\n");
}
END_TEST

/* Whatever the bytes, a JSON string is valid UTF-8 with legal escapes only. */
START_TEST(json_strings_are_always_valid)
{
    uint32_t seed = 3;
    for (int round = 0; round < 5000; round++) {
        char bytes[24];
        size_t len = fixture_random(&seed) % sizeof(bytes);
        fixture_fill(bytes, len, round % 2 ? NULL : "\"\\\n\xe2\x80\xae\xc2\x9bz", &seed);
        struct types_value *values = start(TEXT);
        values[1] = (struct types_value){.number = len, .text = {bytes, len}};
        struct format format;
        struct outbuf out = {0};
        format_init(&format, "json", plain);
        format_record(&format, &out, &record);
        struct slice rest = {out.ptr, out.len - 1};
        for (uint32_t code; rest.len > 0;) {
            size_t used = text_utf8(rest, &code);
            ck_assert(used > 0 && !text_is_unsafe(code));
            if (code == '\\') {
                used = 2;
                ck_assert(rest.ptr[1] == '"' || rest.ptr[1] == '\\' || rest.ptr[1] == 'u');
            }
            rest.ptr += used, rest.len -= used;
        }
        text_free(&out);
    }
}
END_TEST

START_TEST(an_unknown_format_is_refused)
{
    struct format format;
    ck_assert(!format_init(&format, "xml", plain));
}
END_TEST

/* ---- The columns before a line. */

/* Lines at these times, in milliseconds since the machine was started. */
static void
check_times(struct format_options options, const char *expected)
{
    static const uint64_t times[] = {5000, 5001, 15002, 14000};
    struct format format;
    struct outbuf out = {0};
    ck_assert(format_init(&format, "line", options));
    wall_begin(&format.wall, 1580410632123456789);
    start(CSTR)[0] = (struct types_value){0};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        record.nsecs = times[i] * 1000000 + 543210;
        format_record(&format, &out, &record);
    }
    fixture_equal(&out, expected);
    text_free(&out);
}

static void
set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

/* T4: lines had no time. */
START_TEST(a_time_before_every_line)
{
    set_zone("UTC");
    check_times(
        (struct format_options){.time = FORMAT_CLOCK},
        "18:57:17.123 - - cstr why=\n18:57:17.124 - - cstr why=\n18:57:27.125 - - cstr why=\n18:57:26.123 - - cstr why=\n");
    check_times((struct format_options){.time = FORMAT_ELAPSED},
                "0.000000 - - cstr why=\n0.001000 - - cstr why=\n10.002000 - - cstr why=\n9.000000 - - cstr why=\n");
    check_times((struct format_options){.time = FORMAT_DELTA},
                "0.000000 - - cstr why=\n0.001000 - - cstr why=\n10.001000 - - cstr why=\n-1.002000 - - cstr why=\n");
    check_times((struct format_options){.time = FORMAT_DELTA, .has_servers = true},
                "0.000000 7 - - cstr why=\n0.001000 7 - - cstr why=\n10.001000 7 - - cstr why=\n-1.002000 7 - - cstr why=\n");
}
END_TEST

START_TEST(a_time_with_its_zone)
{
    static const char *const rows[][2] = {{"UTC", "2020-01-30T18:57:17.123+00:00 "},
                                          {"XST-5:45", "2020-01-31T00:42:17.123+05:45 "},
                                          {"XST3:30", "2020-01-30T15:27:17.123-03:30 "},
                                          {"XST0:30", "2020-01-30T18:27:17.123-00:30 "}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct format format;
        struct outbuf out = {0};
        set_zone(rows[i][0]);
        ck_assert(format_init(&format, "line", (struct format_options){.time = FORMAT_ISO}));
        wall_begin(&format.wall, 1580410632123456789);
        format_put_time(&format, &out, 5000000000);
        fixture_equal(&out, rows[i][1]);
        text_free(&out);
    }
    set_zone("UTC");
}
END_TEST

/* T5: connection numbers of several servers collide. */
START_TEST(several_servers_are_told_apart)
{
    const struct format_options several = {.has_servers = true}, with_both = {.has_servers = true, .extra = true};
    start(CSTR)[0] = (struct types_value){0};
    check("line", several, "7 - - cstr why=\n");
    check("line", with_both, "7 - - cstr why=\n");
    check("json", several, "{\"at\": 1005, \"type\": \"cstr\", \"why\": \"\", \"pid\": 7}\n");
    check("json", with_both,
          "{\"at\": 1005, \"type\": \"cstr\", \"why\": \"\", \"provider\": \"q\", \"pid\": 7, \"tid\": 42, \"seq\": 1, "
          "\"nsecs\": 5000000}\n");
    record = (struct record){.nsecs = 5000000, .pid = 7};
    record.values[0].number = 3;
    check("json", several, "{\"at\": 1005, \"type\": \"h2olog-event-lost\", \"lost\": 3, \"pid\": 7}\n");
}
END_TEST

START_TEST(times_have_names)
{
    enum format_time time;
    for (enum format_time i = FORMAT_NO_TIME; i <= FORMAT_DELTA; i++)
        ck_assert(format_find_time(&time, format_time_name(i)) && time == i);
    ck_assert(!format_find_time(&time, "") && !format_find_time(&time, "Clock"));
}
END_TEST

/* ---- The wall clock. */

/* T17: after a step the times were wrong for the rest of the run. */
START_TEST(a_time_has_the_offset_of_its_moment)
{
    struct format format;
    struct outbuf out = {0};
    ck_assert(format_init(&format, "json", plain));
    wall_begin(&format.wall, 1000000000);
    wall_step(&format.wall, 5000000, -3000000);
    wall_step(&format.wall, 7000000, 2000000000);
    for (uint64_t ms = 3; ms < 9; ms++) {
        format_json_time(&format, &out, ms * 1000000);
        text_putc(&out, ' ');
    }
    fixture_equal(&out, "1003 1004 2 3 2007 2008 ");
    text_free(&out);
}
END_TEST

START_TEST(a_clock_that_is_set_all_the_time)
{
    struct wall wall;
    wall_begin(&wall, 1);
    for (int i = 1; i <= 3 * WALL_STEPS; i++)
        wall_step(&wall, (uint64_t)i * 10, i * 100);
    ck_assert_int_eq(wall_offset(&wall, UINT64_MAX), 3 * WALL_STEPS * 100);
    ck_assert_int_eq(wall_offset(&wall, (2 * WALL_STEPS + 1) * 10 + 5), (2 * WALL_STEPS + 1) * 100);
    ck_assert_int_eq(wall_offset(&wall, 0), (2 * WALL_STEPS + 1) * 100);
}
END_TEST

START_TEST(a_clock_that_was_set_is_noticed_once)
{
    static const int64_t steps[] = {1000000000, -1000000000, 20000000, -20000000};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct wall wall;
        wall_begin(&wall, clock_realtime_offset() + steps[i]);
        for (int round = 0; round < 100 && !wall_watch(&wall, 50); round++)
            ck_assert_int_eq(wall_offset(&wall, 100), wall.steps[0].offset);
        ck_assert_uint_eq(wall.count, 2);
        int64_t off = wall_offset(&wall, 50) - clock_realtime_offset();
        ck_assert(off > -10000000 && off < 10000000);
    }
}
END_TEST

Suite *
format_suite(void)
{
    Suite *suite = suite_create("format");
    TCase *tcase = tcase_create("format");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_quic_event);
    tcase_add_test(tcase, an_event_without_a_time_yet_has_the_kernels);
    tcase_add_test(tcase, a_connection_that_is_not_known_yet);
    tcase_add_test(tcase, a_share_of_the_connections_is_named);
    tcase_add_test(tcase, a_loss_is_a_json_record);
    tcase_add_test(tcase, cut_values_are_counted);
    tcase_add_test(tcase, text_as_line_and_json);
    tcase_add_test(tcase, bytes_null_and_optional);
    tcase_add_test(tcase, a_length_stands_once);
    tcase_add_test(tcase, a_text_of_unknown_length);
    tcase_add_test(tcase, a_preview_is_not_marked);
    tcase_add_test(tcase, socket_addresses);
    tcase_add_test(tcase, json_strings_are_always_valid);
    tcase_add_test(tcase, an_unknown_format_is_refused);
    tcase_add_test(tcase, a_time_before_every_line);
    tcase_add_test(tcase, a_time_with_its_zone);
    tcase_add_test(tcase, several_servers_are_told_apart);
    tcase_add_test(tcase, times_have_names);
    tcase_add_test(tcase, a_time_has_the_offset_of_its_moment);
    tcase_add_test(tcase, a_clock_that_is_set_all_the_time);
    tcase_add_test(tcase, a_clock_that_was_set_is_noticed_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
