#include "command/options.h"

#include "show/format.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, COUNT, STRING, LIST, PIDS, NUMBER, DURATION, FILTER, FORM, COLOR, TIME, HELP };

static const struct option_row {
    enum kind kind;
    const char *name;
    char letter;
    const char *argument;
    const char *help;
    size_t offset;
} option_rows[] = {
#define OPTION(field, kind, name, letter, argument, help) {kind, name, letter, argument, help, offsetof(struct options, field)},
#include "command/options.def"
#undef OPTION
};

enum { ROWS = sizeof(option_rows) / sizeof(option_rows[0]) };

static const struct mode {
    const char *name, *format;
} modes[] = {
    {"http", "line"}, /* the default */
    {"quic", "json"},
    {"all", "json"},
};

static const char usage[] = "Usage: h2olog [http | quic | all] [options]\n"
                            "Shows what a running h2o web server does, through its USDT probes and bpftrace.\n";

static int
option_add_pid(struct options_pids *pids, const struct option_row *row, const char *value, struct diag *diag)
{
    uint64_t number;
    char quoted[64];
    if (!text_number(text_of(value), INT32_MAX, &number) || number == 0)
        return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not a process id; give a positive number, as pgrep -o h2o prints",
                        row->name, diag_quote(quoted, sizeof(quoted), text_of(value)));
    for (size_t i = 0; i < pids->count; i++)
        if (pids->items[i] == (pid_t)number)
            return 0;
    if (pids->count == OPTIONS_MAX_PIDS)
        return diag_set(diag, DIAG_USAGE, "--%s: more than %d processes", row->name, OPTIONS_MAX_PIDS);
    pids->items[pids->count++] = (pid_t)number;
    return 0;
}

static int
option_add_pids(struct options_pids *pids, const struct option_row *row, char *value, struct diag *diag)
{
    for (char *word, *rest = value; (word = strsep(&rest, ",")) != NULL;)
        if (option_add_pid(pids, row, word, diag) != 0)
            return -1;
    return 0;
}

static int
set_help(struct options *options, const char *format, struct diag *diag)
{
    options->help = true;
    if (format == NULL)
        return 0;
    options->help_table = strcmp(format, "table") == 0;
    char quoted[64];
    return options->help_table ? 0
                               : diag_set(diag, DIAG_USAGE, "--help: unknown form \"%s\"; the only other form is table",
                                          diag_quote(quoted, sizeof(quoted), text_of(format)));
}

static int
set_number(uint64_t *number, const struct option_row *row, const char *value, struct diag *diag)
{
    char quoted[64];
    if (text_number(text_of(value), INT64_MAX, number) && *number > 0)
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not a positive number", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

/* In milliseconds; a number alone is seconds. */
static int
set_duration(uint64_t *duration, const struct option_row *row, const char *value, struct diag *diag)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};
    size_t digits = strspn(value, "0123456789");
    uint64_t number;
    bool is_number = text_number((struct slice){value, digits}, 1000000, &number) && number > 0;
    for (size_t i = 0; is_number && i < sizeof(units) / sizeof(units[0]); i++) {
        *duration = number * units[i].ms;
        if (strcmp(value + digits, units[i].name) == 0)
            return 0;
    }
    char quoted[64];
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not a time, as 30s, 500ms, 5m or 1h", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

static int
option_add_filter(struct options_filters *filters, const struct option_row *row, const char *value, struct diag *diag)
{
    if (filters->count == OPTIONS_MAX_LIST)
        return diag_set(diag, DIAG_USAGE, "--%s: more than %d filters", row->name, OPTIONS_MAX_LIST);
    filters->items[filters->count].option = row->name;
    filters->items[filters->count++].value = value;
    return 0;
}

