#include "show/summary_stat.h"

#include <stddef.h>

/* What there is a column of. */
struct period {
    const struct tally *tally;
    uint64_t ns;
    struct counted_sums counted;
};

enum { NOW, WINDOW, TOTAL, PERIODS };

enum { NAME = 16, COLUMN = 14 };

static void
put_name(struct outbuf *out, const char *name)
{
    text_printf(out, "%-*s", NAME, name);
}

/* ---- Requests. */

static uint64_t
count_of(const struct period *period, size_t offset)
{
    return *(const uint64_t *)((const char *)period->tally + offset);
}

static void
put_count(struct outbuf *out, const struct period *period, size_t offset)
{
    text_printf(out, "%*lu", COLUMN, count_of(period, offset));
}

static void
put_rate(struct outbuf *out, const struct period *period, size_t offset)
{
    text_printf(out, "%*.1f", COLUMN, period->ns > 0 ? (double)count_of(period, offset) * 1e9 / (double)period->ns : 0);
}

/* Of a sum of values: "-" where requests came and none had the value. `offset` is of the histogram. */
static void
put_value_rate(struct outbuf *out, const struct period *period, size_t offset)
{
    const struct histogram *values = (const struct histogram *)((const char *)period->tally + offset);
    if (values->total == 0 && period->tally->requests > 0)
        text_printf(out, "%*s", COLUMN, "-");
    else
        put_rate(out, period, offset + offsetof(struct histogram, sum));
}

static void
put_errors(struct outbuf *out, const struct period *period, size_t offset)
{
    const struct tally *tally = period->tally;
    (void)offset;
    if (tally->requests == 0)
        text_printf(out, "%*s", COLUMN, "-");
    else
        text_printf(out, "%*.2f", COLUMN, 100.0 * (double)tally_errors(tally) / (double)tally->requests);
}

static const struct request_row {
    const char *name;
    void (*put)(struct outbuf *out, const struct period *period, size_t offset);
    size_t offset;
} request_rows[] = {
    {"requests/s", put_rate, offsetof(struct tally, requests)},
    {"errors %", put_errors, offsetof(struct tally, requests)},
    {"requests", put_count, offsetof(struct tally, requests)},
    {"  HTTP/1", put_count, offsetof(struct tally, protocols[1])},
    {"  HTTP/2", put_count, offsetof(struct tally, protocols[2])},
    {"  HTTP/3", put_count, offsetof(struct tally, protocols[3])},
    {"  1xx", put_count, offsetof(struct tally, classes[1])},
    {"  2xx", put_count, offsetof(struct tally, classes[2])},
    {"  3xx", put_count, offsetof(struct tally, classes[3])},
    {"  4xx", put_count, offsetof(struct tally, classes[4])},
    {"  5xx", put_count, offsetof(struct tally, classes[5])},
    {"  unanswered", put_count, offsetof(struct tally, unanswered)},
    {"  incomplete", put_count, offsetof(struct tally, incomplete)},
    {"bytes/s", put_value_rate, offsetof(struct tally, values[TALLY_BYTES])},
    {"request bytes/s", put_value_rate, offsetof(struct tally, values[TALLY_REQUEST_BYTES])},
};

static void
put_requests(const struct period *periods, enum summary_room room, struct outbuf *out)
{
    for (size_t i = 0; i < sizeof(request_rows) / sizeof(request_rows[0]); i++) {
        const struct request_row *row = &request_rows[i];
        if (room != SUMMARY_ALL && *row->name == ' ' && count_of(&periods[TOTAL], row->offset) == 0)
            continue;
        put_name(out, row->name);
        for (int period = 0; period < PERIODS; period++)
            row->put(out, &periods[period], row->offset);
        text_putc(out, '\n');
    }
}

/* ---- Times. */

void
summary_put_ms(struct outbuf *out, const struct histogram *times, double share, int width)
{
    if (times->total == 0)
        text_printf(out, "%*s", width, "-");
    else
        text_printf(out, "%*.3f", width, (double)histogram_quantile(times, share) / 1000);
}

static void
put_times(const struct period *periods, enum tally_value value, enum summary_room room, struct outbuf *out)
{
    static const struct {
        const char *name;
        double share;
        bool is_rich;
    } rows[] = {{"p50", 0.5, false}, {"p90", 0.9, true}, {"p99", 0.99, false}, {"max", 1, true}};
    if (room != SUMMARY_ALL && periods[TOTAL].tally->values[value].total == 0)
        return;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        if (room == SUMMARY_SHORTEST && rows[row].is_rich)
            continue;
        text_printf(out, "%-8s %-4s ms", tally_value_names[value], rows[row].name);
        for (int i = 0; i < PERIODS; i++)
            summary_put_ms(out, &periods[i].tally->values[value], rows[row].share, COLUMN);
        text_putc(out, '\n');
    }
}

