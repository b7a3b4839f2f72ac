#include "types.h"

#include "json.h"
#include "unit-fixture.h"
#include "unit.h"

#include <string.h>

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
    suite_add_tcase(suite, tcase);
    return suite;
}
