#include "unit-decoding.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

START_TEST(numbers_are_cut_to_their_type)
{
    CHECK(N " 0 64 7 1 fffffffffffffffe 1ff\n", "numbers 1 -2 255|", 0);
    CHECK(N " 0 64 7 ffffffffffffffff 80000000 0\n", "numbers 18446744073709551615 -2147483648 0|", 0);
}
END_TEST

START_TEST(heartbeats_notices_and_losses)
{
    CHECK(N " h 1f 3\n0\n\nAttaching 3 probes...\nLost 12 events\n", "tick 31 3|notice Attaching 3 probes...|lost 12|", 0);
    CHECK("fedcba9876543210 h 1f 3\n", "notice fedcba9876543210 h 1f 3|", 0);
}
END_TEST

START_TEST(texts_hold_any_bytes)
{
    CHECK(N " 1 1 7 5 3 2 a\nb \n\n\n", "texts 5 a\\x0ab \\x0a\\x0a|", 0);
    CHECK(N " 1 1 7 5 e 0 Lost 12 events \n" N " h 1 0\n", "texts 5 Lost 12 events |tick 1 0|", 0);
    CHECK(N " 1 1 7 5 13 0 \nfedcba9876543210 0 \n", "texts 5 \\x0afedcba9876543210 0 |", 0);
    CHECK(N " 1 1 7 5 0 0  \n", "texts 5  |", 0);
}
END_TEST

START_TEST(texts_without_inline_part_come_in_chunks)
{
    CHECK(N " 1 1 7 5 3 2\n" N " x 1 7 0 0 620061\n" N " x 1 7 1 0 ff0a\n", "texts 5 a\\x00b \\x0a\\xff|", 0);
    CHECK(N " 1 1 7 5 0 1\n" N " s 1 7 1 0 q\n", "texts 5  q|", 0);
}
END_TEST

START_TEST(words_hold_eight_bytes_each)
{
    CHECK(N " 1 1 7 5 12 0\n" N " x 1 7 0 0 6867666564636261 706f6e6d6c6b6a00\n" N " x 1 7 0 10 7271\n",
          "texts 5 abcdefgh\\x00jklmnopqr |", 0);
    CHECK(N " 1 1 7 5 8 0\n" N " x 1 7 0 0 ff00000000000000\n", "texts 5 \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xff |", 0);
    /* what is beyond the text does not belong to it, and more words than it needs are none of the program's */
    CHECK(N " 1 1 7 5 2 0\n" N " x 1 7 0 0 6867666564636261\n", "texts 5 ab |", 0);
    CHECK(N " 1 1 7 5 2 0\n" N " x 1 7 0 0 6261 64\n" N " 0 3b9aca02 7 1 2 3\n", "texts 5 \\[2 bytes cut] |numbers 1 2 3|",
          2); /* the frame, and the record without it */
    CHECK(N " 1 1 7 5 2 0\n" N " x 1 7 0 0 626g\n" N " 0 3b9aca02 7 1 2 3\n", "texts 5 \\[2 bytes cut] |numbers 1 2 3|", 2);
}
END_TEST

START_TEST(chunks_of_threads_interleave)
{
    CHECK(N " 1 1 7 5 69 1 " X104 " v\n" N " 1 2 8 6 1 69 n " X104 "\n" N " s 2 8 1 68 B\n" N " s 1 7 0 68 A\n",
          "texts 6 n " X104 "B|texts 5 " X104 "A v|", 0);
}
END_TEST

/* Found on a busy machine: a thread had moved, and bpftrace read the other CPU's buffer first. */
START_TEST(the_next_record_may_come_before_the_rest)
{
    CHECK(N " 1 1 7 5 1 69 n " X104 "\n" N " 0 2 7 1 2 3\n" N " s 1 7 1 68 A\n", "numbers 1 2 3|texts 5 n " X104 "A|", 0);
    CHECK(N " 1 1 7 5 1 69 n " X104 "\n" N " 1 2 7 6 1 69 m " X104 "\n" N " s 1 7 1 68 A\n" N " s 2 7 1 68 B\n",
          "texts 5 n " X104 "A|texts 6 m " X104 "B|", 0);
    CHECK(N " 1 1 7 5 1 69 n " X104 "\n" N " 1 2 7 6 1 69 m " X104 "\n" N " 0 3 7 1 2 3\n" N " s 2 7 1 68 B\n",
          "texts 5 n " X104 "\\[1 bytes cut]|numbers 1 2 3|texts 6 m " X104 "B|", 1);
}
END_TEST

