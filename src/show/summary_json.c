#include "show/summary_json.h"

#include "base/json.h"

static void
put_number(struct outbuf *out, const char *name, uint64_t number)
{
    text_printf(out, ", \"%s\": %lu", name, number);
}

static void
put_when(const struct format *format, struct outbuf *out, const char *name, uint64_t nsecs)
{
    put_number(out, name, wall_time(&format->wall, nsecs) / 1000000);
}

/* Milliseconds of times, which are microseconds; bytes otherwise. */
static void
put_quantity(struct outbuf *out, const char *name, uint64_t number, enum tally_value value)
{
    if (tally_is_time(value))
        text_printf(out, ", \"%s\": %lu.%03lu", name, number / 1000, number % 1000);
    else
        put_number(out, name, number);
}

/* null: no request has the value. */
static void
put_values(struct outbuf *out, const struct histogram *histogram, enum tally_value value)
{
    static const struct {
        const char *name;
        double share;
    } rows[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    text_printf(out, ", \"%s%s\": ", tally_value_names[value], tally_is_time(value) ? "_ms" : "");
    if (histogram->total == 0) {
        text_puts(out, "null");
        return;
    }
    text_printf(out, "{\"count\": %lu", histogram->total);
    put_quantity(out, "sum", histogram->sum, value);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put_quantity(out, rows[i].name, histogram_quantile(histogram, rows[i].share), value);
    put_quantity(out, "max", histogram->max, value);
    text_putc(out, '}');
}

static void
put_tally(struct outbuf *out, const struct tally *tally)
{
    text_printf(out, "\"requests\": %lu", tally->requests);
    text_puts(out, ", \"protocols\": {");
    for (int i = 0; i < TALLY_PROTOCOLS; i++)
        text_printf(out, "%s\"%s\": %lu", i > 0 ? ", " : "", tally_protocol_names[i], tally->protocols[i]);
    text_puts(out, "}, \"statuses\": {");
    for (int i = 1; i < TALLY_CLASSES; i++)
        text_printf(out, "%s\"%dxx\": %lu", i > 1 ? ", " : "", i, tally->classes[i]);
    text_putc(out, '}');
    put_number(out, "unanswered", tally->unanswered);
    put_number(out, "incomplete", tally->incomplete);
    for (int i = 0; i < TALLY_OF_REQUESTS; i++)
        put_values(out, &tally->values[i], (enum tally_value)i);
}

/* Without the brace that ends it. */
static void
put_period(struct outbuf *out, const char *name, const struct tally *tally, uint64_t ns)
{
    text_printf(out, ", \"%s\": {\"seconds\": %lu.%03lu, ", name, ns / 1000000000, ns / 1000000 % 1000);
    put_tally(out, tally);
}

/* Members of what the servers count by themselves; null: it is not known. */
static void
put_counters(const struct summary *summary, struct outbuf *out, bool are_levels, const struct counted_sums *sums)
{
    for (int i = 0; i < COUNTERS; i++) {
        if (counter_rows[i].is_level != are_levels)
            continue;
        if (!counted_is_known(&summary->counted, (enum counter)i))
            text_printf(out, ", \"%s\": null", counter_rows[i].name);
        else
            put_number(out, counter_rows[i].name,
                       are_levels ? counted_level(&summary->counted, (enum counter)i) : sums->numbers[i]);
    }
}

static void
put_stat_period(const struct summary *summary, struct outbuf *out, const char *name, const struct tally *tally, uint64_t ns,
                struct counted_sums sums)
{
    put_period(out, name, tally, ns);
    put_counters(summary, out, false, &sums);
    text_putc(out, '}');
}

static void
put_stat(const struct summary *summary, struct outbuf *out)
{
    struct tally window = summary_window(summary), total = summary_total(summary);
    put_counters(summary, out, true, NULL);
    put_stat_period(summary, out, "now", &summary->now, summary->until - summary->from, summary_counted_now(summary));
    put_stat_period(summary, out, "window", &window, summary_window_ns(summary), summary_counted_window(summary));
    put_stat_period(summary, out, "total", &total, summary->until - summary->begun, summary->counted.sums);
    tally_free(&window);
    tally_free(&total);
}

/* The columns of a key by their names. */
static void
put_key(const struct summary_request *request, struct outbuf *out, const char *key)
{
    struct slice rest = text_of(key);
    for (size_t i = 0; i < request->ncolumns; i++) {
        text_puts(out, i > 0 ? ", " : "");
        json_string(out, text_of(request->columns[i]));
        text_puts(out, ": ");
        json_string(out, text_cut(&rest, '\t'));
    }
}

static void
put_rows(const struct summary *summary, struct outbuf *out)
{
    struct summary_rows rows = summary_rows(summary, summary_lines(summary->request));
    text_printf(out, ", \"keys\": %zu, \"rows\": [", rows.keys);
    for (size_t i = 0; i < rows.count; i++) {
        text_puts(out, i > 0 ? ", {\"key\": {" : "{\"key\": {");
        put_key(summary->request, out, rows.items[i].key);
        text_puts(out, "}, ");
        put_tally(out, &rows.items[i].tally);
        text_putc(out, '}');
    }
    text_puts(out, "], \"other\": {");
    put_tally(out, &rows.other.tally);
    text_putc(out, '}');
    summary_free_rows(&rows);
}

/* The buckets that have any: from where on, and how many. */
static void
put_buckets(const struct summary *summary, struct outbuf *out)
{
    enum tally_value value = summary->request->value;
    const struct histogram *now = &summary->now.values[value];
    const char *separator = "";
    put_values(out, now, value);
    text_puts(out, ", \"buckets\": [");
    for (unsigned i = 0; i < now->used; i++) {
        if (now->counts[i] == 0)
            continue;
        uint64_t low = histogram_low(now->first + i);
        text_puts(out, separator);
        if (tally_is_time(value))
            text_printf(out, "[%lu.%03lu, %lu]", low / 1000, low % 1000, now->counts[i]);
        else
            text_printf(out, "[%lu, %lu]", low, now->counts[i]);
        separator = ", ";
    }
    text_putc(out, ']');
}

/* The rows are of the window. */
static void
put_top(const struct summary *summary, struct outbuf *out)
{
    struct tally window = summary_window(summary);
    put_period(out, "now", &summary->now, summary->until - summary->from);
    text_putc(out, '}');
    put_period(out, "window", &window, summary_window_ns(summary));
    text_putc(out, '}');
    tally_free(&window);
}

static void
put_source(const struct summary *summary, struct outbuf *out)
{
    const char *source = summary_source(summary);
    bool is_quoted = source != NULL;
    text_printf(out, ", \"source\": %s%s%s", is_quoted ? "\"" : "", is_quoted ? source : "null", is_quoted ? "\"" : "");
}

void
summary_json_put(const struct summary *summary, const struct format *format, struct outbuf *out)
{
    static const char *const types[] = {[SUMMARY_STAT] = "stat", [SUMMARY_TOP] = "top", [SUMMARY_HIST] = "hist"};
    text_printf(out, "{\"at\": %lu, \"type\": \"%s\"", wall_time(&format->wall, summary->until) / 1000000,
                types[summary->request->kind]);
    text_puts(out, format->sample);
    put_when(format, out, "from", summary->from);
    put_when(format, out, "until", summary->until);
    put_number(out, "lost", summary->lost);
    put_source(summary, out);
    if (summary->request->kind == SUMMARY_STAT)
        put_stat(summary, out);
    if (summary->request->kind == SUMMARY_TOP)
        put_top(summary, out);
    if (summary->request->kind == SUMMARY_HIST)
        put_buckets(summary, out);
    if (summary->request->ncolumns > 0)
        put_rows(summary, out);
    text_puts(out, "}\n");
}
