#include "command/option_rows.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "Usage: h2olog [http | quic | all] [options]\n"
                            "       h2olog stat | top [COLUMN,...] | hist [VALUE] [options]\n"
                            "       h2olog keylog -w FILE [options]\n"
                            "Shows what a running h2o web server does, through its USDT probes and bpftrace.\n";

static void
help_row(struct outbuf *out, const struct option_row *row)
{
    char left[40];
    const char *before = row->argument == NULL ? "" : row->kind == OPTIONAL_WORD ? "[=" : " ";
    snprintf(left, sizeof(left), "%c%c%s --%s%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
             row->letter ? "," : " ", row->name, before, row->argument ? row->argument : "",
             row->kind == OPTIONAL_WORD ? "]" : "");
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

/* Columns with tabs between them: letter or -, name, argument or - or [=argument], help. */
static void
table_row(struct outbuf *out, const struct option_row *row)
{
    const char *argument = row->argument != NULL ? row->argument : "-";
    text_printf(out, "%c\t%s\t", row->letter ? row->letter : '-', row->name);
    text_printf(out, row->kind == OPTIONAL_WORD ? "[=%s]\t" : "%s\t", argument);
    text_printf(out, "%s\n", row->help);
}

void
options_help(struct outbuf *out, bool is_table)
{
    if (!is_table)
        text_printf(out, "%s\n", usage);
    for (int i = 0; i < OPTION_ROWS; i++)
        (is_table ? table_row : help_row)(out, &option_rows[i]);
}
