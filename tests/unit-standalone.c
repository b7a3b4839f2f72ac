#include "program/standalone.h"

#include "program/printf_builder.h"
#include "unit-fixture.h"
#include "unit.h"

#include <string.h>

static const char events[] = "provider p\n"
                             "names kinds\n"
                             " 0  none\n"
                             " 7  some\n"
                             "probe a\n"
                             " tag RxA\n"
                             " group g\n"
                             " summary An a.\n"
                             " arg 0 conn_id u64\n"
                             " arg 1 name str len=2\n"
                             " arg 3 value str len=4 named-by=name\n"
                             " line ${conn_id} 100% \"${tag}\" ${name} ${value}\n"
                             "probe b\n"
                             " group g\n"
                             " summary A b.\n"
                             " arg 0 master_conn_id u32 at=16\n"
                             " arg 1 at ms\n"
                             " arg 2 kind u8 names=kinds\n"
                             " arg 3 err cstr null\n"
                             " arg 4 issued i64 at=8 optional\n"
                             " arg 5 data preview len=2\n"
                             "probe c\n"
                             " group g\n"
                             " summary A c.\n"
                             " arg 0 peer sockaddr\n";

static struct fixture fixture;
static struct outbuf out;

/* What stands from `from` up to `to` in the program for `events`. */
static const char *
part(struct standalone_options request, const char *redacted, const char *from, const char *to)
{
    struct files templates = {0};
    const struct redact redact = {&redacted, redacted != NULL};
    request.command = "h2olog x";
    fixture_plan(&fixture, events, "0.17.0", "g");
    fixture.plan.redact = redacted != NULL ? &redact : NULL;
    files_load_builtin(&templates, "templates", ".bt", &fixture.mem);
    out.len = 0;
    ck_assert_int_eq(standalone_write(&out, &fixture.plan, &request, &templates, &fixture.mem, &fixture.diag), 0);
    text_putc(&out, '\0');
    char *start = strstr(out.ptr, from);
    ck_assert_msg(start != NULL, "no <%s> in <%s>", from, out.ptr);
    char *end = strstr(start, to);
    ck_assert_msg(end != NULL, "no <%s> in <%s>", to, start);
    end[strlen(to)] = '\0';
    return start;
}

static void
done(void)
{
    fixture_free(&fixture);
    text_free(&out);
}

/* That the block has all of it, in this order. */
static void
check_order(const char *block, const char *const *expected, size_t count)
{
    const char *at = block;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, expected[i]);
        ck_assert_msg(found != NULL, "no <%s> in <%s>", expected[i], at);
        at = found + strlen(expected[i]);
    }
}

#define CHECK_ORDER(block, ...)                                               \
    do {                                                                      \
        const char *const expected[] = {__VA_ARGS__};                         \
        check_order(block, expected, sizeof(expected) / sizeof(expected[0])); \
    } while (0)

START_TEST(a_line_as_the_catalogue_has_it)
{
    CHECK_ORDER(part((struct standalone_options){0}, NULL, "// a:", "\n}\n"), "An a.", "usdt::p:a\n", "$conn_id = arg0;",
                "$name = arg1; $name_len = arg2;", "$value = arg3; $value_len = arg4;",
                "\"%lu 100%c \\\"RxA       \\\" %s %s\\n\", $conn_id, 37, str($name, $name_len), str($value, $value_len)");
    done();
}
END_TEST

