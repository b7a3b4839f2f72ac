#include "record/reorder.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { CPUS = 4, EACH = 500, TICK = 50 };

static const char catalogue[] = "provider p\nprobe e\n group g\n summary s\n arg 0 t str len=1\n";

static const uint64_t ms = 1000000;

struct run {
    struct fixture fixture;
    struct reorder *reorder;
    struct outbuf seen; /* the records' times in ms, in the order in which they came out */
};

static void
begin_with(struct run *run, int ncpus, bool is_batched)
{
    *run = (struct run){0};
    fixture_plan(&run->fixture, catalogue, "0.17.0", "g");
    run->reorder = reorder_new(ncpus, is_batched, &run->fixture.mem);
}

static void
begin(struct run *run, int ncpus)
{
    begin_with(run, ncpus, false);
}

static void
end(struct run *run)
{
    reorder_free(run->reorder);
    text_free(&run->seen);
    fixture_free(&run->fixture);
}

static void
add_at(struct run *run, uint64_t time, uint64_t now)
{
    char text[32];
    struct record record = {.event = &run->fixture.plan.events[0], .nsecs = time * ms};
    record.values[0].text = (struct slice){text, (size_t)snprintf(text, sizeof(text), "t%lu", time)};
    reorder_add(run->reorder, &record, now * ms);
    memset(text, '?', sizeof(text)); /* the copy must not depend on it */
}

static void
add(struct run *run, uint64_t time)
{
    add_at(run, time, time);
}

static void
collect(struct run *run)
{
    struct record record;
    while (reorder_next(run->reorder, &record)) {
        char text[32];
        int len = snprintf(text, sizeof(text), "t%lu", record.nsecs / ms);
        ck_assert(text_equal(record.values[0].text, (struct slice){text, (size_t)len}));
        text_printf(&run->seen, "%lu ", record.nsecs / ms);
    }
}

static uint64_t
tick(struct run *run, uint64_t cpu, uint64_t time, uint64_t now)
{
    uint64_t complete = reorder_tick(run->reorder, cpu, time * ms, now * ms);
    collect(run);
    return complete / ms;
}

START_TEST(a_record_waits_for_every_cpu)
{
    struct run run;
    begin(&run, 2);
    add(&run, 1030);
    add(&run, 1010);
    ck_assert_uint_eq(tick(&run, 0, 1050, 1050), 0);
    fixture_equal(&run.seen, "");
    add(&run, 1005);
    ck_assert_uint_eq(tick(&run, 1, 1020, 1050), 1020);
    fixture_equal(&run.seen, "1005 1010 ");
    ck_assert_uint_eq(tick(&run, 1, 1060, 1060), 1050);
    fixture_equal(&run.seen, "1005 1010 1030 ");
    end(&run);
}
END_TEST

/* Found when an idle CPU had no heartbeats and everything came five seconds late. */
START_TEST(an_idle_cpu_holds_back_for_a_moment)
{
    struct run run;
    begin(&run, 2);
    tick(&run, 0, 1000, 1010);
    tick(&run, 1, 1000, 1010);
    for (uint64_t time = 1025; time < 1500; time += 25)
        tick(&run, 0, time, time + 10);
    add(&run, 1500);
    tick(&run, 0, 1525, 1535);
    fixture_equal(&run.seen, "");
    tick(&run, 0, 1599, 1609);
    fixture_equal(&run.seen, "");
    tick(&run, 0, 1600, 1610);
    fixture_equal(&run.seen, "1500 ");
    end(&run);
}
END_TEST

START_TEST(a_cpu_that_never_ticks_holds_back_for_a_moment)
{
    struct run run;
    begin(&run, 2);
    tick(&run, 0, 1000, 1000);
    add(&run, 1010);
    tick(&run, 0, 1050, 1050);
    fixture_equal(&run.seen, "");
    tick(&run, 0, 1110, 1110);
    fixture_equal(&run.seen, "1010 ");
    end(&run);
}
END_TEST

