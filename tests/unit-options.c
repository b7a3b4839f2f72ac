#include "command/options.h"

#include "unit-fixture.h"
#include "unit.h"

#include <ctype.h>
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
    ck_assert_int_eq(parse("quic -p 12 -ddd -E --names -a -t a,b -tc --type=d:e* -f line --bpftrace b --probes p --templates t "
                           "--emit-script"),
                     0);
    ck_assert_str_eq(options.mode, "quic");
    ck_assert_int_eq(options.pids.items[0], 12);
    ck_assert_int_eq(options.debug, 3);
    ck_assert(options.extra && options.names && options.app_data && options.emit_script);
    ck_assert_uint_eq(options.types.count, 4);
    ck_assert_str_eq(options.types.items[0], "a");
    ck_assert_str_eq(options.types.items[1], "b");
    ck_assert_str_eq(options.types.items[2], "c");
    ck_assert_str_eq(options.types.items[3], "d:e*");
    ck_assert_str_eq(options.format, "line");
    ck_assert_str_eq(options.bpftrace, "b");
    ck_assert_str_eq(options.probes_path, "p");
    ck_assert_str_eq(options.templates_dir, "t");
    ck_assert_int_eq(parse("-p 3 --pid=4,5 -p 4 --follow -w o --append --quiet --user u --force --record r"), 0);
    ck_assert_uint_eq(options.pids.count, 3);
    ck_assert(options.pids.items[0] == 3 && options.pids.items[1] == 4 && options.pids.items[2] == 5);
    ck_assert_str_eq(options.output, "o");
    ck_assert_str_eq(options.user, "u");
    ck_assert_str_eq(options.record, "r");
    ck_assert(!options.has_mode && !options.has_format);
    ck_assert(options.follow && options.append && options.quiet && options.force);
    ck_assert(parse("-r") == 0 && options.keep_root);
    ck_assert_int_eq(parse("--replay s --color --wide"), 0);
    ck_assert_str_eq(options.replay, "s");
    ck_assert_str_eq(options.color, "always");
    ck_assert(parse("--color=auto") == 0 && strcmp(options.color, "auto") == 0);
    ck_assert(parse("-l") == 0 && options.list);
    ck_assert(parse("-T clock") == 0 && strcmp(options.time, "clock") == 0);
    ck_assert(parse("-T iso --time=none") == 0 && strcmp(options.time, "none") == 0);
    ck_assert(parse("--help") == 0 && options.help && !options.help_table);
    ck_assert(parse("--help=table") == 0 && options.help && options.help_table);
    ck_assert(parse("-V") == 0 && options.version);
}
END_TEST