START_TEST(a_lost_chunk_shows_in_the_record)
{
    CHECK(N " 1 1 7 5 1 6a n " X104 "\n" N " 0 3b9aca02 7 1 2 3\n", "texts 5 n " X104 "\\[2 bytes cut]|numbers 1 2 3|", 1);
    CHECK(N " 1 1 7 5 1 69 n " X104 "\n", "texts 5 n " X104 "\\[1 bytes cut]|", 1);
    CHECK(N " s 1 7 0 68 A\n" N " 0 3b9aca02 7 1 2 3\n", "numbers 1 2 3|", 1);
}
END_TEST

START_TEST(nul_terminated_texts_end_at_the_nonce)
{
    CHECK(N " 2 1 7 abc " N "\n", "cstr abc|", 0);
    CHECK(N " 2 1 7  " N "\n", "cstr |", 0);
    CHECK(N " 2 1 7 a\nLost 5 events\n " N "\n", "cstr a\\x0aLost 5 events\\x0a|", 0);
    CHECK(N " 2 1 7 " X104 " " N "\n" N " s 1 7 0 68  " N "\n", "cstr " X104 "|", 0);
    CHECK(N " 2 1 7 " X104 " " N "\n" N " s 1 7 0 68 " X104 " " N "\n" N " s 1 7 0 d0 z " N "\n", "cstr " X104 X104 "z|", 0);
    CHECK(N " 2 1 7 " X104 "x " N "\n" N " 0 2 7 1 2 3\n", "cstr \\[cut]|numbers 1 2 3|", 1);
}
END_TEST

START_TEST(maps_hold_records)
{
    CHECK_BATCH("@n0" N "[100, 7]: (0, 1, 18446744073709551614, 511)\n\n@c0" N ": 1\n" N " m 64\n",
                "numbers 1 -2 255|batch 100|", 0);
    CHECK_BATCH("@n1" N "[100, 7]: (0, -1, -2147483648, 0)\n", "numbers 18446744073709551615 -2147483648 0|", 0);
    CHECK_BATCH("@t0" N "[1, 7]: (1, 5, 4, 3, a\n, , b)\n)\n@t0" N "[2, 7]: (1, 6, 0, 1, , z)\n",
                "texts 5 a\\x0a,  b)\\x0a|texts 6  z|", 0);
    CHECK_BATCH("@r1" N "[1, 7]: (2, a)\n@r1, " N ")\n", "cstr a)\\x0a@r1|", 0);
    CHECK_BATCH("@s0" N "[0]: 1\n@b0" N "[0]: 2\n@xy of another\n", "notice @xy of another|", 0);
}
END_TEST

/* R14: such a frame of a damaged recording ended in a NULL pointer, as a stream in order needs no reordering. */
START_TEST(a_stream_has_no_batches)
{
    static const char *const frames[] = {N " m 64\n", "@n0" N "[1, 7]: (0, 1, 2, 3)\n", "@-0" N "[1, 7]: (0, 1, 2, 3)\n",
                                         "@c0" N ": 3\n", "@p0" N "[1, 7]: \n"};
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        char input[128];
        snprintf(input, sizeof(input), "%s" N " 0 2 7 1 2 3\n", frames[i]);
        decoding_check(input, strlen(input), "numbers 1 2 3|", 1);
    }
    decoding_check("@f0" N "[7]: 1\n" N " 0 2 7 1 2 3\n", strlen("@f0" N "[7]: 1\n" N " 0 2 7 1 2 3\n"), "numbers 1 2 3|", 0);
    CHECK_BATCH("@-0" N "[1, 7]: (0, 1, 2, 3)\n@n0" N "[1, 7]: (0, 1, 2, 3)\n", "numbers 1 2 3|", 0);
}
END_TEST

