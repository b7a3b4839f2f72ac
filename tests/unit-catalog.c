#include "catalog/catalog.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "provider p\nprobe e\n group g\n summary s\n"

static struct fixture fixture;

/* The error that a catalogue gives. */
static const char *
error_of(const char *text)
{
    ck_assert_msg(fixture_catalog(&fixture, text) == -1, "accepted: %s", text);
    ck_assert_int_eq(fixture.diag.status, DIAG_USAGE);
    fixture_free(&fixture);
    return fixture.diag.message;
}

START_TEST(errors_say_where_and_what)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"porvider p\n",
         "t.probes:1:1: unknown word \"porvider\"; expected provider, probe, names, type, tag, group, summary, now, role, "
         "absent, arg or line"},
        {"provider p\nprobe e\n role hero\n",
         "t.probes:3:7: unknown role \"hero\"; expected request, request-header, response, response-header or close"},
        {"provider p\nprobe e\n group g\n summary s\n role close\n arg 0 id u64\n",
         "t.probes:2:1: probe e has a role, but no conn_id; expected a field of that name"},
        {"provider p\nprobe e\n group g\n summary s\n role response\n arg 0 conn_id u64\n arg 1 req_id u64\n",
         "t.probes:2:1: probe e has a role, but no status; expected a field of that name"},
        {"provider p\nprobe e\n group g\n summary s\n role request-header\n arg 0 conn_id u64\n arg 1 req_id u64\n",
         "t.probes:2:1: probe e has a role, but no name and named-by; expected a field of that name"},
        {"probe e\n", "t.probes:1:1: a probe before any provider; expected a line \"provider NAME\" first"},
        {"provider\n", "t.probes:1:9: the line ends too early; expected the provider's name"},
        {"provider p-q\n", "t.probes:1:10: not a name \"p-q\"; expected letters, digits and _"},
        {"provider p q\n", "t.probes:1:12: unexpected \"q\"; expected the end of the line"},
        {"provider p\n tag x\n", "t.probes:2:2: no probe for \"tag\"; expected a line \"probe NAME\" before it"},
        {"provider p\nprobe e\ntag x\n", "t.probes:3:1: not indented \"tag\"; expected it below a probe, indented"},
        {HEAD " arg 0 a u128\n", "t.probes:5:10: unknown type \"u128\"; expected one of those in probes/README.md"},
        {HEAD " arg 12 a u8\n", "t.probes:5:6: not an argument \"12\"; expected its number, 0 to 11"},
        {HEAD " arg 0 a str\n", "t.probes:5:10: no length for type \"str\"; expected len=ARGUMENT after it"},
        {HEAD " arg 0 a u8 len=1\n", "t.probes:5:10: a length for type \"u8\"; expected no len="},
        {HEAD " arg 0 a u8 sceret\n",
         "t.probes:5:13: unknown attribute \"sceret\"; expected len=, at=, names=, named-by=, known-by=, null, optional, "
         "app-data, secret, request-header or response-header"},
        {HEAD " arg 0 a str len=1 at=4\n", "t.probes:5:20: not an offset \"at=4\"; expected at=BYTES, of a number"},
        {HEAD " arg 0 a u8 names=t\n",
         "t.probes:5:13: no such table \"names=t\"; expected names=TABLE, with \"names TABLE\" before it"},
        {HEAD " arg 0 a u8\n arg 1 a u8\n", "t.probes:6:6: repeated field name at argument \"1\"; expected each name once"},
        {HEAD " arg 0 a u8\n line ${b}\n", "t.probes:6:9: unknown field \"b\"; expected tag, or a field of an arg line above"},
        {HEAD " line ${a\n", "t.probes:5:7: no end of \"${a\"; expected ${NAME}"},
        {HEAD, "t.probes:2:1: probe e has no arg; expected a line \"arg ...\" below it"},
        {"provider p\nprobe e args=x\n",
         "t.probes:2:9: not a condition \"args=x\"; expected args=N, size=N:BYTES, with=PROBE[/N] or "
         "without=PROBE[/N], four at most"},
        {HEAD " arg 0 a u8\nprobe e\n", "t.probes:6:1: probe p:e is there already, without a condition, at t.probes:2"},
        {"names t\n x y\n", "t.probes:2:2: not a value \"x\"; expected a number and its name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(error_of(rows[i].text), rows[i].message);
}
END_TEST