/* O1: what the command does not use was ignored. */
START_TEST(o1_what_a_command_does_not_use_is_refused)
{
    static const char *const rows[][2] = {
        {"--list --doctor", "both --list and --doctor; choose one"},
        {"--replay f --emit-script", "both --emit-script and --replay; choose one"},
        {"--emit-script -w F", "--write is for tracing and --replay, not for --emit-script"},
        {"--emit-script=wire -w F", "--write is for tracing and --replay, not for --emit-script=wire"},
        {"-T clock --emit-script", "--time is for tracing and --replay, not for --emit-script"},
        {"-T clock --emit-script=wire", "--time is for tracing and --replay, not for --emit-script=wire"},
        {"-l --time none", "--time is for tracing and --replay, not for --list"},
        {"--emit-script=wire -f json",
         "--format is for tracing, --list, --doctor, --emit-script and --replay, not for --emit-script=wire"},
        {"--emit-script --batch-interval 5s", "--batch-interval is for tracing and --emit-script=wire, not for --emit-script"},
        {"--replay f -p 1", "--pid is for tracing, --list, --doctor and --emit-script, not for --replay"},
        {"--replay f --follow", "--follow is for tracing, not for --replay"},
        {"--replay f --record g", "--record is for tracing, not for --replay"},
        {"--replay f --user nosuch", "--user is for tracing, not for --replay"},
        {"--replay f -r", "--keep-root is for tracing, not for --replay"},
        {"--replay f -a", "--app-data is for tracing and --emit-script, not for --replay"},
        {"--replay f --duration 1", "--duration is for tracing, not for --replay"},
        {"--replay f --script g", "--script is for tracing, not for --replay"},
        {"--list -k 5", "--count is for tracing and --replay, not for --list"},
        {"--list -i x", "--include is for tracing, --emit-script and --replay, not for --list"},
        {"-l --script x", "--script is for tracing, not for --list"},
        {"--doctor -t accept", "--type is for tracing, --list, --emit-script and --replay, not for --doctor"},
        {"quic --doctor", "quic is for tracing, --list, --emit-script and --replay, not for --doctor"},
        {"--doctor -e x", "--exe is for tracing, --list and --emit-script, not for --doctor"},
        {"--replay f --pid-file g", "--pid-file is for tracing, --list, --doctor and --emit-script, not for --replay"},
        {"--doctor --wait", "--wait is for tracing, not for --doctor"},
        {"-p 1 --pid-file x", "both --pid and --pid-file; choose one"},
        {"-p all -e x", "both --pid and --exe; choose one"},
        {"-e x --pid-file y", "both --exe and --pid-file; choose one"},
        {"--pid-file x --pid-file y", "--pid-file is given twice, as \"x\" and \"y\"; choose one"},
        {"-p 5,all", "--pid: all, and process 5; choose one"},
        {"-p 5 --wait",
         "both --pid and --wait; a process that is to come has no number yet; wait with -e FILE or --pid-file FILE"},
        {"--append", "--append needs --write: it says how the file is opened"},
        {"-w a -w b", "--write is given twice, as \"a\" and \"b\"; choose one"},
        {"--replay a --replay b", "--replay is given twice, as \"a\" and \"b\"; choose one"},
        {"-r --user X", "both --keep-root and --user; choose one"},
        {"-l -p 1 -e x", "both --pid and --exe; choose one"},
        {"--buffered --line-buffered", "both --line-buffered and --buffered; choose one"},
        {"-E -F combined", "both --log-format and --extra; a line of the log has what its format names"},
        {"--names -F combined", "both --log-format and --names; a line of the log has what its format names"},
        {"-i TxStatus -F %r", "both --log-format and --include; a line of the log has what its format names"},
        {"-F %r -x TxStatus", "both --log-format and --exclude; a line of the log has what its format names"},
        {"-F %r -I a", "both --log-format and --include-regex; a line of the log has what its format names"},
        {"-F %r -X a", "both --log-format and --exclude-regex; a line of the log has what its format names"},
        {"-F %r --request-header a", "both --log-format and --request-header; a line of the log has what its format names"},
        {"-F %r -s a", "both --log-format and --response-header; a line of the log has what its format names"},
        {"--script x -a", "both --script and --app-data; that is in the program already; give it to --emit-script=wire"},
        {"--script x --redact y", "both --script and --redact; that is in the program already; give it to --emit-script=wire"},
        {"--script x --transport=batch",
         "both --script and --transport; that is in the program already; give it to --emit-script=wire"},
        {"--script x --templates y", "both --script and --templates; the program is there already"},
        {"--transport=stream --batch-interval 1", "--batch-interval is for batches; --transport=stream has none"},
        {"--batch-interval 11", "--batch-interval: expected 10s at most"},
        {"--buffer 3M", "--buffer: \"3M\" is not an amount of memory from 4M to 4G, as 64M"},
        {"--buffer 5G", "--buffer: \"5G\" is not an amount of memory from 4M to 4G, as 64M"},
        {"--buffer 64", "--buffer: \"64\" is not an amount of memory from 4M to 4G, as 64M"},
        {"--buffer 64Mi", "--buffer: \"64Mi\" is not an amount of memory from 4M to 4G, as 64M"},
        {"--buffer -1", "--buffer: \"-1\" is not an amount of memory from 4M to 4G, as 64M"},
        {"--emit-script --buffer 64M", "--buffer is for tracing, not for --emit-script"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i][0]) == -1, "accepted: %s", rows[i][0]);
        ck_assert_str_eq(diag.message, rows[i][1]);
        ck_assert_int_eq(diag.status, DIAG_USAGE);
    }
}
END_TEST

