#include "run/session_run.h"

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
    text_putc(out, '\0');
}

static void
summarize_requests(const struct session_run *run, const char *at_least)
{
    const struct output *output = run->output;
    struct outbuf oddities = {0};
    put_oddities(&oddities, output);
    diag_note(run->log, "%lu requests, %lu of them unanswered, %lu given up%s; %s%lu lost, %lu damaged, %lu values cut",
              output->shown, output->unanswered, output->group.given_up, oddities.ptr, at_least, run->counts.lost,
              run->counts.damaged, output->cut);
    text_free(&oddities);
}

void
session_run_summarize(const struct session_run *run)
{
    const struct output *output = run->output;
    const struct session_counts *counts = &run->counts;
    const char *at_least = session_run_at_least(run);
    uint64_t given_up = view_given_up(output->view);
    if (given_up > 0)
        diag_note(run->log, "%lu texts were too much work for a regular expression and count as not matching", given_up);
    if (output->view->is_grouped)
        summarize_requests(run, at_least);
    else
        diag_note(run->log, "%lu events; %s%lu lost, %lu damaged, %lu values cut", output->shown, at_least, counts->lost,
                  counts->damaged, output->cut);
}