START_TEST(a_probe_is_read)
{
    ck_assert_int_eq(fixture_catalog(&fixture,
                                     "# comment\nnames kinds\n 0 no\n 7  two words # comment\n\nprovider p\n"
                                     "probe old args=2 size=1:8 with=a/3 without=b\n type new\n group g\n summary What it is.\n"
                                     " now newer\n arg 1 x u32 at=16 names=kinds\n arg 0 y str len=1 null app-data\n"),
                     0);
    const struct catalog_probe *probe = &fixture.catalog.probes[0];
    ck_assert_str_eq(probe->provider, "p");
    ck_assert_str_eq(probe->name, "old");
    ck_assert_str_eq(probe->type, "new");
    ck_assert_str_eq(probe->tag, "new");
    ck_assert_str_eq(probe->summary, "What it is.");
    ck_assert_str_eq(probe->now, "newer");
    ck_assert_int_eq(probe->nconditions, 4);
    ck_assert_int_eq(probe->fields[0].offset, 16);
    ck_assert_int_eq(probe->fields[1].len_arg, 1);
    ck_assert(probe->fields[1].may_be_null && probe->fields[1].is_app_data && !probe->fields[1].is_secret);
    ck_assert_str_eq(catalog_label(probe->fields[0].names, 7), "two words");
    ck_assert_ptr_null(catalog_label(probe->fields[0].names, 8));
    ck_assert_int_eq(probe->pos.line, 7);
    fixture_free(&fixture);
}
END_TEST

/* A server whose probe e has two arguments, of 4 and 8 bytes, beside a probe f of three. */
static struct usdt_probe server[] = {{.provider = "p", .name = "e", .nargs = 2, .args = {{4, true}, {8, false}}},
                                     {.provider = "p", .name = "f", .nargs = 3},
                                     {.provider = "q", .name = "g", .nargs = 1}};
static const struct usdt_probes server_probes = {.items = server, .count = 3};

START_TEST(conditions_choose_a_variant)
{
    static const struct {
        const char *conditions;
        bool fits;
    } rows[] = {
        {"", true},          {"args=2", true},        {"args=3", false},        {"size=0:4", true},   {"size=0:8", false},
        {"size=1:8", true},  {"size=2:8", false},     {"with=f", true},         {"with=f/3", true},   {"with=f/2", false},
        {"with=g", false},   {"with=h", false},       {"without=h", true},      {"without=f", false}, {"without=f/2", true},
        {"without=g", true}, {"args=2 with=f", true}, {"args=2 with=h", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "provider p\nprobe e %s\n group g\n summary s\n arg 0 a u8\n", rows[i].conditions);
        ck_assert_int_eq(fixture_catalog(&fixture, text), 0);
        ck_assert_msg(catalog_fits(&fixture.catalog.probes[0], &server_probes) == rows[i].fits, "%s", rows[i].conditions);
        fixture_free(&fixture);
    }
}
END_TEST

/* The built-in files with bytes changed, and cut off anywhere: an error with its position, or none, but no harm. */
START_TEST(damaged_catalogues_do_no_harm)
{
    uint32_t seed = 5;
    for (size_t i = 0; i < files_builtin_count; i++) {
        struct slice whole = files_builtin[i].text;
        if (strncmp(files_builtin[i].name, "probes/", 7) != 0)
            continue;
        char *copy = malloc(whole.len);
        for (int round = 0; round < 150; round++) {
            memcpy(copy, whole.ptr, whole.len);
            for (int change = 0; change < round % 4; change++)
                fixture_fill(copy + fixture_random(&seed) % whole.len, 1, " \n#={}$0az\x80", &seed);
            struct file file = {"t.probes", {copy, round % 3 == 0 ? fixture_random(&seed) % whole.len : whole.len}};
            struct files files = {&file, 1};
            struct mem mem = {0};
            struct diag diag = {0};
            struct catalog catalog;
            int status = catalog_parse(&catalog, &files, &mem, &diag);
            ck_assert(status == 0 || strncmp(diag.message, "t.probes:", 9) == 0);
            mem_free(&mem);
        }
        free(copy);
    }
}
END_TEST