START_TEST(o1_what_a_command_uses_is_taken)
{
    static const char *const rows[] = {
        "quic --list -t accept -f json -p 1",
        "-l -e x --probes p --force --quiet -d",
        "--doctor -p 1 -f json --transport=batch --bpftrace b --probes p",
        "all -t x -f line -E --names -a -i x --redact y --emit-script -e z",
        "-g request -q status --transport=batch --batch-interval 1 --emit-script=wire -p 1",
        "http -f json --names -E -t x -i y --redact z -k 3 -w o --append --buffered --color --wide --replay f",
        "--script f -p 1 -t x -f json -w o -k 3 --record r --follow",
        "--help quic --list --doctor --append",
        "quic -f line -T delta --replay f",
        "-V --replay f --follow",
        "-e f --wait --follow --duration 5 -w o",
        "--pid-file f --wait",
        "-p all --wait",
        "--wait",
        "-l --pid-file f",
        "--doctor --pid-file f",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(parse(rows[i]) == 0, "%s: %s", rows[i], diag.message);
}
END_TEST

/* O2: habits of other tools, and letters that slipped. */
START_TEST(o2_near_words_are_offered)
{
    static const char *const rows[][2] = {
        {"htp", "unknown command \"htp\"; did you mean http?"},
        {"QUIC", "unknown command \"QUIC\"; did you mean quic?"},
        {"help", "unknown command \"help\"; did you mean --help?"},
        {"doctor", "unknown command \"doctor\"; did you mean --doctor?"},
        {"1234", "unknown command \"1234\"; did you mean -p 1234?"},
        {"-r busy.rec", "-r takes no file, it means --keep-root; did you mean --replay busy.rec?"},
        {"--pidd 3", "unknown option --pidd; did you mean --pid?"},
        {"--colour=never", "unknown option --colour=never; did you mean --color?"},
        {"--exlude x", "unknown option --exlude; did you mean --exclude?"},
        {"-f jsn", "--format: unknown word \"jsn\"; did you mean json?"},
        {"--transport=steam", "--transport: unknown word \"steam\"; did you mean stream?"},
        {"--transport=perf_event", "--transport: unknown word \"perf_event\"; expected stream|batch"},
        {"-T elapse", "--time: unknown word \"elapse\"; did you mean elapsed?"},
        {"--color=alway", "--color: unknown word \"alway\"; did you mean always?"},
        {"--emit-script=wires", "--emit-script: unknown word \"wires\"; did you mean wire?"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i][0]) == -1, "accepted: %s", rows[i][0]);
        ck_assert_str_eq(diag.message, rows[i][1]);
        ck_assert_int_eq(diag.status, DIAG_USAGE);
    }
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
        {"--nosuch", "unknown option --nosuch; see h2olog --help"},
        {"-Z", "unknown option -Z; see h2olog --help"},
        {"--list=x", "option --list=x takes no argument; see h2olog --help"},
        {"-p", "option -p needs an argument; see h2olog --help"},
        {"--pid", "option --pid needs an argument; see h2olog --help"},
        {"-p x", "--pid: \"x\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"-p 0", "--pid: \"0\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"-p 99999999999",
         "--pid: \"99999999999\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"tcp", "unknown command \"tcp\"; did you mean top?"},
        {"http quic", "both http and quic; choose one, or all with -t"},
        {"-H quic", "both quic and http; choose one, or all with -t"},
        {"-f xml", "--format: unknown word \"xml\"; expected line|json"},
        {"-t a,,b", "--type: an empty word; expected TYPE[,TYPE]"},
        {"-T epoch", "--time: unknown word \"epoch\"; expected none|clock|iso|elapsed|delta"},
        {"-T", "option -T needs an argument; see h2olog --help"},
        {"--help=x", "--help: unknown form \"x\"; the only other form is table"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i][0]) == -1, "accepted: %s", rows[i][0]);
        ck_assert_str_eq(diag.message, rows[i][1]);
        ck_assert_int_eq(diag.status, DIAG_USAGE);
    }
}
END_TEST

