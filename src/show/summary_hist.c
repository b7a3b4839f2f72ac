#include "show/summary_hist.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 40, EIGHTHS = 8, BOUNDS = 28 };

/* Percentiles that are marked and named. */
static const struct {
    const char *name;
    double share;
} shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

enum { SHARES = sizeof(shares) / sizeof(shares[0]) };

/* 1, 2 and 5 of each decade. */
static uint64_t
bound_of(int index)
{
    static const unsigned steps[3] = {1, 2, 5};
    uint64_t decade = 1;
    for (int i = 0; i < index / 3; i++)
        decade *= 10;
    return steps[index % 3] * decade;
}

/* "1.5 ms" of 1500 microseconds, "20 KB" of 20000 bytes. */
static void
put_quantity(struct outbuf *out, uint64_t number, enum tally_value value)
{
    static const char *const times[] = {"us", "ms", "s"}, *const sizes[] = {"B", "KB", "MB", "GB"};
    const char *const *units = tally_is_time(value) ? times : sizes;
    int most = tally_is_time(value) ? 2 : 3, unit = 0;
    double quantity = (double)number;
    for (; unit < most && quantity >= 999.5; unit++)
        quantity /= 1000;
    struct outbuf text = {0};
    text_printf(&text, "%.3g %s", quantity, units[unit]);
    text_printf(out, "%9.*s", (int)text.len, text.ptr);
    text_free(&text);
}

static bool
has_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

/* A bar of up to WIDTH columns. */
static void
put_bar(struct outbuf *out, uint64_t count, uint64_t most, bool unicode)
{
    static const char *const parts[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t eighths = most > 0 ? (count * WIDTH * EIGHTHS + most - 1) / most : 0;
    uint64_t full = unicode ? eighths / EIGHTHS : (eighths + EIGHTHS / 2) / EIGHTHS;
    for (uint64_t i = 0; i < full; i++)
        text_puts(out, unicode ? "█" : "#");
    text_puts(out, unicode ? parts[eighths % EIGHTHS] : full == 0 && count > 0 ? "." : "");
    uint64_t used = full + (unicode ? eighths % EIGHTHS != 0 : full == 0 && count > 0);
    text_printf(out, "%*s", (int)(WIDTH + 1 - used), "");
}

/* Numbers in each third of a decade: row i has those from bound i - 1 on and below bound i. */
static void
count_rows(const struct histogram *histogram, uint64_t counts[BOUNDS + 1])
{
    memset(counts, 0, (BOUNDS + 1) * sizeof(*counts));
    for (unsigned i = 0; i < histogram->used; i++) {
        uint64_t low = histogram_low(histogram->first + i), next = histogram_low(histogram->first + i + 1);
        int row = 0;
        while (row < BOUNDS && low + (next - low) / 2 >= bound_of(row))
            row++;
        counts[row] += histogram->counts[i];
    }
}

/* Which percentiles are in the row. */
static void
put_marks(struct outbuf *out, const struct histogram *histogram, int row)
{
    for (int i = 0; histogram->total > 0 && i < SHARES; i++) {
        uint64_t number = histogram_quantile(histogram, shares[i].share);
        bool is_here = (row == 0 || number >= bound_of(row - 1)) && (row == BOUNDS || number < bound_of(row));
        if (is_here)
            text_printf(out, " %s", shares[i].name);
    }
}

static void
put_picture(struct outbuf *out, const struct histogram *now, const struct histogram *before, enum tally_value value)
{
    uint64_t counts[BOUNDS + 1], earlier[BOUNDS + 1], most = 0;
    int first = BOUNDS, last = 0;
    bool unicode = has_unicode();
    count_rows(now, counts);
    count_rows(before, earlier);
    for (int i = 0; i <= BOUNDS; i++) {
        most = counts[i] > most ? counts[i] : most;
        if (counts[i] + earlier[i] > 0) {
            first = i < first ? i : first;
            last = i;
        }
    }
    for (int i = first; i <= last; i++) {
        put_quantity(out, i > 0 ? bound_of(i - 1) : 0, value);
        text_puts(out, " ");
        put_bar(out, counts[i], most, unicode);
        text_printf(out, "%10lu %10lu", counts[i], earlier[i]);
        put_marks(out, now, i);
        text_putc(out, '\n');
    }
}

static void
put_percentiles(struct outbuf *out, const struct histogram *histogram, enum tally_value value)
{
    for (int i = 0; histogram->total > 0 && i < SHARES; i++) {
        text_printf(out, " %s", shares[i].name);
        put_quantity(out, histogram_quantile(histogram, shares[i].share), value);
    }
    if (histogram->total > 0) {
        text_puts(out, " max");
        put_quantity(out, histogram->max, value);
    }
}

/* The key stands last, as it may look like anything. */
static void
put_key(struct outbuf *out, const struct summary_row *row, enum tally_value value)
{
    const struct histogram *histogram = &row->tally.values[value];
    if (histogram->total == 0)
        return;
    text_printf(out, "%9lu ", histogram->total);
    put_percentiles(out, histogram, value);
    text_putc(out, ' ');
    summary_put_key(out, row);
    text_putc(out, '\n');
}

/* A line a key. */
static void
put_keys(const struct summary *summary, struct outbuf *out)
{
    struct summary_rows rows = summary_rows(summary, summary_lines(summary->request));
    for (size_t i = 0; i < rows.count; i++)
        put_key(out, &rows.items[i], summary->request->value);
    put_key(out, &rows.other, summary->request->value);
    summary_free_rows(&rows);
}

void
summary_hist_put(const struct summary *summary, struct outbuf *out)
{
    enum tally_value value = summary->request->value;
    const struct histogram *now = &summary->now.values[value], *before = &summary->total.values[value];
    text_printf(out, "%s of %lu %s:", tally_value_names[value], now->total,
                summary->request->is_of_acks ? "acknowledgements" : "requests");
    put_percentiles(out, now, value);
    text_putc(out, '\n');
    text_printf(out, "%9s %*s%10s %10s\n", "from", WIDTH + 1, "", "now", "before");
    put_picture(out, now, before, value);
    if (summary->request->ncolumns > 0)
        put_keys(summary, out);
}