#define ARG " arg 0 a u8\n"

START_TEST(every_directive_has_its_errors)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {" provider p\n", "t.probes:1:2: indented \"provider\"; expected it at the start of the line"},
        {"provider p\n probe e\n", "t.probes:2:2: indented \"probe\"; expected it at the start of the line"},
        {HEAD ARG " names t\n", "t.probes:6:2: indented \"names\"; expected it at the start of the line"},
        {"group g\n", "t.probes:1:1: not indented \"group\"; expected it below a probe, indented"},
        {"summary s\n", "t.probes:1:1: not indented \"summary\"; expected it below a probe, indented"},
        {"now n\n", "t.probes:1:1: not indented \"now\"; expected it below a probe, indented"},
        {"type n\n", "t.probes:1:1: not indented \"type\"; expected it below a probe, indented"},
        {"arg 0 a u8\n", "t.probes:1:1: not indented \"arg\"; expected it below a probe, indented"},
        {"line x\n", "t.probes:1:1: not indented \"line\"; expected it below a probe, indented"},
        {"provider p\nprobe\n", "t.probes:2:6: the line ends too early; expected the probe's name"},
        {"provider p\nprobe a:b\n", "t.probes:2:7: not a name \"a:b\"; expected letters, digits and _"},
        {"names\n", "t.probes:1:6: the line ends too early; expected the table's name"},
        {"names t u\n", "t.probes:1:9: unexpected \"u\"; expected the end of the line"},
        {"names t\n 1\n", "t.probes:2:2: no name for \"1\"; expected a number and its name"},
        {"names t\n 18446744073709551616 x\n",
         "t.probes:2:2: not a value \"18446744073709551616\"; expected a number and its name"},
        {HEAD " type\n", "t.probes:5:6: the line ends too early; expected the event's name"},
        {HEAD " type a b\n", "t.probes:5:9: unexpected \"b\"; expected the end of the line"},
        {HEAD " tag\n", "t.probes:5:5: the line ends too early; expected the probe's tag"},
        {HEAD " tag a b\n", "t.probes:5:8: unexpected \"b\"; expected the end of the line"},
        {"provider p\nprobe e\n group a b\n", "t.probes:3:10: unexpected \"b\"; expected the end of the line"},
        {"provider p\nprobe e\n group a/b\n", "t.probes:3:8: not a name \"a/b\"; expected letters, digits and _"},
        {"provider p\nprobe e\n summary\n", "t.probes:3:9: the line ends too early; expected a sentence"},
        {HEAD " group a\n", "t.probes:5:2: repeated \"group\"; expected one such line for a probe"},
        {HEAD " summary a\n", "t.probes:5:2: repeated \"summary\"; expected one such line for a probe"},
        {HEAD " line a\n line a\n", "t.probes:6:2: repeated \"line\"; expected one such line for a probe"},
        {HEAD " arg 0 a u8 at=1 null optional\n", "t.probes:5:10: both null and optional for \"u8\"; expected one of them"},
        {"names t\n 1 x\nnames t\n", "t.probes:3:7: repeated table \"t\"; expected each name once"},
        {HEAD " now\n", "t.probes:5:5: the line ends too early; expected the newer probe's name"},
        {HEAD " now a b\n", "t.probes:5:8: unexpected \"b\"; expected the end of the line"},
        {HEAD " arg\n", "t.probes:5:5: the line ends too early; expected the argument's number"},
        {HEAD " arg 0\n", "t.probes:5:7: the line ends too early; expected the field's name"},
        {HEAD " arg 0 a\n", "t.probes:5:9: the line ends too early; expected the field's type"},
        {HEAD " arg 0 a-b u8\n", "t.probes:5:8: not a name \"a-b\"; expected letters, digits and _"},
        {HEAD " arg -1 a u8\n", "t.probes:5:6: not an argument \"-1\"; expected its number, 0 to 11"},
        {HEAD "\targ\tx\ta\tu8\n", "t.probes:5:6: not an argument \"x\"; expected its number, 0 to 11"},
        {HEAD " arg 0 a u8 # a comment\n arg 1 b\n", "t.probes:6:9: the line ends too early; expected the field's type"},
        {"provider p\nprobe e\n summary s\n" ARG, "t.probes:2:1: probe e has no group; expected a line \"group ...\" below it"},
        {"provider p\nprobe e\n group g\n" ARG,
         "t.probes:2:1: probe e has no summary; expected a line \"summary ...\" below it"},
        {"\n\n  # nothing\nprobes\n",
         "t.probes:4:1: unknown word \"probes\"; expected provider, probe, names, type, tag, group, "
         "summary, now, role, absent, arg or line"},
        {"a\x1b[31m\n", "t.probes:1:2: unexpected \"\\x1b\"; expected UTF-8 without control characters"},
        {HEAD ARG " line a\tb\n", "t.probes:6:8: unexpected \"\\x09\"; expected no tabs in a text"},
        {HEAD ARG " now n\n absent a\tb\n", "t.probes:7:10: unexpected \"\\x09\"; expected no tabs in a text"},
        {"names t\n 1 a\tb\n", "t.probes:2:5: unexpected \"\\x09\"; expected no tabs in a text"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(error_of(rows[i].text), rows[i].message);
}
END_TEST

