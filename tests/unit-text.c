#include "base/text.h"

#include "base/near.h"

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

/* Every code point that h2olog promises to keep from the terminal, and the ones beside them. */
START_TEST(unsafe_characters_are_those_of_the_list)
{
    static const uint32_t ranges[][2] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                                         {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    for (uint32_t code = 0; code <= 0x3000; code++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
            expected |= code >= ranges[i][0] && code <= ranges[i][1];
        if (text_is_unsafe(code) != expected)
            ck_abort_msg("U+%04X", code);
    }
}
END_TEST

static size_t
encode(char *bytes, uint32_t code)
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(first[len] | code);
    return len;
}

/* Each is valid and itself, but for surrogates and what is too large; no prefix is valid. */
START_TEST(every_code_point)
{
    for (uint32_t code = 0; code <= 0x11ffff; code += (code & 0xff) < 4 || (code & 0xff) > 0xfb ? 1 : 13) {
        char bytes[4];
        uint32_t found = 0;
        size_t len = encode(bytes, code), expected = code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : len;
        if (text_utf8((struct slice){bytes, len}, &found) != expected || (expected > 0 && found != code))
            ck_abort_msg("U+%04X", code);
        if (len > 1 && text_utf8((struct slice){bytes, len - 1}, &found) != 0)
            ck_abort_msg("U+%04X, cut", code);
    }
}
END_TEST

/* Two bytes are one character from U+0080 to U+07FF, and nothing else. */
START_TEST(every_pair_of_bytes)
{
    for (unsigned pair = 0; pair < 65536; pair++) {
        char bytes[2] = {(char)(pair >> 8), (char)pair};
        uint32_t code;
        unsigned first = pair >> 8, second = pair & 0xff;
        size_t expected = first < 0x80 ? 1 : first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf ? 2 : 0;
        if (text_utf8((struct slice){bytes, 2}, &code) != expected)
            ck_abort_msg("%04x", pair);
    }
}
END_TEST

START_TEST(a_character_after_a_broken_one_stays)
{
    ESCAPE("\xe2\x82\xe2\x82\xac", "\\xe2\\x82\xe2\x82\xac");
    ESCAPE("\xf0\x9f\x98\xc3\xa9", "\\xf0\\x9f\\x98\xc3\xa9");
    ESCAPE("\xc3\xc3\xa9\x80", "\\xc3\xc3\xa9\\x80");
    ESCAPE("\xc2\x9b"
           "31m",
           "\\xc2\\x9b31m");
    ESCAPE("\xed\x9f\xbf\xee\x80\x80\xed\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\\xed\\xbf\\xbf");
    ESCAPE("\xf4\x8f\xbf\xbf\xf5\x80\x80\x80", "\xf4\x8f\xbf\xbf\\xf5\\x80\\x80\\x80");
    ESCAPE("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
    ESCAPE("a\0b", "a\\x00b");
    ESCAPE("\r\n", "\\x0d\\x0a");
}
END_TEST

static bool
is_plain(int byte, char mark)
{
    return byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != mark;
}

/* Every byte at every place of texts that are more or less than some words of eight bytes. */
START_TEST(plain_bytes_end_before_a_special_one)
{
    char bytes[20];
    for (size_t len = 1; len <= sizeof(bytes); len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(bytes, byte % 2 == 0 ? 'a' : '~', sizeof(bytes));
                bytes[at] = (char)byte;
                ck_assert_uint_eq(text_plain((struct slice){bytes, len}, '"'), is_plain(byte, '"') ? len : at);
            }
        }
    }
}
END_TEST

START_TEST(numbers_are_written_in_decimal)
{
    struct outbuf out = {0};
    char expected[32];
    for (uint64_t power = 1;; power *= 10) {
        for (uint64_t number = power - 1; number <= power + 1; number++) {
            out.len = 0;
            text_put_u64(&out, number);
            snprintf(expected, sizeof(expected), "%lu", number);
            fixture_equal(&out, expected);
        }
        if (power > UINT64_MAX / 10)
            break;
    }
    out.len = 0;
    text_put_u64(&out, UINT64_MAX);
    fixture_equal(&out, "18446744073709551615");
    text_free(&out);
}
END_TEST

START_TEST(a_buffer_takes_everything)
{
    struct outbuf out = {0};
    text_put(&out, (struct slice){NULL, 0});
    ck_assert_uint_eq(out.len, 0);
    text_put(&out, (struct slice){"a\0b", 3});
    text_puts(&out, "");
    text_putc(&out, '|');
    text_put_u64(&out, 0);
    text_putc(&out, ' ');
    text_put_u64(&out, UINT64_MAX);
    text_printf(&out, " %s-%05d", "x", 7);
    text_put_hex(&out, (struct slice){"\x00\xff", 2});
    text_put_hex(&out, (struct slice){NULL, 0});
    static const char expected[] = "a\0b|0 18446744073709551615 x-0000700ff";
    ck_assert(text_equal((struct slice){out.ptr, out.len}, (struct slice){expected, sizeof(expected) - 1}));
    text_free(&out);
    ck_assert(out.ptr == NULL && out.len == 0 && out.cap == 0);
    text_free(&out);
}
END_TEST

