#include "show/summary_text.h"

#include "show/format_columns.h"
#include "show/summary_hist.h"
#include "show/summary_stat.h"

/* When the interval ended, and how long it was. */
static void
put_head(const struct summary *summary, const struct format *format, struct outbuf *out)
{
    format_put_clock(format, out, summary->until);
    text_printf(out, "  %.1f s", (double)(summary->until - summary->from) / 1e9);
    if (summary->lost > 0)
        text_printf(out, "  %lu events lost so far", summary->lost);
    text_putc(out, '\n');
}

/* ---- top */

struct top {
    const struct tally *tally;
    uint64_t all; /* requests of the window */
};

static void
put_requests(struct outbuf *out, const struct top *top, int width)
{
    text_printf(out, "%*lu", width, top->tally->requests);
}

static void
put_part(struct outbuf *out, const struct top *top, int width)
{
    text_printf(out, "%*.2f%%", width - 1, top->all > 0 ? 100.0 * (double)top->tally->requests / (double)top->all : 0);
}

static void
put_4xx(struct outbuf *out, const struct top *top, int width)
{
    text_printf(out, "%*lu", width, top->tally->classes[4]);
}

static void
put_5xx(struct outbuf *out, const struct top *top, int width)
{
    text_printf(out, "%*lu", width, top->tally->classes[5]);
}

static void
put_p50(struct outbuf *out, const struct top *top, int width)
{
    summary_put_ms(out, summary_times(top->tally), 0.5, width);
}

static void
put_p99(struct outbuf *out, const struct top *top, int width)
{
    summary_put_ms(out, summary_times(top->tally), 0.99, width);
}

static void
put_max(struct outbuf *out, const struct top *top, int width)
{
    summary_put_ms(out, summary_times(top->tally), 1, width);
}

static void
put_bytes(struct outbuf *out, const struct top *top, int width)
{
    text_printf(out, "%*lu", width, top->tally->values[TALLY_BYTES].sum);
}

/* The columns before the key. On a narrow terminal those with the highest ranks are left out. */
static const struct top_column {
    const char *name;
    void (*put)(struct outbuf *out, const struct top *top, int width);
    int width, rank;
} top_columns[] = {
    {"requests", put_requests, 9, 0}, {"share", put_part, 8, 4},  {"4xx", put_4xx, 8, 3},     {"5xx", put_5xx, 8, 1},
    {"p50 ms", put_p50, 11, 5},       {"p99 ms", put_p99, 11, 2}, {"max ms", put_max, 11, 6}, {"bytes", put_bytes, 13, 7},
};

enum { TOP_COLUMNS = sizeof(top_columns) / sizeof(top_columns[0]) };

/* The ranks below this have room, beside a key. */
static int
fitting_ranks(size_t columns)
{
    enum { KEY = 24 };
    size_t used = KEY;
    for (int rank = 0; rank < TOP_COLUMNS; rank++) {
        for (int i = 0; i < TOP_COLUMNS; i++)
            used += top_columns[i].rank == rank ? (size_t)top_columns[i].width : 0;
        if (used > columns)
            return rank;
    }
    return TOP_COLUMNS;
}

static void
put_top_head(const struct summary_request *request, struct outbuf *out, int ranks)
{
    for (int i = 0; i < TOP_COLUMNS; i++)
        if (top_columns[i].rank < ranks)
            text_printf(out, "%*s", top_columns[i].width, top_columns[i].name);
    for (size_t i = 0; i < request->ncolumns; i++)
        text_printf(out, "%s%s", i > 0 ? "\t" : "  ", request->columns[i]);
    text_putc(out, '\n');
}

static void
put_top_row(struct outbuf *out, const struct summary_row *row, uint64_t all, int ranks)
{
    const struct top top = {&row->tally, all};
    for (int i = 0; i < TOP_COLUMNS; i++)
        if (top_columns[i].rank < ranks)
            top_columns[i].put(out, &top, top_columns[i].width);
    text_putc(out, ' ');
    summary_put_key(out, row);
    text_putc(out, '\n');
}

static void
put_top(const struct summary *summary, struct outbuf *out, size_t columns)
{
    int ranks = fitting_ranks(columns);
    struct tally window = summary_window(summary);
    struct summary_rows rows = summary_rows(summary, summary_lines(summary->request));
    text_printf(out, "%lu requests of %.0f s, %zu different\n", window.requests, (double)summary_window_ns(summary) / 1e9,
                rows.keys);
    put_top_head(summary->request, out, ranks);
    for (size_t i = 0; i < rows.count; i++)
        put_top_row(out, &rows.items[i], window.requests, ranks);
    if (rows.other.tally.requests > 0)
        put_top_row(out, &rows.other, window.requests, ranks);
    summary_free_rows(&rows);
    tally_free(&window);
}

void
summary_text_put(const struct summary *summary, const struct format *format, struct outbuf *out)
{
    put_head(summary, format, out);
    if (summary->request->kind == SUMMARY_STAT)
        summary_stat_put(summary, format->paint.terminal >= 0, out);
    else if (summary->request->kind == SUMMARY_TOP)
        put_top(summary, out, paint_columns(&format->paint));
    else
        summary_hist_put(summary, out);
}
