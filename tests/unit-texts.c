/* Texts with a length, as programs print them from version 4 of recordings on: the nonce stands behind each part, and the last
 * byte stands above the length. */
#include "unit-decoding.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define X103 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define MARK "81985529216486895" /* 0x0123456789abcdef */

/* "a\nb" and "\n\n" */
#define TWO_LENGTHS "62000000000003 a000000000002"

START_TEST(texts_hold_any_bytes)
{
    CHECK(N " 1 1 7 5 " TWO_LENGTHS " a\n " N " \n " N "\n", "texts 5 a\\x0ab \\x0a\\x0a|", 0);
    CHECK(N " 1 1 7 5 2000000000000f 0 Lost 12 events " N "  " N "\n" N " h 1 0\n", "texts 5 Lost 12 events  |tick 1 0|", 0);
    CHECK(N " 1 1 7 5 20000000000014 0 \nfedcba9876543210 0 " N "  " N "\n", "texts 5 \\x0afedcba9876543210 0  |", 0);
    CHECK(N " 1 1 7 5 0 0  " N "  " N "\n", "texts 5  |", 0);
    CHECK(N " 1 1 7 5 71000000000001 ff000000000001  " N "  " N "\n", "texts 5 q \\xff|", 0);
}
END_TEST

/* Nobody knows what stands behind a NUL, but how much it is. */
START_TEST(a_text_ends_at_a_nul)
{
    CHECK(N " 1 1 7 5 64000000000005 64000000000002 ab " N " c " N "\n", "texts 5 ab\\[3 bytes cut] cd|", 0);
    CHECK(N " 1 1 7 5 3 1 ab " N "  " N "\n", "texts 5 ab\\x00 \\[1 bytes cut]|", 0);
    CHECK(N " 1 1 7 5 64000000000005 64000000000002  " N "  " N "\n", "texts 5 \\[5 bytes cut] \\[2 bytes cut]|", 0);
}
END_TEST

START_TEST(a_text_longer_than_it_says_is_damaged)
{
    CHECK(N " 1 1 7 5 63000000000003 0 abc " N "  " N "\n" N " 0 2 7 1 2 3\n", "texts 5 \\[3 bytes cut] |numbers 1 2 3|", 1);
    CHECK(N " 1 1 7 5 4 4 ab\n" N " h 2 0\n", "texts 5 \\[4 bytes cut] \\[4 bytes cut]|tick 2 0|", 1);
}
END_TEST

/* A value of `len` bytes, x but for its last one, as the program sends it: what stands in the record, pieces of two parts, of
 * which the last one ends where the text ends, and nothing behind a limit. */
static void
put_value(struct outbuf *out, unsigned len)
{
    unsigned size = len - 1, most = 8216, at = 104;
    text_printf(out, N " 1 1 7 5 6e000000000001 %llx  " N " %.*s " N "\n", 0x41ULL << 48 | len, (int)(size < 104 ? size : 104),
                X104);
    for (; at + 208 <= size && at < most; at += 208)
        text_printf(out, N " s 1 7 1 %x " X104 " " N " " X104 " " N "\n", at);
    if (at < size && size < most)
        text_printf(out, N " s 1 7 1 %x " X104 " " N " " X104 " " N "\n", size - at > 104 ? at : size - 104);
}

START_TEST(texts_of_every_length_are_whole)
{
    static const unsigned lengths[] = {2,   103, 104, 105, 106, 107, 208,  209,  210,  312, 313,
                                       314, 315, 400, 520, 521, 522, 1000, 8190, 8191, 8192};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct outbuf in = {0}, seen = {0};
        put_value(&in, lengths[i]);
        text_puts(&seen, "texts 5 n ");
        for (unsigned at = 1; at < lengths[i]; at++)
            text_putc(&seen, 'x');
        text_puts(&seen, "A|");
        text_putc(&seen, '\0');
        decoding_check(in.ptr, in.len, seen.ptr, 0);
        text_free(&in);
        text_free(&seen);
    }
}
END_TEST