START_TEST(a_nul_in_a_name_is_refused)
{
    struct mem mem = {0};
    struct catalog catalog;
    struct diag diag;
    struct file file = {"t.probes", {"provider p\nprobe a\0b\n", 21}};
    struct files files = {&file, 1};
    ck_assert_int_eq(catalog_parse(&catalog, &files, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "t.probes:2:8: unexpected \"\\x00\"; expected UTF-8 without control characters");
    mem_free(&mem);
}
END_TEST

START_TEST(every_attribute_has_its_errors)
{
    static const char argument[] = "expected its number, 0 to 11", offset[] = "expected at=BYTES, of a number";
    static const struct {
        const char *attributes, *start, *expected;
    } rows[] = {
        {"str len=", "t.probes:5:18: not an argument \"\"; ", argument},
        {"str len=12", "t.probes:5:18: not an argument \"12\"; ", argument},
        {"bytes len=x", "t.probes:5:20: not an argument \"x\"; ", argument},
        {"bytes", "t.probes:5:10: no length for type \"bytes\"; ", "expected len=ARGUMENT after it"},
        {"preview", "t.probes:5:10: no length for type \"preview\"; ", "expected len=ARGUMENT after it"},
        {"cstr len=1", "t.probes:5:10: a length for type \"cstr\"; ", "expected no len="},
        {"sockaddr len=1", "t.probes:5:10: a length for type \"sockaddr\"; ", "expected no len="},
        {"u8 known-by=x", "t.probes:5:22: not an argument \"x\"; ", argument},
        {"u8 known-by=1", "t.probes:2:1: probe e has a field a that is known by argument 1; ", "expected a line \"arg 1 ...\""},
        {"u8 at=", "t.probes:5:13: not an offset \"at=\"; ", offset},
        {"u8 at=-8", "t.probes:5:13: not an offset \"at=-8\"; ", offset},
        {"u8 at=65536", "t.probes:5:13: not an offset \"at=65536\"; ", offset},
        {"cstr at=0", "t.probes:5:15: not an offset \"at=0\"; ", offset},
        {"sockaddr at=0", "t.probes:5:19: not an offset \"at=0\"; ", offset},
        {"u8 names=", "t.probes:5:13: no such table \"names=\"; ", "with \"names TABLE\" before it"},
        {"u8 null=1", "t.probes:5:13: unknown attribute \"null=1\"; ",
         "null, optional, app-data, secret, request-header or response-header"},
        {"u8 Secret", "t.probes:5:13: unknown attribute \"Secret\"; ",
         "null, optional, app-data, secret, request-header or response-header"},
        {"u8 null app_data", "t.probes:5:18: unknown attribute \"app_data\"; ",
         "null, optional, app-data, secret, request-header or response-header"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), HEAD " arg 0 a %s\n", rows[i].attributes);
        const char *message = error_of(text);
        ck_assert_msg(strncmp(message, rows[i].start, strlen(rows[i].start)) == 0, "%s", message);
        ck_assert_msg(strstr(message, rows[i].expected) != NULL, "%s", message);
    }
}
END_TEST