static int
set_form(const char **form, const struct option_row *row, const char *value, struct diag *diag)
{
    char quoted[64];
    *form = value != NULL ? value : "standalone";
    if (strcmp(*form, "standalone") == 0 || strcmp(*form, "wire") == 0)
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: unknown form \"%s\"; expected standalone or wire", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

/* --color alone is always, as with ls and grep. */
static int
set_color(const char **color, const struct option_row *row, const char *value, struct diag *diag)
{
    char quoted[64];
    *color = value != NULL ? value : "always";
    if (strcmp(*color, "auto") == 0 || strcmp(*color, "always") == 0 || strcmp(*color, "never") == 0)
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is none of auto, always and never", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

static int
set_time(const char **time, const struct option_row *row, const char *value, struct diag *diag)
{
    enum format_time unused;
    char quoted[64];
    *time = value;
    if (format_find_time(&unused, value))
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is none of none, clock, iso, elapsed and delta", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

static int
option_add_words(struct options_list *list, const struct option_row *row, char *value, struct diag *diag)
{
    for (char *word, *rest = value; (word = strsep(&rest, ",")) != NULL;) {
        if (*word == '\0')
            return diag_set(diag, DIAG_USAGE, "--%s: an empty word; expected %s", row->name, row->argument);
        if (list->count == OPTIONS_MAX_LIST)
            return diag_set(diag, DIAG_USAGE, "--%s: more than %d words", row->name, OPTIONS_MAX_LIST);
        list->items[list->count++] = word;
    }
    return 0;
}

static int
set_option(struct options *options, const struct option_row *row, char *value, struct diag *diag)
{
    void *field = (char *)options + row->offset;
    switch (row->kind) {
    case FLAG:
        *(bool *)field = true;
        return 0;
    case COUNT:
        ++*(int *)field;
        return 0;
    case STRING:
        *(const char **)field = value;
        return 0;
    case LIST:
        return option_add_words(field, row, value, diag);
    case PIDS:
        return option_add_pids(field, row, value, diag);
    case NUMBER:
        return set_number(field, row, value, diag);
    case DURATION:
        return set_duration(field, row, value, diag);
    case FILTER:
        return option_add_filter(field, row, value, diag);
    case FORM:
        return set_form(field, row, value, diag);
    case COLOR:
        return set_color(field, row, value, diag);
    case TIME:
        return set_time(field, row, value, diag);
    case HELP:
        return set_help(options, value, diag);
    }
    abort();
}

/* What stands behind the option may be left out. */
static bool
may_lack_argument(const struct option_row *row)
{
    return row->kind == FORM || row->kind == COLOR;
}

/* getopt_long's tables, made from ours; long options return 256 + row. */
static void
make_getopt_tables(struct option *longs, char *shorts)
{
    *shorts++ = ':'; /* report a missing argument as ':' and print nothing */
    for (int i = 0; i < ROWS; i++) {
        int has_argument = option_rows[i].argument != NULL ? required_argument : no_argument;
        if (option_rows[i].kind == HELP || may_lack_argument(&option_rows[i]))
            has_argument = optional_argument;
        longs[i] = (struct option){option_rows[i].name, has_argument, NULL, 256 + i};
        if (option_rows[i].letter == 0)
            continue;
        *shorts++ = option_rows[i].letter;
        if (option_rows[i].argument != NULL)
            *shorts++ = ':';
    }
    longs[ROWS] = (struct option){0};
    *shorts = '\0';
}

static const struct option_row *
find_option_row(int code)
{
    if (code >= 256)
        return &option_rows[code - 256];
    for (int i = 0; i < ROWS; i++)
        if (option_rows[i].letter == code)
            return &option_rows[i];
    return NULL;
}

/* How many long options begin with what stands behind the dashes of `word`. */
static int
count_fitting(const char *word)
{
    int count = 0;
    for (int i = 0; i < ROWS && strncmp(word, "--", 2) == 0; i++)
        count += strncmp(option_rows[i].name, word + 2, strcspn(word + 2, "=")) == 0;
    return count;
}

static int
bad_option(int code, int argc, char **argv, struct diag *diag)
{
    char quoted[128], letter[2] = {(char)optopt, '\0'};
    bool is_letter = optopt != 0 && optopt < 256;
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    diag_quote(quoted, sizeof(quoted), is_letter ? text_of(letter) : text_of(word));
    const char *dash = is_letter ? "-" : "";
    if (code == ':')
        return diag_set(diag, DIAG_USAGE, "option %s%s needs an argument; see h2olog --help", dash, quoted);
    if (!is_letter && count_fitting(word) > 1)
        return diag_set(diag, DIAG_USAGE, "option %s could be several; give more of its name, see h2olog --help", quoted);
    return diag_set(diag, DIAG_USAGE, "unknown option %s%s, or one that takes no argument; see h2olog --help", dash, quoted);
}

static int
set_mode(struct options *options, const char *word, struct diag *diag)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(word, modes[i].name) != 0)
            continue;
        if (options->mode != NULL && strcmp(options->mode, word) != 0)
            return diag_set(diag, DIAG_USAGE, "both %s and %s; choose one, or all with -t", options->mode, word);
        options->mode = modes[i].name;
        return 0;
    }
    char quoted[64];
    return diag_set(diag, DIAG_USAGE, "unknown command \"%s\"; expected http, quic or all; a process is chosen by -p PID",
                    diag_quote(quoted, sizeof(quoted), text_of(word)));
}

const char *
options_format(const char *mode)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(mode, modes[i].name) == 0)
            return modes[i].format;
    return modes[0].format;
}