/* ---- What the servers count by themselves. */

enum { NOTHING = COUNTERS };

static const struct counter_name {
    const char *name;
    int counter;
    int whole; /* what it is a share of; NOTHING: it is a number */
} counter_names[] = {
    {"connections", COUNTER_CONNECTIONS_OPEN, NOTHING},
    {"  active", COUNTER_CONNECTIONS_ACTIVE, NOTHING},
    {"  opened", COUNTER_CONNECTIONS_OPENED, NOTHING},
    {"  closed", COUNTER_CONNECTIONS_CLOSED, NOTHING},
    {"TLS full", COUNTER_TLS_HANDSHAKES_FULL, NOTHING},
    {"TLS resumed", COUNTER_TLS_HANDSHAKES_RESUMED, NOTHING},
    {"TLS failed", COUNTER_TLS_HANDSHAKES_FAILED, NOTHING},
    {"QUIC connections", COUNTER_QUIC_CONNECTIONS_OPEN, NOTHING},
    {"QUIC handshakes", COUNTER_QUIC_HANDSHAKES, NOTHING},
    {"QUIC timeouts", COUNTER_QUIC_HANDSHAKE_TIMEOUTS, NOTHING},
    {"QUIC received", COUNTER_QUIC_PACKETS_RECEIVED, NOTHING},
    {"QUIC sent", COUNTER_QUIC_PACKETS_SENT, NOTHING},
    {"QUIC lost", COUNTER_QUIC_PACKETS_LOST, NOTHING},
    {"QUIC lost %", COUNTER_QUIC_PACKETS_LOST, COUNTER_QUIC_PACKETS_SENT},
};

static void
put_share(struct outbuf *out, const struct counted_sums *counted, int part, int whole)
{
    if (counted->numbers[whole] == 0)
        text_printf(out, "%*s", COLUMN, "-");
    else
        text_printf(out, "%*.2f", COLUMN, 100.0 * (double)counted->numbers[part] / (double)counted->numbers[whole]);
}

static void
put_counter(const struct summary *summary, const struct period *periods, const struct counter_name *row, struct outbuf *out)
{
    bool is_level = counter_rows[row->counter].is_level;
    put_name(out, row->name);
    if (!counted_is_known(&summary->counted, (enum counter)row->counter))
        text_printf(out, "%*s", COLUMN, "-");
    else if (is_level)
        text_printf(out, "%*lu", COLUMN, counted_level(&summary->counted, (enum counter)row->counter));
    else
        for (int i = 0; i < PERIODS; i++)
            if (row->whole != NOTHING)
                put_share(out, &periods[i].counted, row->counter, row->whole);
            else
                text_printf(out, "%*lu", COLUMN, periods[i].counted.numbers[row->counter]);
    text_putc(out, '\n');
}

/* Whether it has happened; connections are always of interest. */
static bool
is_there(const struct summary *summary, const struct counter_name *row)
{
    bool is_level = counter_rows[row->counter].is_level;
    bool is_of_all = row->counter <= COUNTER_CONNECTIONS_ACTIVE;
    uint64_t number =
        is_level ? counted_level(&summary->counted, (enum counter)row->counter) : summary->counted.sums.numbers[row->counter];
    return counted_is_known(&summary->counted, (enum counter)row->counter) && (is_of_all || number > 0);
}

static void
put_counters(const struct summary *summary, const struct period *periods, enum summary_room room, struct outbuf *out)
{
    for (size_t i = 0; counted_is_there(&summary->counted) && i < sizeof(counter_names) / sizeof(counter_names[0]); i++)
        if (room == SUMMARY_ALL || is_there(summary, &counter_names[i]))
            put_counter(summary, periods, &counter_names[i], out);
}

void
summary_stat_put(const struct summary *summary, enum summary_room room, struct outbuf *out)
{
    struct tally window = summary_window(summary), total = summary_total(summary);
    const struct period periods[PERIODS] = {
        [NOW] = {&summary->now, summary->until - summary->from, summary_counted_now(summary)},
        [WINDOW] = {&window, summary_window_ns(summary), summary_counted_window(summary)},
        [TOTAL] = {&total, summary->until - summary->begun, summary->counted.sums}};
    const char *source = summary_source(summary);
    text_printf(out, "%-7s%-9s%*s%*.0f s%*s\n", source != NULL ? "source" : "", source != NULL ? source : "", COLUMN, "now",
                COLUMN - 2, (double)periods[WINDOW].ns / 1e9, COLUMN, "total");
    put_requests(periods, room, out);
    put_times(periods, TALLY_TTFB, room, out);
    put_times(periods, TALLY_DURATION, room, out);
    put_times(periods, TALLY_RTT, room, out);
    put_counters(summary, periods, room, out);
    tally_free(&window);
    tally_free(&total);
}
