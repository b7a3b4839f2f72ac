#include "show/format.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_json;
} forms[] = {{"line", false}, {"json", true}};

bool
format_init(struct format *format, const char *name, struct format_options options)
{
    *format = (struct format){.options = options, .seq = 1, .paint = {.terminal = -1}};
    wall_begin(&format->wall, clock_realtime_offset());
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].name, name) != 0)
            continue;
        format->is_json = forms[i].is_json;
        return true;
    }
    return false;
}

static const char *const times[] = {[FORMAT_NO_TIME] = "none",
                                    [FORMAT_CLOCK] = "clock",
                                    [FORMAT_ISO] = "iso",
                                    [FORMAT_ELAPSED] = "elapsed",
                                    [FORMAT_DELTA] = "delta"};

bool
format_find_time(enum format_time *time, const char *name)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (strcmp(times[i], name) != 0)
            continue;
        *time = (enum format_time)i;
        return true;
    }
    return false;
}

const char *
format_time_name(enum format_time time)
{
    return times[time];
}

void
format_set_share(struct format *format, double share)
{
    format->sample[0] = '\0';
    if (share > 0)
        snprintf(format->sample, sizeof(format->sample), ", \"sample\": %.6g", share);
}

bool
format_is_json(const struct format *format)
{
    return format->is_json;
}

int
format_count_cut(const struct record *record)
{
    int count = 0;
    for (int i = 0; record->event != NULL && i < record->event->layout.ntexts; i++) {
        int field = record->event->layout.texts[i];
        count +=
            !record->values[field].is_null && types_is_cut(record->event->probe->fields[field].type, &record->values[field]);
    }
    return count;
}
