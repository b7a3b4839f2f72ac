#include "command/option_rules.h"

#include <string.h>

/* ---- Which command uses which option. */

/* The option that chooses a command, and its name in messages; tracing is what is done without any. */
static const struct command {
    enum option_commands bit;
    const char *option, *name;
} commands[] = {
    {OPTION_TRACE, NULL, "tracing"},           {OPTION_LIST, "list", "--list"},
    {OPTION_DOCTOR, "doctor", "--doctor"},     {OPTION_EMIT, "emit-script", "--emit-script"},
    {OPTION_WIRE, NULL, "--emit-script=wire"}, {OPTION_REPLAY, "replay", "--replay"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]), TRACING = 0, WIRE = 4 };

static bool
is_given(const bool given[OPTION_ROWS], const char *name)
{
    return given[option_row_named(text_of(name)) - option_rows];
}

/* NULL: two are chosen, and `diag` is set. */
static const struct command *
find_command(const bool given[OPTION_ROWS], const struct options *options, struct diag *diag)
{
    const struct command *found = &commands[TRACING];
    for (size_t i = 0; i < COMMANDS; i++) {
        if (commands[i].option == NULL || !is_given(given, commands[i].option))
            continue;
        if (found != &commands[TRACING]) {
            diag_set(diag, DIAG_USAGE, "both %s and %s; choose one", found->name, commands[i].name);
            return NULL;
        }
        found = &commands[i];
    }
    bool is_wire = found->bit == OPTION_EMIT && strcmp(options->emit_script, "wire") == 0;
    return is_wire ? &commands[WIRE] : found;
}

/* The names of the commands, as "tracing, --list and --replay". Both kinds of programs have one name. */
static void
put_commands(struct outbuf *out, unsigned bits)
{
    if ((bits & OPTION_EMIT) != 0)
        bits &= ~(unsigned)OPTION_WIRE;
    for (size_t i = 0; i < COMMANDS; i++) {
        if ((bits & commands[i].bit) == 0)
            continue;
        bits &= ~(unsigned)commands[i].bit;
        text_printf(out, "%s%s", commands[i].name, bits == 0 ? "" : (bits & (bits - 1)) == 0 ? " and " : ", ");
    }
}

static int
refuse(const char *dashes, const char *word, unsigned used_by, const struct command *command, struct diag *diag)
{
    struct outbuf names = {0};
    put_commands(&names, used_by);
    diag_set(diag, DIAG_USAGE, "%s%s is for %.*s, not for %s", dashes, word, (int)names.len, names.ptr, command->name);
    text_free(&names);
    return -1;
}

static int
check_command(const bool given[OPTION_ROWS], const struct options *options, struct diag *diag)
{
    const struct command *command = find_command(given, options, diag);
    const unsigned used_by = option_row_named(text_of("http"))->commands; /* so are quic and all */
    if (command == NULL)
        return -1;
    for (int i = 0; i < OPTION_ROWS; i++)
        if (given[i] && (option_rows[i].commands & command->bit) == 0)
            return refuse("--", option_rows[i].name, option_rows[i].commands, command, diag);
    return options->mode == NULL || (used_by & command->bit) != 0 ? 0 : refuse("", options->mode, used_by, command, diag);
}

/* ---- Which options do not go together. */

static const char one_of_them[] = "choose one", in_program[] = "that is in the program already; give it to --emit-script=wire",
                  in_format[] = "a line of the log has what its format names";

static const struct {
    const char *options[2], *why;
} apart[] = {
    {{"pid", "exe"}, one_of_them},
    {{"pid", "pid-file"}, one_of_them},
    {{"exe", "pid-file"}, one_of_them},
    {{"line-buffered", "buffered"}, one_of_them},
    {{"keep-root", "user"}, one_of_them},
    {{"log-format", "extra"}, in_format},
    {{"script", "source"}, in_program},
    {{"once", "count"}, "the former is the latter of 1"},
    {{"cumulative", "window"}, "numbers are of the window, or since the start"},
    {{"log-format", "pending"}, "a line of the log is of a request that has ended"},
    {{"log-format", "names"}, in_format},
    {{"log-format", "include"}, in_format},
    {{"log-format", "exclude"}, in_format},
    {{"log-format", "include-regex"}, in_format},
    {{"log-format", "exclude-regex"}, in_format},
    {{"log-format", "request-header"}, in_format},
    {{"log-format", "response-header"}, in_format},
    {{"script", "templates"}, "the program is there already"},
    {{"script", "redact"}, in_program},
    {{"script", "redact-default"}, in_program},
    {{"script", "app-data"}, in_program},
    {{"script", "transport"}, in_program},
    {{"script", "batch-interval"}, in_program},
    {{"script", "text-limit"}, in_program},
};

static const struct {
    const char *option, *needs, *why;
} needy[] = {
    {"append", "write", "it says how the file is opened"},
};

static int
check_pairs(const bool given[OPTION_ROWS], struct diag *diag)
{
    for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++)
        if (is_given(given, apart[i].options[0]) && is_given(given, apart[i].options[1]))
            return diag_set(diag, DIAG_USAGE, "both --%s and --%s; %s", apart[i].options[0], apart[i].options[1], apart[i].why);
    for (size_t i = 0; i < sizeof(needy) / sizeof(needy[0]); i++)
        if (is_given(given, needy[i].option) && !is_given(given, needy[i].needs))
            return diag_set(diag, DIAG_USAGE, "--%s needs --%s: %s", needy[i].option, needy[i].needs, needy[i].why);
    return 0;
}

/* These depend on the arguments. */
static int
check_servers(const struct options *options, struct diag *diag)
{
    if (options->pids.all && options->pids.count > 0)
        return diag_set(diag, DIAG_USAGE, "--pid: all, and process %d; choose one", options->pids.items[0]);
    return options->wait && options->pids.count > 0
               ? diag_set(
                     diag, DIAG_USAGE,
                     "both --pid and --wait; a process that is to come has no number yet; wait with -e FILE or --pid-file FILE")
               : 0;
}

static int
check_batches(const struct options *options, struct diag *diag)
{
    if (options->batch_interval_ms > 10000)
        return diag_set(diag, DIAG_USAGE, "--batch-interval: expected 10s at most");
    bool has_none = options->transport != NULL && strcmp(options->transport, "stream") == 0;
    return options->batch_interval_ms != 0 && has_none
               ? diag_set(diag, DIAG_USAGE, "--batch-interval is for batches; --transport=stream has none")
               : 0;
}

int
option_rules_check(const bool given[OPTION_ROWS], const struct options *options, struct diag *diag)
{
    if (options->help || options->version)
        return 0; /* whatever else is given: who asks for help may have begun to write something */
    if (check_command(given, options, diag) != 0 || check_pairs(given, diag) != 0 || check_servers(options, diag) != 0)
        return -1;
    return check_batches(options, diag);
}