START_TEST(every_condition_has_its_errors)
{
    static const char *const rows[] = {
        "args",     "args=",      "args=-1",  "args=13",  "args=2x", "size=",    "size=1",      "size=1:",  "size=:8",
        "size=x:8", "size=1:8:8", "with=",    "with=/3",  "with=f/", "with=f/x", "with=f/13",   "without=", "without=/3",
        "Args=1",   "if=x",       "args=1=2", "size=1:x", "f",       "with",     "without=f/x",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256], expected[256];
        snprintf(text, sizeof(text), "provider p\nprobe e with=x %s\n group g\n summary s\n" ARG, rows[i]);
        snprintf(expected, sizeof(expected),
                 "t.probes:2:16: not a condition \"%s\"; expected args=N, size=N:BYTES, with=PROBE[/N] or without=PROBE[/N], "
                 "four at "
                 "most",
                 rows[i]);
        ck_assert_str_eq(error_of(text), expected);
    }
    ck_assert_ptr_nonnull(strstr(error_of("provider p\nprobe e with=a with=b with=c with=d with=e\n"),
                                 "t.probes:2:37: not a condition \"with=e\"; "));
}
END_TEST

/* Every type with the attributes that it takes. */
START_TEST(every_type_is_read)
{
    static const struct {
        const char *type, *attributes;
        enum types_wire wire;
    } rows[] = {
        {"u8", "at=0", TYPES_NUMBER},        {"u16", "at=65535", TYPES_NUMBER}, {"u32", "null", TYPES_NUMBER},
        {"u64", "", TYPES_NUMBER},           {"i8", "", TYPES_NUMBER},          {"i16", "", TYPES_NUMBER},
        {"i32", "", TYPES_NUMBER},           {"i64", "", TYPES_NUMBER},         {"ms", "", TYPES_NUMBER},
        {"http_version", "", TYPES_NUMBER},  {"str", "len=11", TYPES_TEXT},     {"cstr", "optional", TYPES_CSTR},
        {"hexstr", "secret", TYPES_CSTR},    {"bytes", "len=0", TYPES_BYTES},   {"preview", "len=1 app-data", TYPES_BYTES},
        {"sockaddr", "null", TYPES_ADDRESS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), HEAD " arg 11 a %s %s\n", rows[i].type, rows[i].attributes);
        ck_assert_msg(fixture_catalog(&fixture, text) == 0, "%s", fixture.diag.message);
        const struct catalog_field *field = &fixture.catalog.probes[0].fields[0];
        const char *word = rows[i].attributes;
        ck_assert_str_eq(field->type->name, rows[i].type);
        ck_assert_int_eq(field->type->wire, rows[i].wire);
        ck_assert_int_eq(field->arg, 11);
        ck_assert_int_eq(field->offset, strncmp(word, "at=", 3) == 0 ? atoi(word + 3) : -1);
        ck_assert_int_eq(field->len_arg, strncmp(word, "len=", 4) == 0 ? atoi(word + 4) : -1);
        ck_assert_int_eq(field->may_be_null, strcmp(word, "null") == 0);
        ck_assert_int_eq(field->is_optional, strcmp(word, "optional") == 0);
        ck_assert_int_eq(field->is_secret, strcmp(word, "secret") == 0);
        ck_assert_int_eq(field->is_app_data, strstr(word, "app-data") != NULL);
        fixture_free(&fixture);
    }
}
END_TEST

START_TEST(fields_have_their_limit)
{
    for (int count = 16; count <= 17; count++) {
        char text[1024];
        int used = snprintf(text, sizeof(text), HEAD);
        for (int i = 0; i < count; i++)
            used += snprintf(text + used, sizeof(text) - (size_t)used, " arg 7 field_%d u8\n", i);
        if (count == 17) {
            ck_assert_str_eq(error_of(text), "t.probes:21:6: too many fields at argument \"7\"; expected 16 at most");
            return;
        }
        ck_assert_int_eq(fixture_catalog(&fixture, text), 0);
        ck_assert_int_eq(fixture.catalog.probes[0].nfields, 16);
        ck_assert_str_eq(fixture.catalog.probes[0].fields[15].name, "field_15");
        fixture_free(&fixture);
    }
}
END_TEST