/* Options that make no sense together. */
static int
check_together(const struct options *options, struct diag *diag)
{
    const struct {
        bool is_given;
        const char *message;
    } conflicts[] = {
        {options->exe != NULL && options->emit_script == NULL && !options->list,
         "-e is for --emit-script and --list; a process is traced with -p PID"},
        {options->script != NULL && (options->emit_script != NULL || options->list || options->replay != NULL),
         "--script runs a program; --emit-script, --list and --replay do something else"},
        {options->line_buffered && options->buffered, "both --line-buffered and --buffered; choose one"},
        {options->replay != NULL && options->duration_ms != 0,
         "--duration is for tracing; a replay takes the time that it takes"},
        {options->script != NULL && (options->redact.count > 0 || options->redact_default || options->app_data),
         "what --redact, --redact-default and -a ask for is in the program of --script; give them to --emit-script=wire"},
        {options->script != NULL && (options->transport != NULL || options->batch_interval_ms != 0),
         "what --transport and --batch-interval ask for is in the program of --script; give them to --emit-script=wire"},
        {options->time != NULL && options->emit_script != NULL,
         "--time is for what h2olog shows; a program has no such column"},
        {options->batch_interval_ms > 10000, "--batch-interval: expected 10s at most"},
        {options->batch_interval_ms != 0 && options->transport != NULL && strcmp(options->transport, "stream") == 0,
         "--batch-interval is for batches; --transport=stream has none"},
    };
    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
        if (conflicts[i].is_given)
            return diag_set(diag, DIAG_USAGE, "%s", conflicts[i].message);
    return 0;
}

/* What follows from the options together. */
static int
settle(struct options *options, struct diag *diag)
{
    if (options->http && set_mode(options, "http", diag) != 0)
        return -1;
    options->has_mode = options->mode != NULL;
    options->has_format = options->format != NULL;
    if (!options->has_mode)
        options->mode = modes[0].name;
    if (!options->has_format)
        options->format = options_format(options->mode);
    char quoted[64];
    if (strcmp(options->format, "line") != 0 && strcmp(options->format, "json") != 0)
        return diag_set(diag, DIAG_USAGE, "--format: unknown form \"%s\"; expected line or json",
                        diag_quote(quoted, sizeof(quoted), text_of(options->format)));
    if (options->transport != NULL && strcmp(options->transport, "stream") != 0 && strcmp(options->transport, "batch") != 0)
        return diag_set(diag, DIAG_USAGE, "--transport: unknown transport \"%s\"; expected stream or batch",
                        diag_quote(quoted, sizeof(quoted), text_of(options->transport)));
    return check_together(options, diag);
}

int
options_parse(struct options *options, int argc, char **argv, struct diag *diag)
{
    struct option longs[ROWS + 1];
    char shorts[2 * ROWS + 2];
    make_getopt_tables(longs, shorts);
    *options = (struct options){0};
    int code;
    for (optind = 0; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        const struct option_row *row = code == '?' || code == ':' ? NULL : find_option_row(code);
        if (row == NULL)
            return bad_option(code, argc, argv, diag);
        if (set_option(options, row, optarg, diag) != 0)
            return -1;
    }
    for (; optind < argc; optind++)
        if (set_mode(options, argv[optind], diag) != 0)
            return -1;
    return settle(options, diag);
}

static void
help_row(struct outbuf *out, const struct option_row *row)
{
    char left[40];
    const char *before = row->argument == NULL ? "" : may_lack_argument(row) ? "[=" : " ";
    snprintf(left, sizeof(left), "%c%c%s --%s%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
             row->letter ? "," : " ", row->name, before, row->argument ? row->argument : "", may_lack_argument(row) ? "]" : "");
    text_printf(out, "  %-22s ", left);
    int column = 3 + (int)(strlen(left) > 22 ? strlen(left) : 22);
    struct slice rest = text_of(row->help), word;
    while (text_word(&rest, &word)) {
        if (column + (int)word.len + 1 > 100) {
            text_printf(out, "\n%25s", "");
            column = 25;
        }
        text_putc(out, ' ');
        text_put(out, word);
        column += (int)word.len + 1;
    }
    text_putc(out, '\n');
}

/* Columns with tabs between them: letter or -, name, argument or - or [argument], help. */
static void
table_row(struct outbuf *out, const struct option_row *row)
{
    const char *argument = row->argument != NULL ? row->argument : "-";
    text_printf(out, "%c\t%s\t", row->letter ? row->letter : '-', row->name);
    text_printf(out, may_lack_argument(row) ? "[%s]\t" : "%s\t", argument);
    text_printf(out, "%s\n", row->help);
}

void
options_help(struct outbuf *out, bool is_table)
{
    if (!is_table)
        text_printf(out, "%s\n", usage);
    for (int i = 0; i < ROWS; i++)
        (is_table ? table_row : help_row)(out, &option_rows[i]);
}