START_TEST(a_text_beyond_the_limit_is_cut)
{
    static const unsigned lengths[] = {8193, 8194, 8216, 8217, 8218, 9000, 1000000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct run run;
        struct outbuf in = {0};
        char end[64];
        decoding_begin(&run);
        put_value(&in, lengths[i]);
        decoding_feed(&run, in.ptr, in.len, in.len);
        int len = snprintf(end, sizeof(end), "xx\\[%u bytes cut]|", lengths[i] - 8192);
        ck_assert_uint_eq(run.seen.len, strlen("texts 5 n ") + 8190 + (size_t)len);
        ck_assert(memcmp(run.seen.ptr + run.seen.len - len, end, (size_t)len) == 0);
        ck_assert_uint_eq(decode_damaged(run.decode), 0);
        text_free(&in);
        decoding_end(&run);
    }
}
END_TEST

/* "n", and a value of 105 bytes and a last one. */
#define LONG_LENGTHS "6e000000000001 4200000000006a"
#define LAST_PIECE(letter) X103 letter " " N " " X103 letter " " N "\n"

START_TEST(pieces_of_threads_interleave)
{
    CHECK(N " 1 1 7 5 " LONG_LENGTHS "  " N " " X104 " " N "\n" N " 1 2 8 6 " LONG_LENGTHS "  " N " " X104 " " N "\n" N
            " s 2 8 1 1 " LAST_PIECE("C") N " s 1 7 1 1 " LAST_PIECE("A"),
          "texts 6 n " X104 "CB|texts 5 n " X104 "AB|", 0);
}
END_TEST

/* Found on a busy machine: a thread had moved, and bpftrace read the other CPU's buffer first. */
START_TEST(the_next_record_may_come_before_the_rest)
{
    CHECK(N " 1 1 7 5 " LONG_LENGTHS "  " N " " X104 " " N "\n" N " 0 2 7 1 2 3\n" N " s 1 7 1 1 " LAST_PIECE("A"),
          "numbers 1 2 3|texts 5 n " X104 "AB|", 0);
}
END_TEST

START_TEST(a_lost_piece_shows_in_the_record)
{
    CHECK(N " 1 1 7 5 " LONG_LENGTHS "  " N " " X104 " " N "\n" N " 0 3b9aca02 7 1 2 3\n",
          "texts 5 n " X104 "\\[2 bytes cut]|numbers 1 2 3|", 1);
    CHECK(N " 1 1 7 5 6e000000000001 420000000001f4  " N " " X104 " " N "\n" N " s 1 7 1 123 " LAST_PIECE("A") N
          " 0 3b9aca02 7 1 2 3\n",
          "texts 5 n " X104 "\\[396 bytes cut]|numbers 1 2 3|", 2);
}
END_TEST

/* What comes behind a NUL is not put where the NUL was. */
START_TEST(a_piece_ends_at_a_nul)
{
    CHECK(N " 1 1 7 5 6e000000000001 420000000001f4  " N " " X104 " " N "\n" N " s 1 7 1 68 abc " N " " X104 " " N "\n" N
            " s 1 7 1 138 " X104 " " N " " X104 " " N "\n",
          "texts 5 n " X104 "abc\\[393 bytes cut]|", 0);
    /* in the record already */
    CHECK(N " 1 1 7 5 6e000000000001 4200000000006a  " N " abc " N "\n" N " s 1 7 1 1 " LAST_PIECE("A"),
          "texts 5 n abc\\[103 bytes cut]|", 0);
}
END_TEST

START_TEST(a_redacted_text_has_a_length_only)
{
    CHECK(N " 1 1 7 5 65000000000006 4000000000000bb8 cooki " N "  " N "\n", "texts 5 cookie \\[3000 bytes redacted]|", 0);
    CHECK(N " 1 1 7 5 65000000000006 4000000000000000 cooki " N "  " N "\n", "texts 5 cookie \\[0 bytes redacted]|", 0);
    CHECK(N " 1 1 7 5 65000000000006 4000000000000001 cooki " N "  " N "\n", "texts 5 cookie \\[1 bytes redacted]|", 0);
}
END_TEST

