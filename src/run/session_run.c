#include "run/session_run.h"

#include "show/format_columns.h"

#include <stdio.h>

void
session_run_record(struct session_run *run, const struct recording_block *block)
{
    if (run->recording != NULL && !run->recording->has_failed)
        recording_put(run->recording, block, run->diag);
}

void
session_run_record_stop(struct session_run *run)
{
    session_run_record(run, &(struct recording_block){.kind = RECORDING_STOP, .nsecs = run->stop_nsecs});
}

void
session_run_watch_clock(struct session_run *run, uint64_t nsecs)
{
    struct wall *wall = &run->output->format->wall;
    char offset[24];
    if (!wall_watch(wall, nsecs))
        return;
    int len = snprintf(offset, sizeof(offset), "%ld", wall_offset(wall, nsecs));
    session_run_record(run, &(struct recording_block){.kind = RECORDING_CLOCK, .nsecs = nsecs, .bytes = {offset, (size_t)len}});
}

static void
put_length(struct outbuf *out, uint64_t ns)
{
    text_printf(out, "%lu.%03lu s", ns / 1000000000, ns / 1000000 % 1000);
}

void
session_run_tell_gap(struct session_run *run, const struct gap *gap)
{
    const struct format *format = run->output->format;
    struct outbuf text = {0};
    run->counts.gaps++;
    run->counts.gap_ns += gap->to - gap->from;
    put_length(&text, gap->to - gap->from);
    text_puts(&text, ", from ");
    format_put_clock(format, &text, gap->from);
    text_puts(&text, " to ");
    format_put_clock(format, &text, gap->to);
    diag_note(run->log, "a gap: pid %d was not seen for %.*s: it came before its probes were attached", gap->pid, (int)text.len,
              text.ptr);
    text_free(&text);
    if (!run->is_reader_gone)
        output_gap(run->output, gap);
}

const char *
session_run_at_least(const struct session_run *run)
{
    return run->counts.misses_losses ? "at least " : "";
}

/* What belongs behind the numbers of requests; nothing of what there is none of. */
static void
put_oddities(struct outbuf *out, const struct output *output)
{
    const struct {
        uint64_t count;
        const char *what;
    } rows[] = {
        {output->incomplete, "incomplete"},
        {output->group.before, "began before"},
        {output->group.late, "answered after they were given up"},
        {output->group.late_fields, "header fields too late"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].count > 0)
            text_printf(out, ", %lu %s", rows[i].count, rows[i].what);
}

/* What was lost, and what was not seen at all. */
static void
put_losses(struct outbuf *out, const struct session_run *run)
{
    const struct session_counts *counts = &run->counts;
    text_printf(out, "%s%lu lost, %lu damaged, %lu values cut", session_run_at_least(run), counts->lost, counts->damaged,
                run->output->cut);
    if (counts->gaps == 0)
        return;
    text_printf(out, "; %lu gap%s, ", counts->gaps, counts->gaps == 1 ? "" : "s");
    put_length(out, counts->gap_ns);
    text_puts(out, " in all");
}

static void
put_requests(struct outbuf *out, const struct output *output)
{
    text_printf(out, "%lu requests, %lu of them unanswered, %lu given up", output->shown, output->unanswered,
                output->group.given_up);
    if (output->view->pending_ns > 0)
        text_printf(out, ", %lu shown while they waited", output->waiting);
    put_oddities(out, output);
}

void
session_run_summarize(const struct session_run *run)
{
    const struct output *output = run->output;
    struct outbuf text = {0};
    uint64_t given_up = view_given_up(output->view);
    if (given_up > 0)
        diag_note(run->log, "%lu texts were too much work for a regular expression and count as not matching", given_up);
    if (output->view->is_grouped)
        put_requests(&text, output);
    else if (output->view->is_keylog)
        text_printf(&text, "%lu keys of %lu sessions, %lu of sessions that began before", output->keylog.lines,
                    output->keylog.sessions_seen, output->keylog.orphans);
    else
        text_printf(&text, "%lu events", output->shown);
    text_puts(&text, "; ");
    put_losses(&text, run);
    if (output->are_whole)
        text_puts(&text, "; read in the server's structures");
    diag_note(run->log, "%.*s", (int)text.len, text.ptr);
    text_free(&text);
}
