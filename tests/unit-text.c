#include "text.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static void
check_escape(const char *input, size_t len, const char *expected)
{
    struct outbuf out = {0};
    text_escape(&out, (struct slice){input, len});
    fixture_equal(&out, expected);
    text_free(&out);
}

#define ESCAPE(input, expected) check_escape(input, sizeof(input) - 1, expected)

START_TEST(printable_bytes_stay)
{
    ESCAPE("", "");
    ESCAPE(" !\"#$%&'()*+,-./0123456789:;<=>?@AZ[]^_`az{|}~", " !\"#$%&'()*+,-./0123456789:;<=>?@AZ[]^_`az{|}~");
    ESCAPE("d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x98\x80", "d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x98\x80");
    ESCAPE("\xc2\xa0\xef\xbf\xbf\xf4\x8f\xbf\xbf", "\xc2\xa0\xef\xbf\xbf\xf4\x8f\xbf\xbf");
}
END_TEST

START_TEST(a_backslash_is_doubled)
{
    ESCAPE("\\", "\\\\");
    ESCAPE("\\x0a", "\\\\x0a");
    ESCAPE("\\[3 bytes cut]", "\\\\[3 bytes cut]");
}
END_TEST

START_TEST(every_control_byte_is_escaped)
{
    for (int byte = 0; byte < 256; byte++) {
        char input = (char)byte, expected[8];
        if (byte >= 0x20 && byte < 0x7f)
            continue;
        snprintf(expected, sizeof(expected), "\\x%02x", byte);
        check_escape(&input, 1, expected);
    }
}
END_TEST

START_TEST(controls_of_unicode_are_escaped_byte_by_byte)
{
    ESCAPE("\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f");
    ESCAPE("\xd8\x9c", "\\xd8\\x9c");
    ESCAPE("\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\xae", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f\\xe2\\x80\\xa8\\xe2\\x80\\xae");
    ESCAPE("\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
    ESCAPE("\xe2\x81\xaa", "\xe2\x81\xaa");
}
END_TEST

START_TEST(invalid_utf8_is_escaped)
{
    ESCAPE("\xc0\xaf", "\\xc0\\xaf"); /* overlong */
    ESCAPE("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    ESCAPE("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
    ESCAPE("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
    ESCAPE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    ESCAPE("\xe2\x82", "\\xe2\\x82"); /* truncated */
    ESCAPE("\xe2\x82"
           "A",
           "\\xe2\\x82A");
    ESCAPE("\xff\xfe", "\\xff\\xfe");
}
END_TEST

static int
hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Undoes text_escape. */
static size_t
unescape(char *out, struct slice text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\') {
            out[len++] = text.ptr[i];
        } else if (text.ptr[++i] == '\\') {
            out[len++] = '\\';
        } else {
            ck_assert_int_eq(text.ptr[i], 'x');
            out[len++] = (char)(hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]));
            i += 2;
        }
    }
    return len;
}

START_TEST(escaping_can_be_undone_and_is_safe)
{
    uint32_t seed = 7;
    for (int round = 0; round < 5000; round++) {
        char input[40], back[200];
        size_t len = fixture_random(&seed) % sizeof(input);
        fixture_fill(input, len, round % 2 ? NULL : "\\x0\n\xe2\x80\xae\xc2\x9b", &seed);
        struct outbuf out = {0};
        text_escape(&out, (struct slice){input, len});
        struct slice rest = {out.ptr, out.len};
        ck_assert_uint_eq(unescape(back, rest), len);
        ck_assert(memcmp(back, input, len) == 0);
        for (uint32_t code; rest.len > 0;) {
            size_t used = text_utf8(rest, &code);
            ck_assert(used > 0 && !text_is_unsafe(code));
            rest.ptr += used, rest.len -= used;
        }
        text_free(&out);
    }
}
END_TEST

START_TEST(lines_words_and_numbers)
{
    struct slice rest = text_of("a  bc\td\n\nlast"), line, word;
    ck_assert(text_line(&rest, &line) && text_is(line, "a  bc\td"));
    ck_assert(text_word(&line, &word) && text_is(word, "a"));
    ck_assert(text_word(&line, &word) && text_is(word, "bc"));
    ck_assert(text_word(&line, &word) && text_is(word, "d"));
    ck_assert(!text_word(&line, &word));
    ck_assert(text_line(&rest, &line) && line.len == 0);
    ck_assert(text_line(&rest, &line) && text_is(line, "last"));
    ck_assert(!text_line(&rest, &line));
    uint64_t number;
    ck_assert(text_number(text_of("18446744073709551615"), UINT64_MAX, &number) && number == UINT64_MAX);
    ck_assert(text_number(text_of("12"), 12, &number) && number == 12);
    const char *const bad[] = {"", "-1", "1x", " 1", "13", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!text_number(text_of(bad[i]), i == 5 ? UINT64_MAX : 12, &number), "%s", bad[i]);
}
END_TEST

Suite *
text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");
    tcase_add_test(tcase, printable_bytes_stay);
    tcase_add_test(tcase, a_backslash_is_doubled);
    tcase_add_test(tcase, every_control_byte_is_escaped);
    tcase_add_test(tcase, controls_of_unicode_are_escaped_byte_by_byte);
    tcase_add_test(tcase, invalid_utf8_is_escaped);
    tcase_add_test(tcase, escaping_can_be_undone_and_is_safe);
    tcase_add_test(tcase, lines_words_and_numbers);
    suite_add_tcase(suite, tcase);
    return suite;
}