START_TEST(a_list_has_its_limit)
{
    static char words[2 * OPTIONS_MAX_LIST + 3];
    char *argv[] = {"h2olog", "-t", words, NULL};
    for (int extra = 0; extra < 2; extra++) {
        for (int i = 0; i < OPTIONS_MAX_LIST + extra; i++)
            memcpy(words + 2 * i, "a,", 3);
        words[strlen(words) - 1] = '\0';
        diag = (struct diag){0};
        ck_assert_int_eq(options_parse(&options, 3, argv, &diag), -extra);
        ck_assert_uint_eq(options.types.count, OPTIONS_MAX_LIST);
    }
    ck_assert_str_eq(diag.message, "--type: more than 512 words");
    ck_assert_int_eq(diag.status, DIAG_USAGE);
}
END_TEST

START_TEST(untrusted_words_are_escaped_in_messages)
{
    char *argv[] = {"h2olog", "a\033[31m\n", NULL};
    ck_assert_int_eq(options_parse(&options, 2, argv, &diag), -1);
    ck_assert_ptr_nonnull(strstr(diag.message, "\"a\\x1b[31m\\x0a\""));
}
END_TEST

/* Every row of the table. */
START_TEST(help_shows_every_option)
{
    static const char *const rows[][3] = {
#define OPTION(field, kind, commands, name, letter, argument, help) {"--" name, argument, help},
#include "command/options.def"
#undef OPTION
    };
    struct outbuf help = {0}, table = {0};
    options_help(&help, false);
    options_help(&table, true);
    text_putc(&help, '\0');
    text_putc(&table, '\0');
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *at = strstr(help.ptr, rows[i][0]);
        while (at != NULL && isalpha(at[strlen(rows[i][0])]))
            at = strstr(at + 1, rows[i][0]);
        char item[64], optional[64];
        ck_assert_msg(at != NULL, "%s", rows[i][0]);
        if (rows[i][1] != NULL)
            ck_assert_msg(
                strncmp(at + strlen(rows[i][0]) + 1 + (at[strlen(rows[i][0])] == '['), rows[i][1], strlen(rows[i][1])) == 0,
                "%s", rows[i][0]);
        const char *argument = rows[i][1] != NULL ? rows[i][1] : "-";
        snprintf(item, sizeof(item), "\t%s\t%s\t", rows[i][0] + 2, argument);
        snprintf(optional, sizeof(optional), "\t%s\t[=%s]\t", rows[i][0] + 2, argument);
        ck_assert_msg(strstr(table.ptr, item) != NULL || strstr(table.ptr, optional) != NULL, "%s", item);
    }
    struct slice rest = {help.ptr, help.len - 1}, line;
    while (text_line(&rest, &line))
        ck_assert_msg(line.len <= 100, "too long: %.*s", (int)line.len, line.ptr);
    text_free(&help);
    text_free(&table);
}
END_TEST

START_TEST(short_options_are_combined)
{
    static const char *const rows[] = {"-rEad -p7 -tx",
                                       "-aErdp7 -tx",
                                       "-rad -Ep 7 -t x",
                                       "-radEtx -p7",
                                       "-d -r -a -E --pid=7 --type=x",
                                       "--debug --keep-root --app-data --extra --pid 7 --type x"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i]) == 0, "%s: %s", rows[i], diag.message);
        ck_assert_msg(options.keep_root && options.extra && options.app_data && options.debug == 1 &&
                          options.pids.items[0] == 7,
                      "%s", rows[i]);
        ck_assert_uint_eq(options.types.count, 1);
        ck_assert_str_eq(options.types.items[0], "x");
        ck_assert(!options.names && !options.emit_script && !options.help && !options.version && !options.http);
    }
}
END_TEST