/* As long as something comes late, the silent CPU's buffer may not have been read. */
START_TEST(when_frames_come_late_a_silent_cpu_is_waited_for)
{
    struct run run;
    begin(&run, 2);
    tick(&run, 0, 1000, 1000);
    tick(&run, 1, 1000, 1000);
    add_at(&run, 1500, 1700);
    tick(&run, 0, 1700, 1710);
    fixture_equal(&run.seen, "");
    for (uint64_t time = 1750; time < 6500; time += 50)
        tick(&run, 0, time, time + 200);
    fixture_equal(&run.seen, "");
    tick(&run, 0, 6510, 6710);
    fixture_equal(&run.seen, "");
    tick(&run, 0, 6511, 6711);
    fixture_equal(&run.seen, "1500 ");
    end(&run);
}
END_TEST

START_TEST(when_frames_are_in_time_again_it_is_not)
{
    struct run run;
    begin(&run, 2);
    tick(&run, 0, 1000, 1000);
    tick(&run, 1, 1000, 1000);
    add_at(&run, 1500, 1700);
    tick(&run, 0, 1790, 1795);
    fixture_equal(&run.seen, "");
    tick(&run, 0, 1795, 1800);
    fixture_equal(&run.seen, "1500 ");
    end(&run);
}
END_TEST

/* After a stall of the reader one CPU's whole backlog comes before the next one's. */
START_TEST(a_stall_keeps_the_order)
{
    struct run run;
    begin(&run, 2);
    tick(&run, 0, 1000, 1000);
    tick(&run, 1, 1000, 1000);
    for (uint64_t time = 1002; time < 3000; time += 100) {
        add(&run, time);
        tick(&run, 0, time + 50, 3000);
    }
    fixture_equal(&run.seen, "");
    for (uint64_t time = 1001; time < 3000; time += 1000) {
        add(&run, time);
        tick(&run, 1, time + 900, 3001);
    }
    add(&run, 2999);
    reorder_flush(run.reorder);
    collect(&run);
    fixture_equal(&run.seen,
                  "1001 1002 1102 1202 1302 1402 1502 1602 1702 1802 1902 2001 2002 2102 2202 2302 2402 2502 2602 2702 "
                  "2802 2902 2999 ");
    end(&run);
}
END_TEST

/* Every CPU's buffer is in order; the reader takes any amount from any of them. */
START_TEST(any_interleaving_comes_out_sorted)
{
    for (uint32_t seed = 1; seed <= 30; seed++) {
        struct run run;
        uint32_t state = seed;
        int at[CPUS] = {0};
        begin(&run, CPUS);
        for (int left = CPUS * EACH; left > 0;) {
            int cpu = (int)(fixture_random(&state) % CPUS), burst = (int)(fixture_random(&state) % 40);
            for (; burst > 0 && at[cpu] < EACH; burst--, at[cpu]++, left--) {
                uint64_t time = 1000 + (uint64_t)(at[cpu] * CPUS + cpu);
                if (at[cpu] % TICK == TICK - 1)
                    tick(&run, (uint64_t)cpu, time, 1000);
                else
                    add_at(&run, time, 1000);
            }
        }
        reorder_flush(run.reorder);
        collect(&run);
        struct slice rest = {run.seen.ptr, run.seen.len}, word;
        uint64_t previous = 0, time, count = 0;
        for (; text_word(&rest, &word); count++, previous = time)
            ck_assert(text_number(word, UINT64_MAX, &time) && time > previous);
        ck_assert_uint_eq(count, CPUS * (EACH - EACH / TICK));
        end(&run);
    }
}
END_TEST

START_TEST(equal_times_keep_the_order_of_arrival)
{
    struct run run;
    begin(&run, 1);
    for (uint64_t tid = 1; tid <= 2000; tid++) {
        struct record record = {.event = &run.fixture.plan.events[0], .nsecs = 7 - tid % 2, .tid = tid};
        reorder_add(run.reorder, &record, 0);
    }
    reorder_flush(run.reorder);
    struct record record;
    uint64_t expected = 1;
    for (; reorder_next(run.reorder, &record); expected = expected == 1999 ? 2 : expected + 2)
        ck_assert_uint_eq(record.tid, expected);
    ck_assert_uint_eq(expected, 2002);
    end(&run);
}
END_TEST

