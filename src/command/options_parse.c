#include "command/options.h"

#include "base/near.h"
#include "command/option_rules.h"
#include "host/bpftrace.h"
#include "request/request.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mode {
    const char *name, *format;
} modes[] = {
    {"http", "line"}, /* the default */
    {"quic", "json"},
    {"all", "json"},
};

/* Commands that show numbers of what http shows. The next word says of what, but for stat; without one it is this. */
static const struct summary_command {
    const char *name, *of;
    bool takes_word;
} summaries[] = {{"stat", "requests", false}, {"top", "path", true}, {"hist", "ttfb", true}};

static int
option_add_pid(struct options_pids *pids, const struct option_row *row, const char *value, struct diag *diag)
{
    uint64_t number;
    char quoted[64];
    if (strcmp(value, "all") == 0) {
        pids->all = true;
        return 0;
    }
    if (!text_number(text_of(value), INT32_MAX, &number) || number == 0)
        return diag_set(diag, DIAG_USAGE,
                        "--%s: \"%s\" is not a process id; give a positive number, as pgrep -xo h2o prints, or all", row->name,
                        diag_quote(quoted, sizeof(quoted), text_of(value)));
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

static int
set_duration(uint64_t *duration, const struct option_row *row, const char *value, struct diag *diag)
{
    char quoted[64];
    if (text_duration(text_of(value), duration))
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not a time, as 30s, 500ms, 5m or 1h", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

/* In bytes. */
static int
set_size(uint64_t *size, const struct option_row *row, const char *value, struct diag *diag)
{
    static const char units[] = "KMG";
    size_t digits = strspn(value, "0123456789");
    const char *unit = value[digits] != '\0' ? strchr(units, value[digits]) : NULL;
    uint64_t number = 0;
    bool is_size =
        text_number((struct slice){value, digits}, REQUEST_MOST_BUFFER, &number) && unit != NULL && value[digits + 1] == '\0';
    for (const char *at = units; is_size && at <= unit && number <= REQUEST_MOST_BUFFER; at++)
        number *= 1024;
    *size = number;
    char quoted[64];
    if (is_size && number >= REQUEST_LEAST_BUFFER && number <= REQUEST_MOST_BUFFER)
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not an amount of memory from 4M to 4G, as 64M", row->name,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

static int
set_limit(unsigned *limit, const struct option_row *row, const char *value, struct diag *diag)
{
    uint64_t number;
    char quoted[64];
    if (!text_number(text_of(value), BPFTRACE_MOST_TEXT, &number))
        return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not a number of bytes up to %d; 0 is as many as can be", row->name,
                        diag_quote(quoted, sizeof(quoted), text_of(value)), BPFTRACE_MOST_TEXT);
    *limit = number != 0 ? (unsigned)number : BPFTRACE_MOST_TEXT;
    return 0;
}

static int
option_add_filter(struct options_filters *filters, const char *name, const char *value, struct diag *diag)
{
    if (filters->count == OPTIONS_MAX_LIST)
        return diag_set(diag, DIAG_USAGE, "--%s: more than %d filters", name, OPTIONS_MAX_LIST);
    filters->items[filters->count].option = name;
    filters->items[filters->count++].value = value != NULL ? value : "yes";
    return 0;
}

/* One of the words of the row's argument, which | separates. */
static int
set_word(const char **word, const struct option_row *row, const char *value, struct diag *diag)
{
    struct slice rest = text_of(row->argument), asked = text_of(value);
    struct near near = near_to(asked);
    char quoted[64], question[128], expected[64];
    *word = value;
    while (rest.len > 0) {
        struct slice name = text_cut(&rest, '|');
        if (text_equal(name, asked))
            return 0;
        near_offer(&near, name);
    }
    snprintf(expected, sizeof(expected), "; expected %s", row->argument);
    return diag_set(diag, DIAG_USAGE, "--%s: unknown word \"%s\"%s", row->name, diag_quote(quoted, sizeof(quoted), asked),
                    near_ask(&near, "", expected, question, sizeof(question)));
}

/* The word that stands first among those of the row's argument. */
static const char *
first_word(const struct option_row *row)
{
    static char words[OPTION_ROWS][16];
    char *word = words[row - option_rows];
    snprintf(word, sizeof(words[0]), "%.*s", (int)strcspn(row->argument, "|"), row->argument);
    return word;
}

static int
set_once(const char **field, const struct option_row *row, const char *value, struct diag *diag)
{
    char quoted[2][256];
    if (*field != NULL)
        return diag_set(diag, DIAG_USAGE, "--%s is given twice, as \"%s\" and \"%s\"; choose one", row->name,
                        diag_quote(quoted[0], sizeof(quoted[0]), text_of(*field)),
                        diag_quote(quoted[1], sizeof(quoted[1]), text_of(value)));
    *field = value;
    return 0;
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
    case ONCE:
        return set_once(field, row, value, diag);
    case WORD:
        return set_word(field, row, value, diag);
    case OPTIONAL_WORD:
        return set_word(field, row, value != NULL ? value : first_word(row), diag);
    case WORDS:
        return option_add_words(field, row, value, diag);
    case PIDS:
        return option_add_pids(field, row, value, diag);
    case NUMBER:
        return set_number(field, row, value, diag);
    case DURATION:
        return set_duration(field, row, value, diag);
    case SIZE:
        return set_size(field, row, value, diag);
    case LIMIT:
        return set_limit(field, row, value, diag);
    case FILTER:
        return option_add_filter(field, row->name, value, diag);
    case HELP:
        return set_help(options, value, diag);
    }
    abort();
}

/* What getopt_long returns for a long option, less its row. */
enum { LONG = 256 };

/* getopt_long's tables, made from ours. */
static void
make_getopt_tables(struct option *longs, char *shorts)
{
    *shorts++ = ':'; /* report a missing argument as ':' and print nothing */
    for (int i = 0; i < OPTION_ROWS; i++) {
        int has_argument = option_rows[i].argument != NULL ? required_argument : no_argument;
        if (option_may_lack_argument(&option_rows[i]))
            has_argument = optional_argument;
        longs[i] = (struct option){option_rows[i].name, has_argument, NULL, LONG + i};
        if (option_rows[i].letter == 0)
            continue;
        *shorts++ = option_rows[i].letter;
        if (option_rows[i].argument != NULL)
            *shorts++ = ':';
    }
    longs[OPTION_ROWS] = (struct option){0};
    *shorts = '\0';
}

/* What stands behind the dashes of "--name=value"; empty: it is no long option. */
static struct slice
long_name(const char *word)
{
    struct slice rest = text_of(word);
    return text_skip_prefix(&rest, "--") ? text_cut(&rest, '=') : (struct slice){"", 0};
}

/* How many options begin with what was given of a name. */
static int
count_fitting(struct slice name)
{
    int count = 0;
    for (int i = 0; i < OPTION_ROWS && name.len > 0; i++)
        count += strncmp(option_rows[i].name, name.ptr, name.len) == 0;
    return count;
}

static int
bad_long_option(const char *word, struct diag *diag)
{
    char quoted[128], question[256];
    struct slice name = long_name(word);
    struct near near = near_to(name);
    diag_quote(quoted, sizeof(quoted), text_of(word));
    if (option_row_named(name) != NULL)
        return diag_set(diag, DIAG_USAGE, "option %s takes no argument; see h2olog --help", quoted);
    if (count_fitting(name) > 1)
        return diag_set(diag, DIAG_USAGE, "option %s could be several; give more of its name, see h2olog --help", quoted);
    for (int i = 0; i < OPTION_ROWS; i++)
        near_offer(&near, text_of(option_rows[i].name));
    return diag_set(diag, DIAG_USAGE, "unknown option %s%s", quoted,
                    near_ask(&near, "--", "; see h2olog --help", question, sizeof(question)));
}

/* What getopt_long has refused: a letter, or the word before optind. */
static int
bad_option(int code, int argc, char **argv, struct diag *diag)
{
    char quoted[128], letter = (char)optopt;
    bool is_letter = optopt != 0 && optopt < LONG;
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (code != ':' && !is_letter)
        return bad_long_option(word, diag);
    diag_quote(quoted, sizeof(quoted), is_letter ? (struct slice){&letter, 1} : text_of(word));
    return diag_set(diag, DIAG_USAGE,
                    code == ':' ? "option %s%s needs an argument; see h2olog --help" : "unknown option %s%s; see h2olog --help",
                    is_letter ? "-" : "", quoted);
}

/* What else a word may have been meant as that is no command. */
static int
bad_mode(const struct options *options, const char *word, struct diag *diag)
{
    char quoted[64], question[128];
    uint64_t number;
    struct near near = near_to(text_of(word));
    diag_quote(quoted, sizeof(quoted), text_of(word));
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        near_offer(&near, text_of(modes[i].name));
    for (size_t i = 0; i < sizeof(summaries) / sizeof(summaries[0]); i++)
        near_offer(&near, text_of(summaries[i].name));
    near_offer(&near, text_of("keylog"));
    if (option_row_named(text_of(word)) != NULL)
        return diag_set(diag, DIAG_USAGE, "unknown command \"%s\"; did you mean --%s?", quoted, quoted);
    if (text_number(text_of(word), INT32_MAX, &number))
        return diag_set(diag, DIAG_USAGE, "unknown command \"%s\"; did you mean -p %s?", quoted, quoted);
    if (options->keep_root)
        return diag_set(diag, DIAG_USAGE, "-r takes no file, it means --keep-root; did you mean --replay %s?", quoted);
    return diag_set(diag, DIAG_USAGE, "unknown command \"%s\"%s", quoted,
                    near_ask(&near, "", "; expected http, quic, all, stat, top, hist or keylog; a process is chosen by -p PID",
                             question, sizeof(question)));
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
    return bad_mode(options, word, diag);
}

/* Whether acknowledgements of QUIC have it, and requests do not. */
static bool
is_of_acks(const char *value)
{
    return strcmp(value, "rtt") == 0 || strcmp(value, "cwnd") == 0;
}

/* A command that is made of these events. */
static int
take_events(struct options *options, const char *command, const char *value, const char *mode, const char *const *events,
            struct diag *diag)
{
    options->is_of_events = true;
    for (; *events != NULL && options->types.count < OPTIONS_MAX_LIST; events++)
        options->types.items[options->types.count++] = *events;
    return option_add_filter(&options->filters, command, value, diag) != 0 ? -1 : set_mode(options, mode, diag);
}

static int
take_acks(struct options *options, const char *value, struct diag *diag)
{
    static const char *const events[] = {"quictrace_cc_ack", NULL};
    return take_events(options, "hist-of-acks", value, "quic", events, diag);
}

/* The secrets of TLS are asked for by name. */
static int
take_keylog(struct options *options, struct diag *diag)
{
    static const char *const events[] = {"picotls:client_random", "picotls:new_secret", "picotls:free", NULL};
    if (options->types.count > 0)
        return diag_set(diag, DIAG_USAGE, "keylog has events of its own; leave out -t");
    options->is_keylog = options->app_data = true;
    return take_events(options, "keylog", "nss", "all", events, diag);
}

/* Takes what stands at argv[optind], and behind it what that needs. */
static int
take_word(struct options *options, char **argv, struct diag *diag)
{
    const char *word = argv[optind++];
    if (strcmp(word, "keylog") == 0)
        return take_keylog(options, diag);
    for (size_t i = 0; i < sizeof(summaries) / sizeof(summaries[0]); i++) {
        if (strcmp(word, summaries[i].name) != 0)
            continue;
        const char *of = summaries[i].takes_word && argv[optind] != NULL ? argv[optind++] : summaries[i].of;
        if (strcmp(word, "hist") == 0 && is_of_acks(of))
            return take_acks(options, of, diag);
        return option_add_filter(&options->filters, summaries[i].name, of, diag) != 0 ? -1 : set_mode(options, "http", diag);
    }
    return set_mode(options, word, diag);
}

const char *
options_format(const char *mode)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(mode, modes[i].name) == 0)
            return modes[i].format;
    return modes[0].format;
}