START_TEST(filters_and_ends_of_a_run)
{
    static const struct {
        const char *line;
        uint64_t ms;
    } times[] = {{"--duration 5m", 300000},
                 {"--duration 1", 1000},
                 {"--duration 7s", 7000},
                 {"--duration 20ms", 20},
                 {"--duration 2h", 7200000}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        ck_assert_msg(parse(times[i].line) == 0, "%s", diag.message);
        ck_assert_uint_eq(options.duration_ms, times[i].ms);
    }
    ck_assert_int_eq(parse("-k 5 -i Rx --conn 1,2 -s a -s b -x c --sample 1%"), 0);
    ck_assert_uint_eq(options.count, 5);
    ck_assert_uint_eq(options.filters.count, 6);
    ck_assert_str_eq(options.filters.items[1].option, "conn");
    ck_assert_str_eq(options.filters.items[1].value, "1,2");
    ck_assert_str_eq(options.filters.items[3].option, "response-header");
    static const char *const bad[] = {"--duration s", "--duration 0", "--duration 1y", "--duration -1", "-k -1", "-k 1x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(parse(bad[i]) == -1 && diag.status == DIAG_USAGE, "%s", bad[i]);
    ck_assert_int_eq(parse("--emit-script"), 0);
    ck_assert_str_eq(options.emit_script, "standalone");
    ck_assert_int_eq(parse("--emit-script=wire -e x"), 0);
    ck_assert_str_eq(options.emit_script, "wire");
}
END_TEST

START_TEST(nothing_is_asked_for)
{
    ck_assert_int_eq(parse(""), 0);
    ck_assert_str_eq(options.mode, "http");
    ck_assert_str_eq(options.format, "line");
    ck_assert_int_eq((int)options.pids.count, 0);
    ck_assert_uint_eq(options.types.count, 0);
    ck_assert(!options.list && !options.extra && !options.names && !options.app_data && !options.emit_script);
    ck_assert(!options.help && !options.help_table && !options.version && options.debug == 0);
    ck_assert(!options.follow && !options.append && !options.quiet && !options.keep_root && !options.force);
    ck_assert(options.output == NULL && options.user == NULL && options.record == NULL && options.replay == NULL);
    ck_assert(options.bpftrace == NULL && options.probes_path == NULL && options.templates_dir == NULL);
}
END_TEST

START_TEST(commands_and_options_in_any_order)
{
    static const char *const rows[] = {"quic -p 1 -d", "-p 1 quic -d", "-p 1 -d quic", "-d -p 1 -- quic", "quic -d quic -p 1"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i]) == 0, "%s: %s", rows[i], diag.message);
        ck_assert_str_eq(options.mode, "quic");
        ck_assert(options.pids.items[0] == 1 && options.debug == 1);
    }
}
END_TEST

START_TEST(the_last_value_counts)
{
    ck_assert_int_eq(
        parse("-p 1 -f json --bpftrace a --probes b --templates c -p 2 -f line --bpftrace d --probes e --templates f"), 0);
    ck_assert_int_eq(options.pids.items[1], 2);
    ck_assert_str_eq(options.format, "line");
    ck_assert_str_eq(options.bpftrace, "d");
    ck_assert_str_eq(options.probes_path, "e");
    ck_assert_str_eq(options.templates_dir, "f");
    ck_assert_int_eq(parse("-p 2147483647"), 0);
    ck_assert_int_eq(options.pids.items[0], 2147483647);
}
END_TEST

