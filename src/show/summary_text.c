#include "show/summary_text.h"

#include "show/format_columns.h"
#include "show/summary_hist.h"

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

/* ---- stat */

/* What there is a column of. */
struct period {
    const struct tally *tally;
    uint64_t ns;
    struct counted_sums counted;
};

enum { PERIODS = 3 };

static void
put_name(struct outbuf *out, const char *name)
{
    text_printf(out, "%-16s", name);
}

static void
put_count_row(struct outbuf *out, const struct period *periods, const char *name, size_t offset)
{
    put_name(out, name);
    for (int i = 0; i < PERIODS; i++)
        text_printf(out, "%14lu", *(const uint64_t *)((const char *)periods[i].tally + offset));
    text_putc(out, '\n');
}

static double
per_second(uint64_t count, uint64_t ns)
{
    return ns > 0 ? (double)count * 1e9 / (double)ns : 0;
}

static void
put_rate_row(struct outbuf *out, const struct period *periods, const char *name, size_t offset)
{
    put_name(out, name);
    for (int i = 0; i < PERIODS; i++)
        text_printf(out, "%14.1f", per_second(*(const uint64_t *)((const char *)periods[i].tally + offset), periods[i].ns));
    text_putc(out, '\n');
}

/* Milliseconds; "-" if there are none. */
static void
put_ms(struct outbuf *out, const struct histogram *times, double share, int width)
{
    if (times->total == 0)
        text_printf(out, "%*s", width, "-");
    else
        text_printf(out, "%*.3f", width, (double)histogram_quantile(times, share) / 1000);
}

static void
put_time_rows(struct outbuf *out, const struct period *periods, const char *what, enum tally_value value)
{
    static const struct {
        const char *name;
        double share;
    } rows[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        text_printf(out, "%-8s %-4s ms", what, rows[row].name);
        for (int i = 0; i < PERIODS; i++)
            put_ms(out, &periods[i].tally->values[value], rows[row].share, 14);
        text_putc(out, '\n');
    }
}

static const struct {
    const char *name;
    void (*put)(struct outbuf *out, const struct period *periods, const char *name, size_t offset);
    size_t offset;
} rows[] = {
    {"requests", put_count_row, offsetof(struct tally, requests)},
    {"requests/s", put_rate_row, offsetof(struct tally, requests)},
    {"  HTTP/1", put_count_row, offsetof(struct tally, protocols[1])},
    {"  HTTP/2", put_count_row, offsetof(struct tally, protocols[2])},
    {"  HTTP/3", put_count_row, offsetof(struct tally, protocols[3])},
    {"  1xx", put_count_row, offsetof(struct tally, classes[1])},
    {"  2xx", put_count_row, offsetof(struct tally, classes[2])},
    {"  3xx", put_count_row, offsetof(struct tally, classes[3])},
    {"  4xx", put_count_row, offsetof(struct tally, classes[4])},
    {"  5xx", put_count_row, offsetof(struct tally, classes[5])},
    {"  unanswered", put_count_row, offsetof(struct tally, unanswered)},
    {"  incomplete", put_count_row, offsetof(struct tally, incomplete)},
    {"bytes/s", put_rate_row, offsetof(struct tally, values[TALLY_BYTES].sum)},
    {"request bytes/s", put_rate_row, offsetof(struct tally, values[TALLY_REQUEST_BYTES].sum)},
};

/* ---- What the servers count by themselves. */

enum { NO_COUNTER = COUNTERS };

