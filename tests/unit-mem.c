#include "base/mem.h"

#include "unit.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

static struct mem mem;

static void
tear_down(void)
{
    mem_free(&mem);
    ck_assert_ptr_null(mem.last);
}

/* Sizes about the arena's block size, and far beyond it. */
static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 4096, 65535, 65536, 65537, 1 << 20, 1, 3};

static size_t
count_bytes(const unsigned char *bytes, size_t len, unsigned char byte)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += bytes[i] == byte;
    return count;
}

START_TEST(what_is_allocated_is_zero_aligned_and_its_own)
{
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
    unsigned char *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = mem_alloc(&mem, sizes[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        ck_assert_uint_eq(count_bytes(blocks[i], sizes[i], 0), sizes[i]);
        memset(blocks[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(count_bytes(blocks[i], sizes[i], (unsigned char)(i + 1)), sizes[i]);
}
END_TEST

START_TEST(strings_are_copies)
{
    char source[] = "abcdef";
    char *whole = mem_strdup(&mem, source), *part = mem_strndup(&mem, source, 3), *none = mem_strndup(&mem, NULL, 0);
    char *binary = mem_strndup(&mem, "a\0b", 3), *made = mem_printf(&mem, "%s-%d", source, 7);
    memset(source, '?', sizeof(source) - 1);
    ck_assert_str_eq(whole, "abcdef");
    ck_assert_str_eq(part, "abc");
    ck_assert_str_eq(none, "");
    ck_assert_mem_eq(binary, "a\0b\0", 4);
    ck_assert_str_eq(made, "abcdef-7");
}
END_TEST

START_TEST(a_long_string_is_printed_whole)
{
    char *made = mem_printf(&mem, "%0100000d|", 5);
    ck_assert_uint_eq(strlen(made), 100001);
    ck_assert_str_eq(made + 99998, "05|");
}
END_TEST

START_TEST(an_array_grows_and_keeps_its_elements)
{
    uint32_t *array = NULL;
    for (uint32_t count = 0; count < 3000; count++) {
        array = mem_grow(&mem, array, count, sizeof(*array));
        array[count] = count * 7;
        uint32_t *other = mem_alloc(&mem, 1); /* must not stand in the array's room */
        memset(other, 0xff, 1);
        for (uint32_t i = count > 40 ? count - 40 : 0; i <= count; i++)
            ck_assert_uint_eq(array[i], i * 7);
    }
    ck_assert_uint_eq(array[0], 0);
    ck_assert_uint_eq(array[1], 7);
}
END_TEST

START_TEST(a_grown_array_is_aligned_and_large_elements_fit)
{
    struct large {
        char bytes[100000];
    } *array = NULL;
    for (size_t count = 0; count < 9; count++) {
        array = mem_grow(&mem, array, count, sizeof(*array));
        ck_assert_uint_eq((uintptr_t)array % alignof(max_align_t), 0);
        memset(&array[count], (int)count + 1, sizeof(*array));
    }
    for (size_t i = 0; i < 9; i++)
        ck_assert_uint_eq(count_bytes((unsigned char *)array[i].bytes, sizeof(*array), (unsigned char)(i + 1)), sizeof(*array));
}
END_TEST

START_TEST(a_freed_arena_can_be_used_again)
{
    for (int round = 0; round < 3; round++) {
        ck_assert_str_eq(mem_printf(&mem, "%d%s", round, ""), round == 0 ? "0" : round == 1 ? "1" : "2");
        mem_free(&mem);
        ck_assert_ptr_null(mem.last);
        mem_free(&mem);
    }
}
END_TEST

Suite *
mem_suite(void)
{
    Suite *suite = suite_create("mem");
    TCase *tcase = tcase_create("mem");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, what_is_allocated_is_zero_aligned_and_its_own);
    tcase_add_test(tcase, strings_are_copies);
    tcase_add_test(tcase, a_long_string_is_printed_whole);
    tcase_add_test(tcase, an_array_grows_and_keeps_its_elements);
    tcase_add_test(tcase, a_grown_array_is_aligned_and_large_elements_fit);
    tcase_add_test(tcase, a_freed_arena_can_be_used_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