/* What was not given follows from the rest. */
static void
fill_in(struct options *options)
{
    options->has_mode = options->mode != NULL;
    options->count = options->once ? 1 : options->count;
    options->has_format = options->format != NULL;
    if (!options->has_mode)
        options->mode = modes[0].name;
    if (!options->has_format)
        options->format = options->is_of_events ? "line" : options_format(options->mode);
}

static int
parse_options(struct options *options, bool given[OPTION_ROWS], int argc, char **argv, struct diag *diag)
{
    struct option longs[OPTION_ROWS + 1];
    char shorts[2 * OPTION_ROWS + 2];
    make_getopt_tables(longs, shorts);
    int code;
    for (optind = 0; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        const struct option_row *row = code >= LONG ? &option_rows[code - LONG] : option_row_of_letter(code);
        if (code == '?' || code == ':' || row == NULL)
            return bad_option(code, argc, argv, diag);
        if (set_option(options, row, optarg, diag) != 0)
            return -1;
        given[row - option_rows] = true;
    }
    return 0;
}

int
options_parse(struct options *options, int argc, char **argv, struct diag *diag)
{
    bool given[OPTION_ROWS] = {false};
    *options = (struct options){0};
    if (parse_options(options, given, argc, argv, diag) != 0)
        return -1;
    while (optind < argc)
        if (take_word(options, argv, diag) != 0)
            return -1;
    if ((options->http && set_mode(options, "http", diag) != 0) || option_rules_check(given, options, diag) != 0)
        return -1;
    fill_in(options);
    return 0;
}
