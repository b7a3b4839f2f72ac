#include "catalog/types.h"

#include "base/json.h"
#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void
check_printed(types_printer *put, const struct types_row *type, const struct types_value *value, const char *expected)
{
    struct outbuf out = {0};
    put(&out, type, value);
    fixture_equal(&out, expected);
    text_free(&out);
}

START_TEST(numbers_are_cut_and_extended)
{
    static const struct {
        const char *type;
        uint64_t wire;
        const char *shown;
    } rows[] = {
        {"u8", 0x1ff, "255"},
        {"u8", 0xffffffffffffff00, "0"},
        {"u16", 0x12345, "9029"},
        {"u32", 0xffffffffffffffff, "4294967295"},
        {"u64", 0xffffffffffffffff, "18446744073709551615"},
        {"i8", 0x80, "-128"},
        {"i8", 0x17f, "127"},
        {"i16", 0xffff, "-1"},
        {"i16", 0x7fff, "32767"},
        {"i32", 0x80000000, "-2147483648"},
        {"i32", 0xffffffff00000001, "1"},
        {"i64", 0x8000000000000000, "-9223372036854775808"},
        {"ms", 1580410632750, "1580410632750"},
        {"http_version", 0x101, "HTTP/1.1"},
        {"http_version", 0x300, "HTTP/3.0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct types_row *type = types_find(text_of(rows[i].type));
        ck_assert_ptr_nonnull(type);
        struct types_value value = {.number = types_number(type, rows[i].wire)};
        check_printed(type->put_line, type, &value, rows[i].shown);
    }
    const struct types_row *version = types_find(text_of("http_version"));
    check_printed(version->put_json, version, &(struct types_value){.number = 0x200}, "512");
}
END_TEST

START_TEST(an_unknown_argument_is_an_integer_of_its_size)
{
    static const char *const names[2][9] = {{[1] = "u8", [2] = "u16", [4] = "u32", [8] = "u64"},
                                            {[1] = "i8", [2] = "i16", [4] = "i32", [8] = "i64"}};
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        for (int size = 1; size <= 8; size++) {
            const struct types_row *type = types_integer(size, is_signed);
            if (names[is_signed][size] == NULL)
                ck_assert_ptr_null(type);
            else
                ck_assert_str_eq(type->name, names[is_signed][size]);
        }
    }
    ck_assert_ptr_null(types_find(text_of("u128")));
    ck_assert_ptr_null(types_find(text_of("")));
    ck_assert_ptr_null(types_find(text_of("U8")));
}
END_TEST

