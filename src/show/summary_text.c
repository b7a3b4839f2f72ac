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

/* A cell: what it is of, and of which column. */
struct top {
    const struct tally *tally;
    uint64_t all; /* requests of the window */
};

struct top_column {
    const char *name;
    void (*put)(struct outbuf *out, const struct top *top, const struct top_column *column);
    int width;
    int class;    /* of statuses, as 4 */
    double share; /* of times: a percentile; 1 is the maximum */
};

static void
put_requests(struct outbuf *out, const struct top *top, const struct top_column *column)
{
    text_printf(out, "%*lu", column->width, top->tally->requests);
}

static void
put_part(struct outbuf *out, const struct top *top, const struct top_column *column)
{
    double part = top->all > 0 ? 100.0 * (double)top->tally->requests / (double)top->all : 0;
    text_printf(out, "%*.2f%%", column->width - 1, part);
}

static void
put_class(struct outbuf *out, const struct top *top, const struct top_column *column)
{
    text_printf(out, "%*lu", column->width, top->tally->classes[column->class]);
}

static void
put_time(struct outbuf *out, const struct top *top, const struct top_column *column)
{
    summary_put_ms(out, summary_times(top->tally), column->share, column->width);
}

static void
put_bytes(struct outbuf *out, const struct top *top, const struct top_column *column)
{
    const struct histogram *bytes = &top->tally->values[TALLY_BYTES];
    if (bytes->total == 0)
        text_printf(out, "%*s", column->width, "-");
    else
        text_printf(out, "%*lu", column->width, bytes->sum);
}

/* The columns before the key. On a narrow terminal those that stand last in `order` are left out. */
static const struct top_column top_columns[] = {
    {"requests", put_requests, 9, 0, 0}, {"share", put_part, 8, 0, 0},     {"4xx", put_class, 8, 4, 0},
    {"5xx", put_class, 8, 5, 0},         {"p50 ms", put_time, 11, 0, 0.5}, {"p99 ms", put_time, 11, 0, 0.99},
    {"max ms", put_time, 11, 0, 1},      {"bytes", put_bytes, 13, 0, 0},
};

enum { TOP_REQUESTS, TOP_SHARE, TOP_4XX, TOP_5XX, TOP_P50, TOP_P99, TOP_MAX, TOP_BYTES, TOP_COLUMNS };

/* The column that rows are sorted by. */
static const int sorted_by[SUMMARY_SORTS] = {
    [SUMMARY_BY_REQUESTS] = TOP_REQUESTS, [SUMMARY_BY_ERRORS] = TOP_5XX, [SUMMARY_BY_P50] = TOP_P50,
    [SUMMARY_BY_P99] = TOP_P99,           [SUMMARY_BY_MAX] = TOP_MAX,    [SUMMARY_BY_BYTES] = TOP_BYTES};

/* Those that have room beside a key, as bits. What rows are sorted by is one of them. */
static unsigned
fitting_columns(size_t columns, enum summary_sort sort)
{
    enum { KEY = 24 };
    static const int order[TOP_COLUMNS] = {TOP_REQUESTS, TOP_5XX, TOP_P99, TOP_4XX, TOP_SHARE, TOP_P50, TOP_MAX, TOP_BYTES};
    unsigned shown = 1u << TOP_REQUESTS | 1u << sorted_by[sort];
    size_t used = KEY;
    for (int i = 0; i < TOP_COLUMNS; i++)
        used += (shown >> i & 1) != 0 ? (size_t)top_columns[i].width : 0;
    for (int i = 0; i < TOP_COLUMNS; i++) {
        if ((shown >> order[i] & 1) != 0)
            continue;
        used += (size_t)top_columns[order[i]].width;
        if (used > columns)
            break;
        shown |= 1u << order[i];
    }
    return shown;
}

static void
put_top_head(const struct summary_request *request, struct outbuf *out, unsigned shown)
{
    for (int i = 0; i < TOP_COLUMNS; i++)
        if ((shown >> i & 1) != 0)
            text_printf(out, "%*s", top_columns[i].width, top_columns[i].name);
    for (size_t i = 0; i < request->ncolumns; i++)
        text_printf(out, "%s%s", i > 0 ? "\t" : "  ", request->columns[i]);
    text_putc(out, '\n');
}

static void
put_top_row(struct outbuf *out, const struct summary_row *row, uint64_t all, unsigned shown)
{
    const struct top top = {&row->tally, all};
    for (int i = 0; i < TOP_COLUMNS; i++)
        if ((shown >> i & 1) != 0)
            top_columns[i].put(out, &top, &top_columns[i]);
    text_putc(out, ' ');
    summary_put_key(out, row);
    text_putc(out, '\n');
}

static void
put_top(const struct summary *summary, struct outbuf *out, size_t columns)
{
    unsigned shown = fitting_columns(columns, summary->request->sort);
    struct tally window = summary_window(summary);
    struct summary_rows rows = summary_rows(summary, summary_lines(summary->request));
    text_printf(out, "%lu requests of %.0f s, %zu different\n", window.requests, (double)summary_window_ns(summary) / 1e9,
                rows.keys);
    put_top_head(summary->request, out, shown);
    for (size_t i = 0; i < rows.count; i++)
        put_top_row(out, &rows.items[i], window.requests, shown);
    if (rows.other.tally.requests > 0)
        put_top_row(out, &rows.other, window.requests, shown);
    summary_free_rows(&rows);
    tally_free(&window);
}

/* As much as the terminal has room for, below the line with the time. */
static void
put_stat(const struct summary *summary, const struct paint *paint, struct outbuf *out)
{
    size_t from = out->len;
    summary_stat_put(summary, paint->terminal < 0 ? SUMMARY_ALL : SUMMARY_SHORT, out);
    if (text_count_lines((struct slice){out->ptr + from, out->len - from}) < paint_rows(paint))
        return;
    out->len = from;
    summary_stat_put(summary, SUMMARY_SHORTEST, out);
}

void
summary_text_put(const struct summary *summary, const struct format *format, struct outbuf *out)
{
    put_head(summary, format, out);
    if (summary->request->kind == SUMMARY_STAT)
        put_stat(summary, &format->paint, out);
    else if (summary->request->kind == SUMMARY_TOP)
        put_top(summary, out, paint_columns(&format->paint));
    else
        summary_hist_put(summary, out);
}
