#ifndef OPTION_ROWS_H
#define OPTION_ROWS_H

#include "command/options.h"

enum option_kind {
    FLAG,
    COUNT, /* how often it was given */
    STRING,
    ONCE, /* a string, and two of them are an error: which one would be meant? */
    WORD,
    OPTIONAL_WORD, /* without an argument: the first word */
    WORDS,         /* with commas between them; may be repeated */
    PIDS,
    NUMBER,
    DURATION,
    SIZE,  /* of memory */
    LIMIT, /* of a text; 0 is the highest */
    FILTER,
    HELP,
};

/* What h2olog can be told to do. */
enum option_commands {
    OPTION_TRACE = 1,
    OPTION_LIST = 2,
    OPTION_DOCTOR = 4,
    OPTION_EMIT = 8,  /* --emit-script=standalone */
    OPTION_WIRE = 16, /* --emit-script=wire */
    OPTION_REPLAY = 32,
};

/* The table of options.def. */
struct option_row {
    enum option_kind kind;
    unsigned commands; /* enum option_commands: those that use it */
    const char *name;
    char letter; /* 0: none */
    const char *argument;
    const char *help;
    size_t offset; /* of its member of struct options */
};

enum {
#define OPTION(field, kind, commands, name, letter, argument, help) +1
    OPTION_ROWS = 0
#include "command/options.def"
#undef OPTION
};

extern const struct option_row option_rows[OPTION_ROWS];

/* The row of a long name, or of a letter; NULL: there is none. */
const struct option_row *option_row_named(struct slice name);
const struct option_row *option_row_of_letter(int letter);

/* Whether what stands behind the option may be left out. */
bool option_may_lack_argument(const struct option_row *row);

#endif