/* The pieces come first. */
START_TEST(pieces_of_texts_are_joined)
{
    /* ((1 * 16384 + 104) * 256 + 2) * 2^32 + 7 */
    CHECK_BATCH("@p0" N "[1, 18128756308705287]: \n)\n@t0" N "[1, 7]: (1, 5, 1, 106, n, " X104 ")\n" N " m 64\n",
                "texts 5 n " X104 "\\x0a)|batch 100|", 0);
    CHECK_BATCH("@t0" N "[1, 7]: (1, 5, 1, 106, n, " X104 ")\n", "texts 5 n " X104 "\\[2 bytes cut]|", 0);
}
END_TEST

START_TEST(what_was_put_into_maps_and_did_not_come_is_lost)
{
    CHECK_BATCH("@n0" N "[1, 7]: (0, 1, 2, 3)\n@c0" N ": 3\n" N " m 64\n@n1" N "[2, 7]: (0, 1, 2, 3)\n@c1" N ": 1\n" N
                " m 65\n",
                "numbers 1 2 3|lost 2|batch 100|numbers 1 2 3|batch 101|", 0);
    CHECK_BATCH("@n0" N "[1, 7]: (0, 1, 2, 3)\n@c0" N ": 3\n", "numbers 1 2 3|lost 2|", 0);
    CHECK_BATCH("@n0" N "[1, 7]: (9, 1, 2, 3)\n@c0" N ": 1\n" N " m 64\n", "batch 100|", 1);
}
END_TEST

START_TEST(a_redacted_text_has_a_length_only)
{
    CHECK(N " 1 1 7 5 6 4000000000000bb8 cookie \n", "texts 5 cookie \\[3000 bytes redacted]|", 0);
    CHECK(N " 1 1 7 5 3 4000000000000000\n" N " x 1 7 0 0 620061\n", "texts 5 a\\x00b \\[0 bytes redacted]|", 0);
}
END_TEST

START_TEST(a_nul_terminated_text_whose_rest_was_lost_is_cut)
{
    CHECK(N " 2 1 7 " X104 " " N "\n" N " 0 3b9aca02 7 1 2 3\n", "cstr " X104 "\\[cut]|numbers 1 2 3|", 1);
}
END_TEST

/* The program reads whole chunks until it has 1,024 bytes: 1,040 of them at least; then one more. */
static void
check_cstr(size_t len, const char *mark)
{
    struct outbuf in = {0}, seen = {0};
    text_puts(&in, N " 2 1 7 ");
    for (size_t at = 0; at <= len && at <= 1040; at += 104) {
        if (at > 0)
            text_printf(&in, N " s 1 7 0 %zx ", at);
        text_printf(&in, "%.*s " N "\n", (int)(len - at < 104 ? len - at : 104), X104);
    }
    text_puts(&seen, "cstr ");
    for (size_t i = 0; i < len && i < 1144; i++)
        text_putc(&seen, 'x');
    text_printf(&seen, "%s|", mark);
    text_putc(&seen, '\0');
    decoding_check(in.ptr, in.len, seen.ptr, 0);
    text_free(&in);
    text_free(&seen);
}

START_TEST(a_nul_terminated_text_is_cut_where_the_program_stops)
{
    check_cstr(1039, "");
    check_cstr(1040, "");
    check_cstr(1130, "");
    check_cstr(1143, "");
    check_cstr(1144, "\\[cut]");
    check_cstr(1200, "\\[cut]");
}
END_TEST

START_TEST(bytes_and_pointers)
{
    CHECK(N " 3 1 7 1000 2 2000 63 00 ff\n", "bytes 00ff 99|", 0);
    CHECK(N " 3 1 7 0 2 0 0 00 00\n", "bytes null null|", 0);
    CHECK(N " 3 1 7 1000 0 2000 5 \n", "bytes  5|", 0);
}
END_TEST