static const struct {
    const char *name;
    int counter; /* NO_COUNTER: a headline */
    int whole;   /* what it is a share of; NO_COUNTER: it is a number */
} counted_rows[] = {
    {"connections", NO_COUNTER, NO_COUNTER},
    {"  open", COUNTER_CONNECTIONS_OPEN, NO_COUNTER},
    {"  active", COUNTER_CONNECTIONS_ACTIVE, NO_COUNTER},
    {"  opened", COUNTER_CONNECTIONS_OPENED, NO_COUNTER},
    {"  closed", COUNTER_CONNECTIONS_CLOSED, NO_COUNTER},
    {"TLS handshakes", NO_COUNTER, NO_COUNTER},
    {"  full", COUNTER_TLS_HANDSHAKES_FULL, NO_COUNTER},
    {"  resumed", COUNTER_TLS_HANDSHAKES_RESUMED, NO_COUNTER},
    {"  failed", COUNTER_TLS_HANDSHAKES_FAILED, NO_COUNTER},
    {"QUIC", NO_COUNTER, NO_COUNTER},
    {"  open", COUNTER_QUIC_CONNECTIONS_OPEN, NO_COUNTER},
    {"  handshakes", COUNTER_QUIC_HANDSHAKES, NO_COUNTER},
    {"  timeouts", COUNTER_QUIC_HANDSHAKE_TIMEOUTS, NO_COUNTER},
    {"  received", COUNTER_QUIC_PACKETS_RECEIVED, NO_COUNTER},
    {"  sent", COUNTER_QUIC_PACKETS_SENT, NO_COUNTER},
    {"  lost", COUNTER_QUIC_PACKETS_LOST, NO_COUNTER},
    {"  lost%", COUNTER_QUIC_PACKETS_LOST, COUNTER_QUIC_PACKETS_SENT},
};

static void
put_share(struct outbuf *out, const struct counted_sums *counted, int part, int whole)
{
    if (counted->numbers[whole] == 0)
        text_printf(out, "%14s", "-");
    else
        text_printf(out, "%14.2f", 100.0 * (double)counted->numbers[part] / (double)counted->numbers[whole]);
}

static void
put_counted_row(const struct summary *summary, struct outbuf *out, const struct period *periods, size_t row)
{
    int counter = counted_rows[row].counter, whole = counted_rows[row].whole;
    if (counter == NO_COUNTER) {
        text_printf(out, "%s\n", counted_rows[row].name);
        return;
    }
    put_name(out, counted_rows[row].name);
    if (!summary->counted.are_known[counter])
        text_printf(out, "%14s", "-");
    else if (counter_rows[counter].is_level)
        text_printf(out, "%14lu", counted_level(&summary->counted, (enum counter)counter));
    else
        for (int i = 0; i < PERIODS; i++)
            if (whole != NO_COUNTER)
                put_share(out, &periods[i].counted, counter, whole);
            else
                text_printf(out, "%14lu", periods[i].counted.numbers[counter]);
    text_putc(out, '\n');
}

static void
put_counted(const struct summary *summary, struct outbuf *out, const struct period *periods)
{
    for (size_t i = 0; counted_is_there(&summary->counted) && i < sizeof(counted_rows) / sizeof(counted_rows[0]); i++)
        put_counted_row(summary, out, periods, i);
}

static void
put_stat(const struct summary *summary, struct outbuf *out)
{
    struct tally window = summary_window(summary), total = summary_total(summary);
    const struct period periods[PERIODS] = {{&summary->now, summary->until - summary->from, summary_counted_now(summary)},
                                            {&window, summary_window_ns(summary), summary_counted_window(summary)},
                                            {&total, summary->until - summary->begun, summary->counted.sums}};
    const char *source = summary_source(summary);
    text_printf(out, "%-7s%-9s%14s%12.0f s%14s\n", source != NULL ? "source" : "", source != NULL ? source : "", "now",
                (double)periods[1].ns / 1e9, "total");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rows[i].put(out, periods, rows[i].name, rows[i].offset);
    put_time_rows(out, periods, "ttfb", TALLY_TTFB);
    put_time_rows(out, periods, "duration", TALLY_DURATION);
    put_time_rows(out, periods, "rtt", TALLY_RTT);
    put_counted(summary, out, periods);
    tally_free(&window);
    tally_free(&total);
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
    put_ms(out, summary_times(top->tally), 0.5, width);
}

static void
put_p99(struct outbuf *out, const struct top *top, int width)
{
    put_ms(out, summary_times(top->tally), 0.99, width);
}

static void
put_max(struct outbuf *out, const struct top *top, int width)
{
    put_ms(out, summary_times(top->tally), 1, width);
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
        put_stat(summary, out);
    else if (summary->request->kind == SUMMARY_TOP)
        put_top(summary, out, paint_columns(&format->paint));
    else
        summary_hist_put(summary, out);
}
