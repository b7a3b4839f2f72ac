#include "options.h"

#include "unit-fixture.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct options options;
static struct diag diag;

/* Parses "h2olog " and the words of `line`. */
static int
parse(const char *line)
{
    static char copy[256];
    char *argv[32] = {"h2olog"}, *rest = copy, *word;
    int argc = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word != '\0')
            argv[argc++] = word;
    diag = (struct diag){0};
    return options_parse(&options, argc, argv, &diag);
}

START_TEST(every_option_is_understood)
{
    ck_assert_int_eq(
        parse("quic -p 12 -ddd -lE --names -a -t a,b -tc --type=d:e* -f line --bpftrace b --probes p --templates t "
              "--emit-script"),
        0);
    ck_assert_str_eq(options.mode, "quic");
    ck_assert_int_eq(options.pid, 12);
    ck_assert_int_eq(options.debug, 3);
    ck_assert(options.list && options.extra && options.names && options.app_data && options.emit_script);
    ck_assert_uint_eq(options.types.count, 4);
    ck_assert_str_eq(options.types.items[0], "a");
    ck_assert_str_eq(options.types.items[1], "b");
    ck_assert_str_eq(options.types.items[2], "c");
    ck_assert_str_eq(options.types.items[3], "d:e*");
    ck_assert_str_eq(options.format, "line");
    ck_assert_str_eq(options.bpftrace, "b");
    ck_assert_str_eq(options.probes_path, "p");
    ck_assert_str_eq(options.templates_dir, "t");
    ck_assert(parse("--help") == 0 && options.help && !options.help_mdoc);
    ck_assert(parse("--help=mdoc") == 0 && options.help && options.help_mdoc);
    ck_assert(parse("-V") == 0 && options.version);
}
END_TEST

START_TEST(modes_have_their_formats)
{
    static const char *const rows[][3] = {
        {"", "http", "line"},     {"http", "http", "line"},    {"-H", "http", "line"},          {"-H http", "http", "line"},
        {"quic", "quic", "json"}, {"all -p 1", "all", "json"}, {"http -f json", "http", "json"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(parse(rows[i][0]), 0);
        ck_assert_str_eq(options.mode, rows[i][1]);
        ck_assert_str_eq(options.format, rows[i][2]);
    }
}
END_TEST

START_TEST(bad_usage_is_explained)
{
    static const char *const rows[][2] = {
        {"--nosuch", "unknown option --nosuch, or one that takes no argument; see h2olog --help"},
        {"-Z", "unknown option -Z, or one that takes no argument; see h2olog --help"},
        {"--list=x", "unknown option --list=x, or one that takes no argument; see h2olog --help"},
        {"-p", "option -p needs an argument; see h2olog --help"},
        {"--pid", "option --pid needs an argument; see h2olog --help"},
        {"-p x", "--pid: \"x\" is not a process id; give a positive number, as pgrep -o h2o prints"},
        {"-p 0", "--pid: \"0\" is not a process id; give a positive number, as pgrep -o h2o prints"},
        {"-p 99999999999", "--pid: \"99999999999\" is not a process id; give a positive number, as pgrep -o h2o prints"},
        {"tcp", "unknown command \"tcp\"; expected http, quic or all; a process is chosen by -p PID"},
        {"http quic", "both http and quic; choose one, or all with -t"},
        {"-H quic", "both quic and http; choose one, or all with -t"},
        {"-f xml", "--format: unknown form \"xml\"; expected line or json"},
        {"-t a,,b", "--type: an empty word; expected TYPE[,TYPE]"},
        {"--help=x", "--help: unknown form \"x\"; the only other form is mdoc"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i][0]) == -1, "accepted: %s", rows[i][0]);
        ck_assert_str_eq(diag.message, rows[i][1]);
        ck_assert_int_eq(diag.status, DIAG_USAGE);
    }
}
END_TEST

Suite *
options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");
    tcase_add_test(tcase, every_option_is_understood);
    tcase_add_test(tcase, modes_have_their_formats);
    tcase_add_test(tcase, bad_usage_is_explained);
    suite_add_tcase(suite, tcase);
    return suite;
}