/* T16: the first path of a connection had the number of another one. */
START_TEST(a_number_that_is_not_known_yet_is_null)
{
    CHECK(N " 4 1 7 0 0\n" N " 4 2 7 0 1\n" N " 4 3 7 5 2\n", "known null 0|known 0 1|known 5 2|", 0);
}
END_TEST

START_TEST(what_is_damaged_is_skipped)
{
    CHECK(N " 9 1 7 1\n" N " 0 2 7 1 2 3\n", "numbers 1 2 3|", 1);
    CHECK(N " 0 1 7 12345678901234567 2 3\n" N " 0 2 7 1 2 3\n", "numbers 1 2 3|", 1);
    CHECK(N " 0 1 7 zz\nLost 9 events\nforged\n" N " h 2 0\n", "tick 2 0|", 1);
    CHECK(N " 0 1 7 1 2 3 4\n" N " h 2 0\n", "tick 2 0|", 1);
    CHECK(N " 3 1 7 1000 1 2000 5 6g\n" N " h 2 0\n", "bytes \\[1 bytes cut] 5|tick 2 0|", 1);
    CHECK(N " 1 1 7 5 4 4 ab\n" N " h 2 0\n", "texts 5 \\[4 bytes cut] \\[4 bytes cut]|tick 2 0|", 1);
    CHECK(N " 0 1 7 1 2", "", 1);
    CHECK(N " 9 1 7 1\n", "", 1);
    CHECK("Attaching", "", 0);
    CHECK(N " 1 1 7 5 1 69 n " X104 "\n" N " 9 2 7 1\n" N " s 1 7 1 68 A\n", "texts 5 n " X104 "A|", 1);
}
END_TEST

/* The program sends a text up to LAYOUT_TEXT_LIMIT, rounded up to whole chunks; what is more is not shown. */
START_TEST(a_text_beyond_the_limit_is_cut)
{
    struct run run;
    struct outbuf input = {0};
    decoding_begin(&run);
    text_puts(&input, N " 1 1 7 5 1 2710 n " X104 "\n");
    for (unsigned at = 104; at < run.fixture.bpftrace.row.most_text; at += 104)
        text_printf(&input, N " s 1 7 1 %x %s\n", at, X104);
    decoding_feed(&run, input.ptr, input.len, input.len);
    ck_assert_uint_eq(run.seen.len, strlen("texts 5 n \\[1808 bytes cut]|") + 8192);
    ck_assert(memmem(run.seen.ptr, run.seen.len, "x\\[1808 bytes cut]|", 19) != NULL);
    text_free(&input);
    decoding_end(&run);
}
END_TEST

static const char whole_frame[] = "\n" N " 0 64 7 1 2 3\n";

/* Found when a short record of one more thread cut the oldest long one, although it needs no slot. */
START_TEST(a_short_record_takes_no_slot)
{
    struct run run;
    decoding_begin(&run);
    for (unsigned tid = 0; tid < 64; tid++) {
        char frame[256];
        int len = snprintf(frame, sizeof(frame), N " 1 %x %x 5 1 69 n " X104 "\n", tid + 1, tid + 100);
        decoding_feed(&run, frame, (size_t)len, (size_t)len);
    }
    decoding_feed(&run, whole_frame, sizeof(whole_frame) - 1, 100);
    fixture_equal(&run.seen, "numbers 1 2 3|");
    ck_assert_uint_eq(decode_damaged(run.decode), 0);
    decoding_end(&run);
}
END_TEST

START_TEST(more_threads_than_slots_lose_no_record)
{
    struct run run;
    decoding_begin(&run);
    for (unsigned tid = 0; tid < 100; tid++) {
        char frame[256];
        int len = snprintf(frame, sizeof(frame), N " 1 %x %x 5 1 69 n " X104 "\n", tid + 1, tid);
        decoding_feed(&run, frame, (size_t)len, (size_t)len);
    }
    struct decode_item item;
    while (decode_last(run.decode, &item))
        decoding_put_item(&run.seen, &item);
    size_t count = 0;
    for (size_t i = 0; i < run.seen.len; i++)
        count += run.seen.ptr[i] == '|';
    ck_assert_uint_eq(count, 100);
    decoding_end(&run);
}
END_TEST

