#include "base/json.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static void
check_string(struct slice input, const char *expected)
{
    struct outbuf out = {0};
    json_string(&out, input);
    fixture_equal(&out, expected);
    text_free(&out);
}

START_TEST(every_byte_alone)
{
    for (int byte = 0; byte < 256; byte++) {
        char input = (char)byte, expected[16];
        if (byte == '"' || byte == '\\')
            snprintf(expected, sizeof(expected), "\"\\%c\"", byte);
        else if (byte < 0x20 || byte == 0x7f)
            snprintf(expected, sizeof(expected), "\"\\u%04x\"", byte);
        else if (byte < 0x7f)
            snprintf(expected, sizeof(expected), "\"%c\"", byte);
        else
            snprintf(expected, sizeof(expected), "\"\xef\xbf\xbd\"");
        check_string((struct slice){&input, 1}, expected);
    }
}
END_TEST

#define FFFD "\xef\xbf\xbd"

START_TEST(edges_of_utf8)
{
    static const struct {
        const char *input, *expected;
    } rows[] = {
        {"\xc2\x80", "\"\\u0080\""},
        {"\xc2\x9f", "\"\\u009f\""},
        {"\xc2\xa0", "\"\xc2\xa0\""},
        {"\xdf\xbf", "\"\xdf\xbf\""},
        {"\xc0\x80", "\"" FFFD FFFD "\""},
        {"\xc1\xbf", "\"" FFFD FFFD "\""},
        {"\xe0\x9f\xbf", "\"" FFFD FFFD FFFD "\""},
        {"\xe0\xa0\x80", "\"\xe0\xa0\x80\""},
        {"\xed\x9f\xbf", "\"\xed\x9f\xbf\""},
        {"\xed\xbf\xbf", "\"" FFFD FFFD FFFD "\""},
        {"\xee\x80\x80", "\"\xee\x80\x80\""},
        {"\xf0\x8f\xbf\xbf", "\"" FFFD FFFD FFFD FFFD "\""},
        {"\xf0\x90\x80\x80", "\"\xf0\x90\x80\x80\""},
        {"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
        {"\xf4\x90\x80\x80", "\"" FFFD FFFD FFFD FFFD "\""},
        {"\xf5\x80\x80\x80", "\"" FFFD FFFD FFFD FFFD "\""},
        {"\xe2\x82", "\"" FFFD FFFD "\""},
        {"\xe2\x82\xc3\xa9", "\"" FFFD FFFD "\xc3\xa9\""},
        {"\xe2\x80\xa7", "\"\xe2\x80\xa7\""},
        {"\xe2\x80\xaa", "\"\\u202a\""},
        {"\xe2\x80\xaf", "\"\xe2\x80\xaf\""},
        {"\xe2\x81\xa9", "\"\\u2069\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_string(text_of(rows[i].input), rows[i].expected);
}
END_TEST

/* Cuts one character of a JSON string off `rest`: RFC 8259, and nothing that is unsafe on a terminal. */
static bool
cut_character(struct slice *rest)
{
    uint32_t code;
    size_t len = text_utf8(*rest, &code);
    if (len == 0 || text_is_unsafe(code) || code == '"')
        return false;
    if (code == '\\') {
        if (rest->len < 2 || memchr("\"\\/bfnrtu", rest->ptr[1], 9) == NULL)
            return false;
        len = rest->ptr[1] == 'u' ? 6 : 2;
        if (rest->len < len)
            return false;
        for (size_t i = 2; i < len; i++)
            if (memchr("0123456789abcdefABCDEF", rest->ptr[i], 22) == NULL)
                return false;
    }
    rest->ptr += len;
    rest->len -= len;
    return true;
}

START_TEST(any_bytes_make_a_valid_string)
{
    uint32_t seed = 3;
    for (int round = 0; round < 3000; round++) {
        char input[48];
        size_t len = fixture_random(&seed) % sizeof(input);
        fixture_fill(input, len, round % 2 ? NULL : "\"\\u0\n\xe2\x80\xae\xc2\x9b\xf0\x9f\x98\xed\xa0", &seed);
        struct outbuf out = {0};
        json_string(&out, (struct slice){input, len});
        ck_assert(out.len >= 2 && out.ptr[0] == '"' && out.ptr[out.len - 1] == '"');
        struct slice rest = {out.ptr + 1, out.len - 2};
        while (rest.len > 0)
            ck_assert_msg(cut_character(&rest), "round %d: %.*s", round, (int)out.len, out.ptr);
        text_free(&out);
    }
}
END_TEST

START_TEST(every_byte_in_hexadecimal)
{
    char all[256], expected[515], *at = expected;
    *at++ = '"';
    for (int byte = 0; byte < 256; byte++) {
        all[byte] = (char)byte;
        at += snprintf(at, 3, "%02x", byte);
    }
    memcpy(at, "\"", 2);
    struct outbuf out = {0};
    json_hex_string(&out, (struct slice){all, sizeof(all)});
    fixture_equal(&out, expected);
    text_free(&out);
}
END_TEST

START_TEST(a_key_without_a_suffix)
{
    struct outbuf out = {0};
    json_key(&out, "conn_id", "");
    fixture_equal(&out, "\"conn_id\": ");
    text_free(&out);
}
END_TEST

Suite *
json_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_test(tcase, every_byte_alone);
    tcase_add_test(tcase, edges_of_utf8);
    tcase_add_test(tcase, any_bytes_make_a_valid_string);
    tcase_add_test(tcase, every_byte_in_hexadecimal);
    tcase_add_test(tcase, a_key_without_a_suffix);
    suite_add_tcase(suite, tcase);
    return suite;
}