START_TEST(the_bad_word_is_named)
{
    static const char *const rows[][2] = {
        {"-lZ", "unknown option -Z; see h2olog --help"},
        {"-d5", "unknown option -5; see h2olog --help"},
        {"-l=x", "unknown option -=; see h2olog --help"},
        {"-?", "unknown option -?; see h2olog --help"},
        {"-:", "unknown option -:; see h2olog --help"},
        {"--p 1", "option --p could be several; give more of its name, see h2olog --help"},
        {"--t=x", "option --t=x could be several; give more of its name, see h2olog --help"},
        {"-d quic --nosuch -l", "unknown option --nosuch; see h2olog --help"},
        {"quic all -d --nosuch", "unknown option --nosuch; see h2olog --help"},
        {"--debug=3", "option --debug=3 takes no argument; see h2olog --help"},
        {"-lt", "option -t needs an argument; see h2olog --help"},
        {"-d --type", "option --type needs an argument; see h2olog --help"},
        {"quic --bpftrace", "option --bpftrace needs an argument; see h2olog --help"},
        {"--probes", "option --probes needs an argument; see h2olog --help"},
        {"--templates", "option --templates needs an argument; see h2olog --help"},
        {"-f", "option -f needs an argument; see h2olog --help"},
        {"--pid=", "--pid: \"\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"-p -1", "--pid: \"-1\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"-p 2147483648", "--pid: \"2147483648\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"-p 1x", "--pid: \"1x\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all"},
        {"--format=", "--format: unknown word \"\"; expected line|json"},
        {"-f JSON", "--format: unknown word \"JSON\"; did you mean json?"},
        {"--type=", "--type: an empty word; expected TYPE[,TYPE]"},
        {"-t ,a", "--type: an empty word; expected TYPE[,TYPE]"},
        {"-t a,", "--type: an empty word; expected TYPE[,TYPE]"},
        {"all quic http", "both all and quic; choose one, or all with -t"},
        {"1.2.3.4", "unknown command \"1.2.3.4\"; "
                    "expected http, quic, all, stat, top, hist or keylog; a process is chosen by -p PID"},
        {"-- -p", "unknown command \"-p\"; expected http, quic, all, stat, top, hist or keylog; a process is chosen by -p PID"},
        {"--help=", "--help: unknown form \"\"; the only other form is table"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(parse(rows[i][0]) == -1, "accepted: %s", rows[i][0]);
        ck_assert_str_eq(diag.message, rows[i][1]);
        ck_assert_int_eq(diag.status, DIAG_USAGE);
    }
}
END_TEST

/* Any words at all: an error in words, or a mode and a format. */
START_TEST(any_words_are_understood_or_explained)
{
    uint32_t seed = 13;
    for (int round = 0; round < 3000; round++) {
        char line[24] = "";
        fixture_fill(line, fixture_random(&seed) % sizeof(line), "--pdtlEaf= ,1hVqx:\xc3", &seed);
        line[sizeof(line) - 1] = '\0';
        if (parse(line) == 0)
            ck_assert(options.mode != NULL && options.format != NULL);
        else
            ck_assert(diag.status == DIAG_USAGE && diag.message[0] != '\0');
    }
}
END_TEST

Suite *
options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");
    tcase_add_test(tcase, every_option_is_understood);
    tcase_add_test(tcase, o1_what_a_command_does_not_use_is_refused);
    tcase_add_test(tcase, o1_what_a_command_uses_is_taken);
    tcase_add_test(tcase, o2_near_words_are_offered);
    tcase_add_test(tcase, modes_have_their_formats);
    tcase_add_test(tcase, bad_usage_is_explained);
    tcase_add_test(tcase, a_list_has_its_limit);
    tcase_add_test(tcase, untrusted_words_are_escaped_in_messages);
    tcase_add_test(tcase, help_shows_every_option);
    tcase_add_test(tcase, short_options_are_combined);
    tcase_add_test(tcase, filters_and_ends_of_a_run);
    tcase_add_test(tcase, nothing_is_asked_for);
    tcase_add_test(tcase, commands_and_options_in_any_order);
    tcase_add_test(tcase, the_last_value_counts);
    tcase_add_test(tcase, the_bad_word_is_named);
    tcase_add_test(tcase, any_words_are_understood_or_explained);
    suite_add_tcase(suite, tcase);
    return suite;
}