/* What is wrong on purpose, and what looks like a frame, a loss or a nonce inside of a text. */
static const char *const corpus[] = {
    N " 0 64 7 1 2 3\n",
    N " h 1f 3\n",
    "0\n",
    "Attaching 3 probes...\n",
    "Lost 12 events\n",
    "fedcba9876543210 0 64 7 1 2 3\n",
    N " 1 1 7 5 3 2 a\nb \n\n\n",
    N " 1 1 7 5 e 0 Lost 12 events \n",
    N " 1 1 7 5 13 0 \nfedcba9876543210 0 \n",
    N " 1 1 7 5 69 1 " X104 " v\n",
    N " s 1 7 0 68 A\n",
    N " s 1 7 1 68 B\n",
    N " x 1 7 0 68 41\n",
    N " x 1 7 0 0 620061\n",
    N " 1 2 8 6 1 69 n " X104 "\n",
    N " s 2 8 1 68 \n\n",
    N " 1 3 7 5 69 69 " X104 " " X104 "\n",
    N " s 3 7 0 68 C\n",
    N " s 3 7 1 68 D\n",
    N " 1 1 7 5 3 2\n",
    N " x 1 7 1 0 ff0a\n",
    N " 2 1 7 abc " N "\n",
    N " 2 1 7 " X104 " " N "\n",
    N " s 1 7 0 68 tail " N "\n",
    N " 3 1 7 1000 2 2000 63 00 ff\n",
    N " 3 1 7 0 2 0 0 00 00\n",
    N " 3 1 7 1000 1 2000 5 6g\n",
    N " 1 1 7 5 62000000000003 a000000000002 a\n " N " \n " N "\n",
    N " 1 4 9 5 6e000000000001 420000000001f4  " N " " X104 " " N "\n",
    N " s 4 9 1 68 " X104 " " N " " X104 " " N "\n",
    N " s 4 9 1 138 " X104 " " N " abc " N "\n",
    N " s 4 9 1 18b " X104 " " N " " X104 " " N "\n",
    N " 9 1 7 1\n",
    N " 0 1 7 12345678901234567 2 3\n",
    N " 0 1 7 1 2 3 4\n",
    N " 1 1 7 5 4 4 ab\n",
    N " 1 1 7 5 ffffffffffffffff 0 x\n",
    N " s 1 7 3 0 x\n",
    N " s 1 7 ffffffffffffffff 0 x\n",
    N " q\n",
    N "\n",
    "01234567",
    "\n",
    "89abcdef\n",
};

static size_t
add_frames(struct outbuf *input, uint32_t *seed)
{
    for (int i = 0; i < 12; i++)
        text_puts(input, corpus[fixture_random(seed) % (sizeof(corpus) / sizeof(corpus[0]))]);
    return input->len;
}

/* Whatever the frames, and however the input is cut, the items and the count of damages are those of the whole. */
START_TEST(a_cut_of_the_input_changes_nothing)
{
    uint32_t seed = 21;
    for (int round = 0; round < 60; round++) {
        struct outbuf input = {0};
        size_t len = add_frames(&input, &seed);
        struct run whole;
        decoding_begin(&whole);
        decoding_feed(&whole, input.ptr, len, len);
        text_putc(&whole.seen, '\0');
        for (size_t cut = 1; cut < len; cut += 1 + fixture_random(&seed) % 40) {
            struct run run;
            decoding_begin(&run);
            decoding_feed(&run, input.ptr, cut, cut);
            decoding_feed(&run, input.ptr + cut, len - cut, round % 2 == 0 ? len : 1);
            ck_assert_uint_eq(decode_damaged(run.decode), decode_damaged(whole.decode));
            fixture_equal(&run.seen, whole.seen.ptr);
            decoding_end(&run);
        }
        decoding_end(&whole);
        text_free(&input);
    }
}
END_TEST