/* The one block that is compared whole. */
START_TEST(a_line_of_the_usual_form)
{
    ck_assert_str_eq(part((struct standalone_options){.extra = true, .names = true}, NULL, "usdt::p:b", "\n}\n"),
                     "usdt::p:b\n"
                     "{\n"
                     "    $master_conn_id = *(uint32*)(arg0 + 16);\n"
                     "    $kind = (uint8)arg2; // 0 none, 7 some\n"
                     "    $err = arg3; // text with a NUL at its end\n"
                     "    $issued_at = arg4; $issued = *(int64*)($issued_at + 8);\n"
                     "    $data = arg5; // bytes\n"
                     "    printf(\"%d %u - b kind=%u\", pid, $master_conn_id, $kind);\n"
                     "    if ($kind == 0) {\n"
                     "        printf(\"(none)\");\n"
                     "    } else if ($kind == 7) {\n"
                     "        printf(\"(some)\");\n"
                     "    }\n"
                     "    printf(\" err=\");\n"
                     "    if ($err == 0) {\n"
                     "        printf(\"null\");\n"
                     "    } else {\n"
                     "        printf(\"%s\", str($err));\n"
                     "    }\n"
                     "    if ($issued_at != 0) {\n"
                     "        printf(\" issued=%ld\", $issued);\n"
                     "    }\n"
                     "    printf(\" data=%rh\\n\", buf($data, $kind > 8 ? 8 : $kind));\n"
                     "}\n");
    done();
}
END_TEST

/* R11: a label with a quote in it broke JSON. */
START_TEST(labels_are_escaped_in_json)
{
    const char *block;
    fixture_plan(&fixture, "provider p\nnames k\n 7 a\"b\\\nprobe b\n group g\n summary B.\n arg 0 kind u8 names=k\n", "0.17.0",
                 "g");
    struct files templates = {0};
    const struct standalone_options options = {.command = "h2olog x", .is_json = true, .names = true};
    files_load_builtin(&templates, "templates", ".bt", &fixture.mem);
    ck_assert_int_eq(standalone_write(&out, &fixture.plan, &options, &templates, &fixture.mem, &fixture.diag), 0);
    text_putc(&out, '\0');
    block = strstr(out.ptr, "usdt::p:b");
    /* the JSON string "a\"b\\" in a string of bpftrace's */
    ck_assert_ptr_nonnull(strstr(block, "printf(\", \\\"kind_name\\\": \\\"a\\\\\\\"b\\\\\\\\\\\"\");"));
    done();
}
END_TEST

START_TEST(json_with_the_events_time_or_the_clocks)
{
    struct standalone_options request = {.is_json = true, .realtime_offset = 1700000000000000000};
    const char *b = part(request, NULL, "usdt::p:b", "\n}\n");
    CHECK_ORDER(b, "    $at = arg1; // milliseconds since 1970\n",
                "    if ($at == 0) {\n        $at = (nsecs + 1700000000000000000) / 1000000;\n    }\n", "printf");
    ck_assert(strstr(b, "    printf(\"{\\\"at\\\": %ld, \\\"type\\\": \\\"b\\\", \\\"master_conn_id\\\": %u, \\\"kind\\\": %u, "
                        "\\\"err\\\": \", $at, $master_conn_id, $kind);\n") != NULL);
    CHECK_ORDER(b, "    $err_odd_json = (uint64)0; $err_there = (uint64)1;", "    if (($err_odd_json & 1) == 1) {\n",
                "null, \\\"err_hex\\\": null", "printf(\"\\\"%s\\\"\", str($err));\n");
    done();
    request.extra = true;
    const char *c = part(request, NULL, "usdt::p:c", "\n}\n");
    ck_assert(strstr(c, "    $at = (nsecs + 1700000000000000000) / 1000000;\n") != NULL);
    ck_assert(strstr(c, "    if (*(uint16*)$peer == 2) {\n        printf(\"%s:%u\", ntop(2, *(uint32*)($peer + 4)), ") != NULL);
    ck_assert(
        strstr(c, "    printf(\"\\\", \\\"provider\\\": \\\"p\\\", \\\"pid\\\": %d, \\\"tid\\\": %d, \\\"nsecs\\\": %lu}\\n\", "
                  "pid, tid, nsecs);\n") != NULL);
    done();
}
END_TEST

