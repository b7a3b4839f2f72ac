#include "command/option_rows.h"

/* The words of options.def. */
enum {
    TRACE = OPTION_TRACE,
    DOCTOR = OPTION_DOCTOR,
    EMIT = OPTION_EMIT,
    WIRE = OPTION_WIRE,
    REPLAY = OPTION_REPLAY,
    SHOW = TRACE | REPLAY,
    PROGRAM = EMIT | WIRE,
    RECORDS = SHOW | PROGRAM,
    LIST = OPTION_LIST,
    ANY = RECORDS | DOCTOR | LIST,
};

const struct option_row option_rows[OPTION_ROWS] = {
#define OPTION(field, kind, commands, name, letter, argument, help) \
    {kind, commands, name, letter, argument, help, offsetof(struct options, field)},
#include "command/options.def"
#undef OPTION
};

const struct option_row *
option_row_named(struct slice name)
{
    for (int i = 0; i < OPTION_ROWS; i++)
        if (text_is(name, option_rows[i].name))
            return &option_rows[i];
    return NULL;
}

const struct option_row *
option_row_of_letter(int letter)
{
    for (int i = 0; i < OPTION_ROWS; i++)
        if (letter != 0 && option_rows[i].letter == letter)
            return &option_rows[i];
    return NULL;
}

bool
option_may_lack_argument(const struct option_row *row)
{
    return row->kind == OPTIONAL_WORD || row->kind == HELP;
}