START_TEST(a_buffer_grows_and_is_reused)
{
    struct outbuf out = {0};
    for (unsigned i = 0; i < 4000; i++)
        text_printf(&out, "%05u", i);
    ck_assert_uint_eq(out.len, 20000);
    ck_assert(memcmp(out.ptr, "0000000001", 10) == 0 && memcmp(out.ptr + out.len - 10, "0399803999", 10) == 0);
    const char *before = out.ptr;
    size_t cap = out.cap;
    out.len = 0;
    memset(text_reserve(&out, 20000), '?', 20000);
    ck_assert_ptr_eq(out.ptr, before);
    ck_assert_uint_eq(out.cap, cap);
    ck_assert_uint_eq(out.len, 0);
    text_free(&out);
}
END_TEST

START_TEST(slices_are_compared_by_bytes)
{
    ck_assert(text_equal((struct slice){NULL, 0}, text_of("")));
    ck_assert(text_equal((struct slice){"a\0b", 3}, (struct slice){"a\0b", 3}));
    ck_assert(!text_equal((struct slice){"a\0b", 3}, (struct slice){"a\0c", 3}));
    ck_assert(text_is((struct slice){"abc", 2}, "ab") && !text_is((struct slice){"a\0", 2}, "a") && !text_is(text_of(""), "a"));
}
END_TEST

START_TEST(lines_and_words_at_their_ends)
{
    struct slice rest = text_of("\n"), line, word;
    ck_assert(text_line(&rest, &line) && line.len == 0 && !text_line(&rest, &line));
    rest = text_of("a\r\n");
    ck_assert(text_line(&rest, &line) && text_is(line, "a\r") && !text_line(&rest, &line));
    rest = (struct slice){"a\0b\nc", 5};
    ck_assert(text_line(&rest, &line) && line.len == 3 && text_line(&rest, &line) && text_is(line, "c"));
    rest = text_of(" \t ");
    ck_assert(!text_word(&rest, &word) && rest.len == 0);
    rest = text_of("\ta\t b ");
    ck_assert(text_word(&rest, &word) && text_is(word, "a") && text_word(&rest, &word) && text_is(word, "b"));
    ck_assert(!text_word(&rest, &word));
}
END_TEST

START_TEST(numbers_at_their_limits)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool is_good;
    } rows[] = {
        {"0", 0, true},
        {"00012", 12, true},
        {"255", 255, true},
        {"256", 255, false},
        {"999", 255, false},
        {"+1", 9, false},
        {"1 ", 9, false},
        {"0x1", 255, false},
        {"1e1", 255, false},
        {"\xd9\xa1", 9, false},
        {"18446744073709551614", UINT64_MAX - 1, true},
        {"18446744073709551615", UINT64_MAX - 1, false},
        {"184467440737095516150", UINT64_MAX, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t number;
        ck_assert_msg(text_number(text_of(rows[i].text), rows[i].max, &number) == rows[i].is_good, "%s", rows[i].text);
    }
}
END_TEST

START_TEST(numbers_up_to_a_small_limit)
{
    uint64_t number;
    for (uint64_t max = 0; max < 12; max++)
        for (char digit = '0'; digit <= '9'; digit++)
            ck_assert(text_number((struct slice){&digit, 1}, max, &number) == ((uint64_t)(digit - '0') <= max));
}
END_TEST

START_TEST(parts_are_cut_off_and_trimmed)
{
    struct slice rest = text_of("a:b:");
    ck_assert(text_is(text_cut(&rest, ':'), "a") && text_is(rest, "b:"));
    ck_assert(text_is(text_cut(&rest, ':'), "b") && rest.len == 0);
    ck_assert(text_cut(&rest, ':').len == 0 && rest.len == 0);
    rest = text_of("no colon");
    ck_assert(text_is(text_cut(&rest, ':'), "no colon") && rest.len == 0);
    rest = text_of(":behind");
    ck_assert(text_cut(&rest, ':').len == 0 && text_is(rest, "behind"));
    ck_assert(text_is(text_trim(text_of(" \t a b\t "), " \t"), "a b"));
    ck_assert(text_is(text_trim_start(text_of("  a "), " "), "a "));
    ck_assert(text_trim(text_of("   "), " ").len == 0 && text_trim((struct slice){0}, " ").len == 0);
    ck_assert_uint_eq(text_trim((struct slice){"\0a\0", 3}, " ").len, 3); /* a NUL is no blank */
}
END_TEST