START_TEST(a_line_has_pieces)
{
    static const struct {
        const char *literal;
        int field;
    } expected[] = {{"<", -1}, {NULL, 1}, {" $ } ", -1}, {"Rx        ", -1}, {NULL, 0}};
    ck_assert_int_eq(fixture_catalog(&fixture, HEAD " tag Rx\n arg 0 a u8\n arg 1 b u8\n line   <${b} $ } ${tag}${a}  \n"), 0);
    const struct catalog_probe *probe = &fixture.catalog.probes[0];
    ck_assert_uint_eq(probe->npieces, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(probe->line[i].field, expected[i].field);
        if (expected[i].literal != NULL)
            ck_assert_msg(text_is(probe->line[i].literal, expected[i].literal), "%zu", i);
    }
    fixture_free(&fixture);
    ck_assert_int_eq(fixture_catalog(&fixture, HEAD ARG), 0);
    ck_assert_ptr_null(fixture.catalog.probes[0].line);
    fixture_free(&fixture);
}
END_TEST

START_TEST(names_and_tags_follow_the_type)
{
    ck_assert_int_eq(fixture_catalog(&fixture, HEAD " tag T\n type t\n" ARG "probe f\n group g\n summary s\n type t\n" ARG), 0);
    ck_assert_str_eq(fixture.catalog.probes[0].type, "t");
    ck_assert_str_eq(fixture.catalog.probes[0].tag, "T");
    ck_assert_str_eq(fixture.catalog.probes[1].type, "t");
    ck_assert_str_eq(fixture.catalog.probes[1].tag, "t");
    ck_assert_ptr_null(fixture.catalog.probes[1].now);
    fixture_free(&fixture);
}
END_TEST