/* No input without the nonce gives a record, and frames between garbage are found. */
START_TEST(garbage_forges_nothing)
{
    struct run run;
    uint32_t seed = 1;
    static char garbage[1 << 20];
    decoding_begin(&run);
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = "0123456789abcdef h s x \n\r"[fixture_random(&seed) % 25];
    decoding_feed(&run, garbage, sizeof(garbage), 4096);
    ck_assert(run.seen.len == 0 || memmem(run.seen.ptr, run.seen.len, "numbers ", 8) == NULL);
    decoding_feed(&run, whole_frame, sizeof(whole_frame) - 1, 7);
    ck_assert(run.seen.len > 15 && memcmp(run.seen.ptr + run.seen.len - 15, "|numbers 1 2 3|", 15) == 0);
    decoding_end(&run);
}
END_TEST

START_TEST(a_line_without_end_does_not_block)
{
    struct run run;
    static char line[3 << 20];
    decoding_begin(&run);
    memset(line, 'a', sizeof(line));
    decoding_feed(&run, line, sizeof(line), 65536);
    decoding_feed(&run, whole_frame, sizeof(whole_frame) - 1, 7);
    decoding_finish(&run, "numbers 1 2 3|", 1);
}
END_TEST

static void
be_bare(void)
{
    decoding_is_bare = true;
}

static void
be_marked(void)
{
    decoding_is_bare = false;
}

/* Recordings of before version 4. */
static TCase *
bare_texts(void)
{
    TCase *tcase = tcase_create("bare");
    tcase_add_checked_fixture(tcase, be_bare, be_marked);
    tcase_add_test(tcase, texts_hold_any_bytes);
    tcase_add_test(tcase, texts_without_inline_part_come_in_chunks);
    tcase_add_test(tcase, words_hold_eight_bytes_each);
    tcase_add_test(tcase, chunks_of_threads_interleave);
    tcase_add_test(tcase, the_next_record_may_come_before_the_rest);
    tcase_add_test(tcase, a_lost_chunk_shows_in_the_record);
    tcase_add_test(tcase, maps_hold_records);
    tcase_add_test(tcase, pieces_of_texts_are_joined);
    tcase_add_test(tcase, what_was_put_into_maps_and_did_not_come_is_lost);
    tcase_add_test(tcase, a_redacted_text_has_a_length_only);
    tcase_add_test(tcase, what_is_damaged_is_skipped);
    tcase_add_test(tcase, a_text_beyond_the_limit_is_cut);
    tcase_add_test(tcase, a_short_record_takes_no_slot);
    tcase_add_test(tcase, more_threads_than_slots_lose_no_record);
    tcase_add_test(tcase, a_cut_of_the_input_changes_nothing);
    return tcase;
}

Suite *
decode_suite(void)
{
    Suite *suite = suite_create("decode");
    TCase *tcase = tcase_create("decode");
    tcase_add_test(tcase, numbers_are_cut_to_their_type);
    tcase_add_test(tcase, heartbeats_notices_and_losses);
    tcase_add_test(tcase, nul_terminated_texts_end_at_the_nonce);
    tcase_add_test(tcase, a_stream_has_no_batches);
    tcase_add_test(tcase, what_was_put_into_maps_and_did_not_come_is_lost);
    tcase_add_test(tcase, a_nul_terminated_text_whose_rest_was_lost_is_cut);
    tcase_add_test(tcase, a_nul_terminated_text_is_cut_where_the_program_stops);
    tcase_add_test(tcase, bytes_and_pointers);
    tcase_add_test(tcase, a_number_that_is_not_known_yet_is_null);
    tcase_add_test(tcase, a_cut_of_the_input_changes_nothing);
    tcase_add_test(tcase, garbage_forges_nothing);
    tcase_add_test(tcase, a_line_without_end_does_not_block);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, bare_texts());
    return suite;
}
