#include "show/output.h"

#include "show/format_record.h"
#include "show/screen.h"
#include "show/summary_json.h"
#include "show/summary_prom.h"
#include "show/summary_text.h"

static bool
is_summary(const struct output *output)
{
    return output->view->summary.kind != SUMMARY_NONE;
}

void
output_open(struct output *output)
{
    if (output->view->is_grouped)
        group_init(&output->group, output->view->max_requests, output->view->pending_ns);
    if (is_summary(output))
        summary_init(&output->summary, &output->view->summary);
}

void
output_close(struct output *output)
{
    group_free(&output->group);
    summary_free(&output->summary);
    keylog_free(&output->keylog);
}

bool
output_is_full(const struct output *output)
{
    return output->most != 0 && (is_summary(output) ? output->blocks : output->shown + output->waiting) >= output->most;
}

static void
show_key(struct output *output, const struct record *record)
{
    if (record->event == NULL || !keylog_take(&output->keylog, record, &output->sink->pending))
        return;
    output->shown++;
    sink_end_record(output->sink);
}

static void
show_record(struct output *output, const struct record *record)
{
    if (is_summary(output)) {
        output->shown += summary_add_ack(&output->summary, record);
        return;
    }
    if (output->view->is_keylog) {
        show_key(output, record);
        return;
    }
    if (record->event != NULL && !line_filter_fits(&output->view->line_filter, record))
        return;
    output->cut += (uint64_t)format_record(output->format, &output->sink->pending, record);
    output->shown += record->event != NULL;
    sink_end_record(output->sink);
}

static void
count_exchange(struct output *output, const struct exchange *exchange)
{
    output->are_whole |= exchange->whole.is_there;
    output->waiting += exchange->is_waiting;
    output->shown += !exchange->is_waiting;
    output->unanswered += !exchange->is_waiting && exchange->responded == 0;
    output->incomplete += !exchange->is_waiting && exchange->incomplete != 0;
}

static void
show_exchange(struct output *output, const struct exchange *exchange)
{
    const struct report report = {output->format, &output->view->line_filter,
                                  output->view->log.npieces > 0 ? &output->view->log : NULL};
    size_t before = output->sink->pending.len;
    if (output_is_full(output) || !view_wants(output->view, exchange))
        return;
    if (is_summary(output)) {
        summary_add(&output->summary, exchange);
        output->cut += (uint64_t)report_count_cut(exchange);
        count_exchange(output, exchange);
        return;
    }
    output->cut += (uint64_t)report_put(&report, &output->sink->pending, exchange);
    if (output->sink->pending.len == before)
        return;
    sink_end_record(output->sink);
    count_exchange(output, exchange);
}

static void
show_done(struct output *output)
{
    const struct exchange *exchange;
    while ((exchange = group_next(&output->group)) != NULL)
        show_exchange(output, exchange);
}

void
output_record(struct output *output, const struct record *record)
{
    bool is_grouped = output->view->is_grouped;
    if (output_is_full(output))
        return;
    if (is_summary(output) && record->event == NULL)
        output->summary.lost += record->values[RECORD_LOST].number;
    else if (!is_grouped || record->event == NULL)
        show_record(output, record);
    if (!is_grouped)
        return;
    group_add(&output->group, record);
    show_done(output);
}

void
output_mark_loss(struct output *output, const struct record *loss)
{
    if (output->view->is_grouped && !output_is_full(output))
        group_add(&output->group, loss);
}

void
output_gap(struct output *output, const struct gap *gap)
{
    if (output_is_full(output) || !format_is_json(output->format))
        return;
    format_gap(output->format, &output->sink->pending, gap);
    sink_end_record(output->sink);
}

int
output_begin_prom(struct output *output, struct diag *diag)
{
    const char *path = output->view->summary.prom;
    if (path == NULL)
        return 0;
    if (!is_summary(output))
        return diag_set(diag, DIAG_USAGE, "--prom is for stat, top and hist of requests");
    return summary_prom_write(&output->summary, path, diag);
}

/* What stands in the way is said once, as long as it does. */
static void
write_prom(struct output *output)
{
    struct diag diag = {0};
    const char *path = output->view->summary.prom;
    bool has_failed = path != NULL && summary_prom_write(&output->summary, path, &diag) != 0;
    if (has_failed && !output->has_prom_failed)
        diag_note(output->log, "%s", diag.message);
    output->has_prom_failed = has_failed;
}

/* A block of numbers. */
static void
show_summary(struct output *output)
{
    struct outbuf *out = &output->sink->pending;
    if (output->is_held) {
        /* it stays as it is */
    } else if (format_is_json(output->format)) {
        summary_json_put(&output->summary, output->format, out);
    } else {
        size_t from = out->len;
        summary_text_put(&output->summary, output->format, out);
        if (output->format->paint.terminal < 0)
            text_putc(out, '\n');
        screen_draw(&output->format->paint, out, from);
        if (*output->said != '\0')
            screen_say(&output->format->paint, out, output->said);
    }
    sink_end_record(output->sink);
    write_prom(output);
    summary_next(&output->summary);
    output->blocks++;
}

static void
tick_group(struct output *output, pid_t pid, uint64_t nsecs)
{
    group_tick(&output->group, pid, nsecs);
    show_done(output);
    const struct exchange *exchange;
    while ((exchange = group_next_pending(&output->group, pid, nsecs)) != NULL)
        show_exchange(output, exchange);
}

void
output_tick(struct output *output, pid_t pid, uint64_t nsecs)
{
    if (output->view->is_grouped)
        tick_group(output, pid, nsecs);
    if (is_summary(output) && !output_is_full(output) && summary_tick(&output->summary, nsecs))
        show_summary(output);
}

void
output_count(struct output *output, pid_t pid, const struct counters *counters, uint64_t nsecs)
{
    if (is_summary(output))
        counted_add(&output->summary.counted, pid, counters, nsecs);
}

uint64_t
output_count_at(const struct output *output)
{
    return is_summary(output) && !output_is_full(output) ? summary_count_at(&output->summary) : UINT64_MAX;
}

void
output_end(struct output *output, pid_t pid)
{
    if (output->view->is_grouped) {
        group_end(&output->group, pid);
        show_done(output);
    }
    if (is_summary(output) && !output_is_full(output) && summary_end(&output->summary))
        show_summary(output);
    if (is_summary(output))
        counted_end(&output->summary.counted, pid);
}