START_TEST(several_files_are_one_catalogue)
{
    struct file items[] = {fixture_file("a.probes", "names t\n 1 one\n" HEAD ARG),
                           fixture_file("b.probes", "provider q\nprobe e\n group g\n summary s\n arg 0 a u8 names=t\n"),
                           fixture_file("c.probes", "probe e\n"), fixture_file("d.probes", HEAD ARG)};
    struct files both = {items, 2}, three = {items, 3};
    struct mem mem = {0};
    struct diag diag = {0};
    struct catalog catalog;
    ck_assert_msg(catalog_parse(&catalog, &both, &mem, &diag) == 0, "%s", diag.message);
    ck_assert_uint_eq(catalog.count, 2);
    ck_assert_str_eq(catalog_label(catalog.probes[1].fields[0].names, 1), "one");
    ck_assert_str_eq(catalog.probes[1].pos.file, "b.probes");
    ck_assert_int_eq(catalog.probes[1].pos.line, 2);
    ck_assert_int_eq(catalog_parse(&catalog, &three, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "c.probes:1:1: a probe before any provider; expected a line \"provider NAME\" first");
    items[1] = items[3];
    ck_assert_int_eq(catalog_parse(&catalog, &both, &mem, &diag), -1);
    ck_assert_str_eq(diag.message, "d.probes:2:1: probe p:e is there already, without a condition, at a.probes:4");
    mem_free(&mem);
}
END_TEST

START_TEST(fields_are_found_by_what_they_mean)
{
    static const int request[CATALOG_MEANINGS] = {[CATALOG_CONN_ID] = 0,
                                                  [CATALOG_REQ_ID] = 1,
                                                  [CATALOG_TIME] = -1,
                                                  [CATALOG_STATUS] = -1,
                                                  [CATALOG_HTTP_VERSION] = -1,
                                                  [CATALOG_DCID] = -1,
                                                  [CATALOG_REQUEST_HEADER_NAME] = 2,
                                                  [CATALOG_RESPONSE_HEADER_NAME] = -1,
                                                  [CATALOG_HEADER_NAME] = 2,
                                                  [CATALOG_HEADER_VALUE] = 3,
                                                  [CATALOG_QUIC_CONN] = -1,
                                                  [CATALOG_CLIENT] = -1};
    static const int quic[CATALOG_MEANINGS] = {[CATALOG_CONN_ID] = 3,
                                               [CATALOG_REQ_ID] = 4,
                                               [CATALOG_TIME] = 1,
                                               [CATALOG_STATUS] = 5,
                                               [CATALOG_HTTP_VERSION] = 6,
                                               [CATALOG_DCID] = 7,
                                               [CATALOG_REQUEST_HEADER_NAME] = -1,
                                               [CATALOG_RESPONSE_HEADER_NAME] = 8,
                                               [CATALOG_HEADER_NAME] = 8,
                                               [CATALOG_HEADER_VALUE] = -1,
                                               [CATALOG_QUIC_CONN] = 3,
                                               [CATALOG_CLIENT] = 9};
    const char *text = HEAD " arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 name str len=3 request-header\n"
                            " arg 4 value str len=5 named-by=name\nprobe f\n group g\n summary s\n"
                            " arg 0 conn_id u64\n arg 1 at ms\n arg 2 req_id u64\n arg 3 master_conn_id u32 at=16\n"
                            " arg 4 stream_id i64\n arg 5 status i32\n arg 6 http_version http_version\n arg 7 dcid hexstr\n"
                            " arg 8 name str len=9 response-header\n arg 10 src sockaddr\nprobe h\n group g\n summary s\n"
                            " arg 0 dcid u64\n arg 1 src u64\n arg 2 master_conn_id u32\n";
    ck_assert_msg(fixture_catalog(&fixture, text) == 0, "%s", fixture.diag.message);
    for (int i = 0; i < CATALOG_MEANINGS; i++) {
        ck_assert_int_eq(fixture.catalog.probes[0].field_of[i], request[i]);
        ck_assert_int_eq(fixture.catalog.probes[1].field_of[i], quic[i]);
        if (i != CATALOG_CONN_ID)
            ck_assert_int_eq(fixture.catalog.probes[2].field_of[i], -1); /* those mean digits, an address, a pointer */
    }
    fixture_free(&fixture);
}
END_TEST

START_TEST(labels_of_values)
{
    ck_assert_int_eq(fixture_catalog(&fixture, "names t\n 0 zero\n 18446744073709551615 most\n" HEAD " arg 0 a u64 names=t\n"),
                     0);
    const struct catalog_names *names = fixture.catalog.probes[0].fields[0].names;
    ck_assert_str_eq(catalog_label(names, 0), "zero");
    ck_assert_str_eq(catalog_label(names, UINT64_MAX), "most");
    ck_assert_ptr_null(catalog_label(names, 1));
    ck_assert_ptr_null(catalog_label(NULL, 0));
    fixture_free(&fixture);
}
END_TEST

/* A probe that the server has not fits never, and one of another provider is another one. */
START_TEST(a_probe_that_is_not_there_never_fits)
{
    static const struct usdt_probes none = {0};
    ck_assert_int_eq(fixture_catalog(&fixture, "provider q\nprobe e without=f\n group g\n summary s\n" ARG HEAD ARG), 0);
    ck_assert(!catalog_fits(&fixture.catalog.probes[0], &server_probes));
    ck_assert(catalog_fits(&fixture.catalog.probes[1], &server_probes));
    ck_assert(!catalog_fits(&fixture.catalog.probes[1], &none));
    fixture_free(&fixture);
}
END_TEST

Suite *
catalog_suite(void)
{
    Suite *suite = suite_create("catalog");
    TCase *tcase = tcase_create("catalog");
    tcase_add_test(tcase, errors_say_where_and_what);
    tcase_add_test(tcase, a_probe_is_read);
    tcase_add_test(tcase, conditions_choose_a_variant);
    tcase_add_test(tcase, damaged_catalogues_do_no_harm);
    tcase_add_test(tcase, every_directive_has_its_errors);
    tcase_add_test(tcase, a_nul_in_a_name_is_refused);
    tcase_add_test(tcase, every_attribute_has_its_errors);
    tcase_add_test(tcase, every_condition_has_its_errors);
    tcase_add_test(tcase, every_type_is_read);
    tcase_add_test(tcase, fields_have_their_limit);
    tcase_add_test(tcase, a_line_has_pieces);
    tcase_add_test(tcase, names_and_tags_follow_the_type);
    tcase_add_test(tcase, several_files_are_one_catalogue);
    tcase_add_test(tcase, fields_are_found_by_what_they_mean);
    tcase_add_test(tcase, labels_of_values);
    tcase_add_test(tcase, a_probe_that_is_not_there_never_fits);
    suite_add_tcase(suite, tcase);
    return suite;
}