START_TEST(what_stands_beside_a_value_in_json)
{
    static const struct {
        const char *type, *text;
        size_t len;
        uint64_t number;
        bool needs_hex, is_cut;
    } rows[] = {
        {"str", "ab", 2, 2, false, false},       {"str", "ab", 2, 3, false, true},      {"str", "\xc3\xa9", 2, 2, false, false},
        {"str", "\xc3", 1, 2, true, true},       {"str", "a\0b", 3, 3, false, false},   {"cstr", "\xff", 1, 1, true, false},
        {"cstr", "ab", 2, 3, false, true},       {"bytes", "\xff", 1, 1, false, false}, {"bytes", "\xff", 1, 2, false, true},
        {"preview", "\xff", 1, 2, false, false}, {"u64", "", 0, 9, false, false},       {"sockaddr", "", 0, 9, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct types_row *type = types_find(text_of(rows[i].type));
        struct types_value value = {.number = rows[i].number, .text = {rows[i].text, rows[i].len}};
        ck_assert_msg(types_needs_hex(type, &value) == rows[i].needs_hex, "row %zu", i);
        ck_assert_msg(types_is_cut(type, &value) == rows[i].is_cut, "row %zu", i);
    }
}
END_TEST

static void
check_json(const char *input, size_t len, const char *expected)
{
    struct outbuf out = {0};
    json_string(&out, (struct slice){input, len});
    fixture_equal(&out, expected);
    text_free(&out);
}

#define JSON(input, expected) check_json(input, sizeof(input) - 1, expected)

START_TEST(json_strings)
{
    JSON("", "\"\"");
    JSON("a\"b\\c/", "\"a\\\"b\\\\c/\"");
    JSON("\0\t\n\x1b\x7f", "\"\\u0000\\u0009\\u000a\\u001b\\u007f\"");
    JSON("\xc2\x9b", "\"\\u009b\"");
    JSON("\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6\xd8\x9c", "\"\\u202e\\u2028\\u2066\\u061c\"");
    JSON("\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    JSON("\xf0\x9f\x98", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    JSON("a\xff"
         "b",
         "\"a\xef\xbf\xbd"
         "b\"");
    JSON("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
END_TEST

START_TEST(json_keys_and_hexadecimal)
{
    struct outbuf out = {0};
    json_key(&out, "name", "_hex");
    json_hex_string(&out, (struct slice){"\x00\x7f\x80\xff", 4});
    json_hex_string(&out, (struct slice){NULL, 0});
    fixture_equal(&out, "\"name_hex\": \"007f80ff\"\"\"");
    text_free(&out);
}
END_TEST

/* The words of a sockaddr, as they stand in memory. */
static void
check_address(const unsigned char bytes[24], const char *expected)
{
    const struct types_row *type = types_find(text_of("sockaddr"));
    uint32_t low[2];
    uint64_t high[2];
    char quoted[128];
    memcpy(low, bytes, 8);
    memcpy(high, bytes + 8, 16);
    const uint64_t words[] = {low[0], low[1], high[0], high[1]};
    struct types_value value = {.text = {(const char *)words, sizeof(words)}};
    snprintf(quoted, sizeof(quoted), "\"%s\"", expected);
    check_printed(type->put_line, type, &value, expected);
    check_printed(type->put_json, type, &value, quoted);
}

/* A sockaddr of the family, the port's bytes as on the network, then the rest from byte 4 on. */
static void
make_address(unsigned char bytes[24], uint16_t family, uint16_t port, const unsigned char *rest, size_t at, size_t len)
{
    memset(bytes, 0, 24);
    memcpy(bytes, &family, 2);
    bytes[2] = (unsigned char)(port >> 8);
    bytes[3] = (unsigned char)port;
    memcpy(bytes + at, rest, len);
}

START_TEST(addresses_of_version_4)
{
    static const struct {
        unsigned char address[4];
        uint16_t port;
        const char *shown;
    } rows[] = {
        {{127, 0, 0, 1}, 443, "127.0.0.1:443"},
        {{0, 0, 0, 0}, 0, "0.0.0.0:0"},
        {{255, 255, 255, 255}, 65535, "255.255.255.255:65535"},
        {{192, 0, 2, 200}, 256, "192.0.2.200:256"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char bytes[24];
        make_address(bytes, AF_INET, rows[i].port, rows[i].address, 4, 4);
        check_address(bytes, rows[i].shown);
    }
}
END_TEST

START_TEST(addresses_of_version_6)
{
    static const struct {
        unsigned char address[16];
        uint16_t port;
        const char *shown;
    } rows[] = {
        {{[15] = 1}, 443, "[::1]:443"},
        {{0}, 65535, "[::]:65535"},
        {{0x20, 1, 0x0d, 0xb8, [15] = 0x2a}, 8443, "[2001:db8::2a]:8443"},
        {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}, 1, "[::ffff:192.0.2.1]:1"},
        {{0xfe, 0x80, [7] = 9, 1, 2, 3, 4, 5, 6, 7, 8}, 80, "[fe80::9:102:304:506:708]:80"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char bytes[24];
        make_address(bytes, AF_INET6, rows[i].port, rows[i].address, 8, 16);
        check_address(bytes, rows[i].shown);
    }
}
END_TEST

START_TEST(addresses_of_other_families)
{
    unsigned char bytes[24];
    make_address(bytes, 0, 0, (const unsigned char *)"", 4, 0);
    check_address(bytes, "family 0");
    make_address(bytes, AF_UNIX, 0x2f78, (const unsigned char *)"\n\"\033", 4, 3); /* its path is not shown */
    check_address(bytes, "family 1");
    make_address(bytes, 65535, 1, (const unsigned char *)"", 4, 0);
    check_address(bytes, "family 65535");
}
END_TEST

START_TEST(texts_and_bytes_have_their_forms)
{
    static const struct {
        const char *type;
        struct slice text;
        uint64_t number;
        const char *line, *json;
    } rows[] = {
        {"str", {"", 0}, 0, "", "\"\""},
        {"str", {"a b", 3}, 3, "a b", "\"a b\""},
        {"str", {"a\0\n\"\\", 5}, 5, "a\\x00\\x0a\"\\\\", "\"a\\u0000\\u000a\\\"\\\\\""},
        {"str", {"\\[9 bytes cut]", 14}, 14, "\\\\[9 bytes cut]", "\"\\\\[9 bytes cut]\""},
        {"str", {"abc", 3}, 907, "abc\\[904 bytes cut]", "\"abc\""},
        {"str", {"", 0}, UINT64_MAX, "\\[18446744073709551615 bytes cut]", "\"\""},
        {"str", {"\xe2\x82", 2}, 3, "\\xe2\\x82\\[1 bytes cut]", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"cstr", {"x\ty", 3}, 3, "x\\x09y", "\"x\\u0009y\""},
        {"hexstr", {"00ff", 4}, 4, "00ff", "\"00ff\""},
        {"bytes", {"\x00\xff\x0a", 3}, 3, "00ff0a", "\"00ff0a\""},
        {"bytes", {"\x01", 1}, 65, "01\\[64 bytes cut]", "\"01\""},
        {"preview", {"\x01\x80", 2}, 2, "0180", "\"0180\""},
        {"preview", {"\x01", 1}, 65, "01", "\"01\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct types_row *type = types_find(text_of(rows[i].type));
        struct types_value value = {.number = rows[i].number, .text = rows[i].text};
        check_printed(type->put_line, type, &value, rows[i].line);
        check_printed(type->put_json, type, &value, rows[i].json);
    }
}
END_TEST

START_TEST(numbers_are_the_same_in_json)
{
    static const struct {
        const char *type;
        uint64_t wire;
        const char *shown;
    } rows[] = {
        {"u64", UINT64_MAX, "18446744073709551615"},
        {"i64", UINT64_MAX, "-1"},
        {"i64", 0x8000000000000000, "-9223372036854775808"},
        {"i64", 0x7fffffffffffffff, "9223372036854775807"},
        {"i8", 0xffffffffffffff80, "-128"},
        {"u8", 0x80, "128"},
        {"i16", 0x8000, "-32768"},
        {"u16", 0xffff8000, "32768"},
        {"i32", 0xffffffff, "-1"},
        {"u32", 0xffffffff, "4294967295"},
        {"ms", UINT64_MAX, "-1"},
        {"http_version", 0x101, "257"},
        {"u32", 0, "0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct types_row *type = types_find(text_of(rows[i].type));
        struct types_value value = {.number = types_number(type, rows[i].wire)};
        check_printed(type->put_json, type, &value, rows[i].shown);
    }
}
END_TEST

/* types.def's columns that others rely on. */
START_TEST(every_type_has_its_row)
{
    static const struct {
        const char *name;
        enum types_wire wire;
        int bits;
        bool is_signed, needs_len;
        unsigned limit;
    } rows[] = {
        {"u8", TYPES_NUMBER, 8, false, false, 0},     {"u16", TYPES_NUMBER, 16, false, false, 0},
        {"u32", TYPES_NUMBER, 32, false, false, 0},   {"u64", TYPES_NUMBER, 64, false, false, 0},
        {"i8", TYPES_NUMBER, 8, true, false, 0},      {"i16", TYPES_NUMBER, 16, true, false, 0},
        {"i32", TYPES_NUMBER, 32, true, false, 0},    {"i64", TYPES_NUMBER, 64, true, false, 0},
        {"str", TYPES_TEXT, 64, false, true, 0},      {"cstr", TYPES_CSTR, 64, false, false, 0},
        {"hexstr", TYPES_CSTR, 64, false, false, 0},  {"bytes", TYPES_BYTES, 64, false, true, 64},
        {"preview", TYPES_BYTES, 64, false, true, 8}, {"sockaddr", TYPES_ADDRESS, 64, false, false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct types_row *type = types_find(text_of(rows[i].name));
        ck_assert_msg(type != NULL, "%s", rows[i].name);
        ck_assert_msg(type->wire == rows[i].wire && type->bits == rows[i].bits && type->is_signed == rows[i].is_signed, "%s",
                      rows[i].name);
        ck_assert_msg(type->needs_len == rows[i].needs_len && type->limit == rows[i].limit, "%s", rows[i].name);
    }
    ck_assert_ptr_null(types_find((struct slice){"u8\0", 3}));
    ck_assert_ptr_eq(types_find((struct slice){"u8x", 2}), types_find(text_of("u8")));
}
END_TEST

Suite *
types_suite(void)
{
    Suite *suite = suite_create("types");
    TCase *tcase = tcase_create("types");
    tcase_add_test(tcase, numbers_are_cut_and_extended);
    tcase_add_test(tcase, an_unknown_argument_is_an_integer_of_its_size);
    tcase_add_test(tcase, what_stands_beside_a_value_in_json);
    tcase_add_test(tcase, json_strings);
    tcase_add_test(tcase, json_keys_and_hexadecimal);
    tcase_add_test(tcase, addresses_of_version_4);
    tcase_add_test(tcase, addresses_of_version_6);
    tcase_add_test(tcase, addresses_of_other_families);
    tcase_add_test(tcase, texts_and_bytes_have_their_forms);
    tcase_add_test(tcase, numbers_are_the_same_in_json);
    tcase_add_test(tcase, every_type_has_its_row);
    suite_add_tcase(suite, tcase);
    return suite;
}