/* 27584547717644291 is "a\n" and "b" behind it, 2814749767106562 "\n" and "\n". */
START_TEST(maps_hold_texts)
{
    CHECK_BATCH("@t0" N "[1, 7]: (1, 5, 27584547717644291, 2814749767106562, a\n, " MARK ", \n, " MARK ")\n",
                "texts 5 a\\x0ab \\x0a\\x0a|", 0);
    CHECK_BATCH("@t0" N "[1, 7]: (1, 5, 0, 27584547717644289, , " MARK ", , " MARK ")\n", "texts 5  b|", 0);
    CHECK_BATCH("@t0" N "[1, 7]: (1, 5, 4, 1, a, " MARK ", , " MARK ")\n", "texts 5 a\\[3 bytes cut] \\[1 bytes cut]|", 0);
    CHECK_BATCH("@t0" N "[1, 7]: (1, 5, 10, 1, , )\n@, " MARK ", , " MARK ")\n@n0" N "[2, 7]: (0, 1, 2, 3)\n",
                "texts 5 , )\\x0a@\\[5 bytes cut] \\[1 bytes cut]|numbers 1 2 3|", 0);
}
END_TEST

/* The pieces come first. 281479271677959 is (65536 + 1) * 2^32 + 7: of the second text from 1 on. */
#define PIECE "@p0" N "[1, 281479271677959]: "
#define LAST "@p0" N "[9223372036854775807, 0]: \n"
#define RECORD "@t0" N "[1, 7]: (1, 5, 30962247438172161, 18577348462903402, , " MARK ", " X104 ", " MARK ")\n" N " m 64\n"

START_TEST(pieces_in_maps_are_joined)
{
    CHECK_BATCH(PIECE X103 "A\n" LAST "\n\n" RECORD, "texts 5 n " X104 "AB|batch 100|", 0);
    CHECK_BATCH(PIECE X103 "\n\n" LAST RECORD, "texts 5 n " X104 "\\x0aB|batch 100|", 0);
    CHECK_BATCH(PIECE X103 "\n" LAST "\n0\n" RECORD, "texts 5 n " X104 "\\[2 bytes cut]|batch 100|", 0);
    CHECK_BATCH(PIECE "abc\n" LAST RECORD, "texts 5 n " X104 "\\[2 bytes cut]|batch 100|", 0);
    CHECK_BATCH(PIECE "\n@p0" N "[1, 281479271677960]: " X104 "\n" LAST RECORD, "texts 5 n " X104 "\\[2 bytes cut]|batch 100|",
                0);
    CHECK_BATCH(PIECE X104 "A\n" LAST RECORD, "texts 5 n " X104 "\\[2 bytes cut]|lost 1|batch 100|", 1);
    CHECK_BATCH(RECORD, "texts 5 n " X104 "\\[2 bytes cut]|lost 1|batch 100|", 0);
}
END_TEST

Suite *
texts_suite(void)
{
    Suite *suite = suite_create("texts");
    TCase *tcase = tcase_create("texts");
    tcase_add_test(tcase, texts_hold_any_bytes);
    tcase_add_test(tcase, a_text_ends_at_a_nul);
    tcase_add_test(tcase, a_text_longer_than_it_says_is_damaged);
    tcase_add_test(tcase, texts_of_every_length_are_whole);
    tcase_add_test(tcase, a_text_beyond_the_limit_is_cut);
    tcase_add_test(tcase, pieces_of_threads_interleave);
    tcase_add_test(tcase, the_next_record_may_come_before_the_rest);
    tcase_add_test(tcase, a_lost_piece_shows_in_the_record);
    tcase_add_test(tcase, a_piece_ends_at_a_nul);
    tcase_add_test(tcase, a_redacted_text_has_a_length_only);
    tcase_add_test(tcase, maps_hold_texts);
    tcase_add_test(tcase, pieces_in_maps_are_joined);
    suite_add_tcase(suite, tcase);
    return suite;
}