START_TEST(a_number_that_is_not_known_yet_is_null)
{
    struct files templates = {0};
    const struct standalone_options options = {.command = "h2olog x"};
    fixture_plan(&fixture,
                 "provider p\nprobe b\n group g\n summary B.\n arg 0 conn_id u32 at=16 known-by=1\n arg 1 index u64\n",
                 "0.17.0", "g");
    files_load_builtin(&templates, "templates", ".bt", &fixture.mem);
    ck_assert_int_eq(standalone_write(&out, &fixture.plan, &options, &templates, &fixture.mem, &fixture.diag), 0);
    text_putc(&out, '\0');
    CHECK_ORDER(out.ptr, "if ($index == 0) {\n        printf(\"-\");\n    } else {\n        printf(\"%u\", $conn_id);\n    }\n",
                "printf(\" - b index=%lu\\n\", $index);");
    done();
}
END_TEST

START_TEST(a_sample_names_its_share)
{
    struct files templates = {0};
    const struct standalone_options options = {.command = "h2olog x", .is_json = true};
    fixture_plan(&fixture, events, "0.17.0", "g");
    ck_assert_int_eq(filter_add(&fixture.request.filter, "sample", "1/4", &fixture.mem, &fixture.diag), 0);
    files_load_builtin(&templates, "templates", ".bt", &fixture.mem);
    ck_assert_int_eq(standalone_write(&out, &fixture.plan, &options, &templates, &fixture.mem, &fixture.diag), 0);
    text_putc(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.ptr, ", \\\"sample\\\": 0.25}\\n\""));
    done();
}
END_TEST

/* The name decides, and every byte of it is looked at. */
START_TEST(redacted_values_are_not_read)
{
    CHECK_ORDER(part((struct standalone_options){0}, "x", "    $conn_id = arg0", "\n}\n"),
                "while ($name_pos < 64) {", "*(uint8*)($name + $name_pos);", "str($name, $name_len)",
                "if ($name_len > 64 || ($name_odd & 1) != 0", "$name_len == 1 && ", " == 120", "{\n",
                "bytes redacted]\", $value_len);", "} else {\n", "str($value, $value_len)", "}\n");
    done();
}
END_TEST

static bool
has_limit(struct standalone_options request, const char *word)
{
    const char *limits = part(request, NULL, "does and this program does not", "\n}\n");
    bool is_there = strstr(limits, word) != NULL;
    done();
    return is_there;
}

START_TEST(limits_are_those_of_what_is_in_it)
{
    const struct standalone_options line = {0}, json = {.is_json = true}, extra = {.is_json = true, .extra = true};
    ck_assert(has_limit(line, " 64 bytes"));
    ck_assert(has_limit(line, "hexadecimal"));
    ck_assert(has_limit(json, "clock"));
    ck_assert(!has_limit(line, "clock")); /* no line shows a time */
    ck_assert(has_limit(extra, "\"seq\""));
    ck_assert(!has_limit(json, "\"seq\""));
}
END_TEST

START_TEST(it_says_where_it_comes_from)
{
    CHECK_ORDER(part((struct standalone_options){0}, NULL, "// A bpftrace", "\n}\n"), "newest h2o", "bpftrace 0.17",
                "h2olog x\n");
    done();
}
END_TEST

Suite *
standalone_suite(void)
{
    Suite *suite = suite_create("standalone");
    TCase *tcase = tcase_create("emit");
    tcase_add_test(tcase, a_line_as_the_catalogue_has_it);
    tcase_add_test(tcase, a_line_of_the_usual_form);
    tcase_add_test(tcase, labels_are_escaped_in_json);
    tcase_add_test(tcase, json_with_the_events_time_or_the_clocks);
    tcase_add_test(tcase, a_number_that_is_not_known_yet_is_null);
    tcase_add_test(tcase, a_sample_names_its_share);
    tcase_add_test(tcase, redacted_values_are_not_read);
    tcase_add_test(tcase, limits_are_those_of_what_is_in_it);
    tcase_add_test(tcase, it_says_where_it_comes_from);
    suite_add_tcase(suite, tcase);
    return suite;
}