START_TEST(prefixes_and_words_are_found)
{
    struct slice rest = text_of("len=5");
    ck_assert(text_starts_with(rest, "len=") && text_starts_with(rest, "") && text_starts_with(rest, "len=5"));
    ck_assert(!text_starts_with(rest, "len=55") && !text_starts_with((struct slice){0}, "a"));
    ck_assert(!text_skip_prefix(&rest, "at=") && text_is(rest, "len=5"));
    ck_assert(text_skip_prefix(&rest, "len=") && text_is(rest, "5"));
    ck_assert(!text_skip_prefix(&rest, "55") && text_skip_prefix(&rest, "5") && rest.len == 0);
    rest = text_of("one ${two} ${three}");
    ck_assert_ptr_eq(text_find(rest, "${"), rest.ptr + 4);
    ck_assert_ptr_null(text_find(rest, "four"));
    ck_assert_ptr_null(text_find((struct slice){0}, "a"));
}
END_TEST

START_TEST(unsafe_bytes_are_found)
{
    static const struct {
        const char *text;
        size_t at, len; /* none: 0 bytes at the end */
    } rows[] = {
        {"", 0, 0},           {"a\tb c\\", 6, 0}, {"\xc3\xa9", 2, 0}, {"a\x1b[", 1, 1},
        {"ab\xff\xff", 2, 1}, {"\xc2\x9b", 0, 2}, {"a\n", 1, 1},      {"a\xe2\x80\xae.", 1, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice unsafe = text_unsafe(text_of(rows[i].text));
        ck_assert_uint_eq(unsafe.len, rows[i].len);
        ck_assert_ptr_eq(unsafe.ptr, rows[i].text + rows[i].at);
    }
}
END_TEST

START_TEST(the_nearest_names)
{
    static const char *const names[] = {"http", "quic", "all", "quick", "quit", "quip", "http", "go_home"};
    static const struct {
        const char *word, *question;
    } rows[] = {
        {"htp", "; did you mean --http?"}, /* once, although it is offered twice */
        {"QUIC", "; did you mean --quic?"},
        {"quix", "; did you mean --quic, --quit, --quip?"},
        {"quicks", "; did you mean --quick?"},
        {"qiuc", "; did you mean --quic?"},
        {"al", "; did you mean --all?"},
        {"gohome", "; did you mean --go_home?"},
        {"homing", "; see there"},
        {"homes", "; did you mean --go_home?"},
        {"frob", "; see there"},
        {"tcp", "; see there"},
        {"x", "; see there"},
        {"", "; see there"},
    };
    char question[64], cut[12];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct near near = near_to(text_of(rows[i].word));
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
            near_offer(&near, text_of(names[j]));
        ck_assert_str_eq(near_ask(&near, "--", "; see there", question, sizeof(question)), rows[i].question);
        near_ask(&near, "--", "; see there", cut, sizeof(cut));
        ck_assert(strncmp(cut, rows[i].question, sizeof(cut) - 1) == 0 && strlen(cut) < sizeof(cut));
    }
}
END_TEST

Suite *
text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");
    tcase_add_test(tcase, the_nearest_names);
    tcase_add_test(tcase, printable_bytes_stay);
    tcase_add_test(tcase, a_backslash_is_doubled);
    tcase_add_test(tcase, every_control_byte_is_escaped);
    tcase_add_test(tcase, controls_of_unicode_are_escaped_byte_by_byte);
    tcase_add_test(tcase, invalid_utf8_is_escaped);
    tcase_add_test(tcase, escaping_can_be_undone_and_is_safe);
    tcase_add_test(tcase, lines_words_and_numbers);
    tcase_add_test(tcase, unsafe_characters_are_those_of_the_list);
    tcase_add_test(tcase, every_code_point);
    tcase_add_test(tcase, every_pair_of_bytes);
    tcase_add_test(tcase, a_character_after_a_broken_one_stays);
    tcase_add_test(tcase, plain_bytes_end_before_a_special_one);
    tcase_add_test(tcase, numbers_are_written_in_decimal);
    tcase_add_test(tcase, a_buffer_takes_everything);
    tcase_add_test(tcase, a_buffer_grows_and_is_reused);
    tcase_add_test(tcase, slices_are_compared_by_bytes);
    tcase_add_test(tcase, lines_and_words_at_their_ends);
    tcase_add_test(tcase, numbers_at_their_limits);
    tcase_add_test(tcase, numbers_up_to_a_small_limit);
    tcase_add_test(tcase, parts_are_cut_off_and_trimmed);
    tcase_add_test(tcase, prefixes_and_words_are_found);
    tcase_add_test(tcase, unsafe_bytes_are_found);
    suite_add_tcase(suite, tcase);
    return suite;
}