/* What stands in maps comes later than what is printed, however late that is. */
START_TEST(a_batch_is_waited_for)
{
    struct run run;
    begin_with(&run, 1, true);
    add(&run, 1030);
    ck_assert_uint_eq(tick(&run, 0, 1100, 1100), 0);
    fixture_equal(&run.seen, "");
    add_at(&run, 1020, 0);
    add_at(&run, 1040, 0);
    ck_assert_uint_eq(reorder_batch(run.reorder, 1035 * ms, 1120 * ms), 1035 * ms);
    collect(&run);
    fixture_equal(&run.seen, "1020 1030 ");
    ck_assert_uint_eq(reorder_batch(run.reorder, 2000 * ms, 2000 * ms), 1100 * ms);
    collect(&run);
    fixture_equal(&run.seen, "1020 1030 1040 ");
    end(&run);
}
END_TEST

/* A batch comes late by its nature: an idle CPU must not be waited for because of it. */
START_TEST(records_of_a_batch_are_not_late)
{
    struct run run;
    begin(&run, 2);
    tick(&run, 0, 1000, 1000);
    tick(&run, 1, 1000, 1000);
    for (uint64_t time = 1025; time <= 1500; time += 25) {
        tick(&run, 0, time, time);
        add_at(&run, time - 900, 0);
    }
    add(&run, 1510);
    tick(&run, 0, 1610, 1610);
    ck_assert_ptr_nonnull(strstr(run.seen.ptr, "1510 "));
    end(&run);
}
END_TEST

/* When heartbeats stay away, memory has a limit: the records go out, and none is lost. */
START_TEST(what_is_too_much_to_hold_goes_out)
{
    enum { COUNT = 150, SIZE = 1 << 20 };
    static char text[SIZE];
    struct run run;
    uint64_t count = 0;
    size_t most = 0;
    begin(&run, 1);
    for (uint64_t time = 1; time <= COUNT; time++) {
        struct record record = {.event = &run.fixture.plan.events[0], .nsecs = time};
        memset(text, (int)time, sizeof(text));
        record.values[0].text = (struct slice){text, sizeof(text)};
        reorder_add(run.reorder, &record, 0);
        for (; reorder_next(run.reorder, &record); count++)
            ck_assert(record.nsecs == count + 1 && record.values[0].text.ptr[SIZE - 1] == (char)record.nsecs);
        most = reorder_size(run.reorder) > most ? reorder_size(run.reorder) : most;
    }
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_lt(most, 70 << 20);
    reorder_flush(run.reorder);
    struct record record;
    for (; reorder_next(run.reorder, &record); count++)
        ck_assert_uint_eq(record.nsecs, count + 1);
    ck_assert_uint_eq(count, COUNT);
    end(&run);
}
END_TEST

START_TEST(a_cpu_beyond_all_numbers_is_ignored)
{
    struct run run;
    begin(&run, 1);
    add(&run, 1000);
    ck_assert_uint_eq(tick(&run, REORDER_MAX_CPUS, 2000, 2000), 0);
    ck_assert_uint_eq(tick(&run, UINT64_MAX, 2000, 2000), 0);
    fixture_equal(&run.seen, "");
    ck_assert_uint_eq(tick(&run, REORDER_MAX_CPUS - 1, 2000, 2000), 2000);
    fixture_equal(&run.seen, "1000 ");
    end(&run);
}
END_TEST

Suite *
reorder_suite(void)
{
    Suite *suite = suite_create("reorder");
    TCase *tcase = tcase_create("reorder");
    tcase_add_test(tcase, a_record_waits_for_every_cpu);
    tcase_add_test(tcase, an_idle_cpu_holds_back_for_a_moment);
    tcase_add_test(tcase, a_cpu_that_never_ticks_holds_back_for_a_moment);
    tcase_add_test(tcase, when_frames_come_late_a_silent_cpu_is_waited_for);
    tcase_add_test(tcase, when_frames_are_in_time_again_it_is_not);
    tcase_add_test(tcase, a_stall_keeps_the_order);
    tcase_add_test(tcase, a_batch_is_waited_for);
    tcase_add_test(tcase, records_of_a_batch_are_not_late);
    tcase_add_test(tcase, any_interleaving_comes_out_sorted);
    tcase_add_test(tcase, equal_times_keep_the_order_of_arrival);
    tcase_add_test(tcase, what_is_too_much_to_hold_goes_out);
    tcase_add_test(tcase, a_cpu_beyond_all_numbers_is_ignored);
    suite_add_tcase(suite, tcase);
    return suite;
}
