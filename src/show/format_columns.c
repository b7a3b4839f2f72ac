#include "show/format_columns.h"

#include <time.h>

/* By the local clock, with a format of strftime, up to the milliseconds. Returns the seconds that it has shown. */
static struct tm
put_local(struct outbuf *out, const char *form, uint64_t realtime)
{
    const time_t seconds = (time_t)(realtime / 1000000000);
    char text[64];
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(text, sizeof(text), form, &local);
    text_printf(out, "%s.%03lu", text, realtime / 1000000 % 1000);
    return local;
}

void
format_put_clock(const struct format *format, struct outbuf *out, uint64_t nsecs)
{
    put_local(out, "%H:%M:%S", wall_time(&format->wall, nsecs));
}

static void
put_clock(struct format *format, struct outbuf *out, uint64_t nsecs)
{
    format_put_clock(format, out, nsecs);
}

/* RFC 3339, whose offset has a colon in it, which strftime's has not. */
static void
put_iso(struct format *format, struct outbuf *out, uint64_t nsecs)
{
    const struct tm local = put_local(out, "%Y-%m-%dT%H:%M:%S", wall_time(&format->wall, nsecs));
    const long minutes = local.tm_gmtoff / 60, size = minutes < 0 ? -minutes : minutes;
    text_printf(out, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', size / 60, size % 60);
}

/* Requests are shown when they are complete, so a line may be older than the one before. */
static void
put_seconds(struct outbuf *out, uint64_t from, uint64_t to)
{
    const bool is_before = to < from;
    const uint64_t us = (is_before ? from - to : to - from) / 1000;
    text_printf(out, "%s%lu.%06lu", is_before ? "-" : "", us / 1000000, us % 1000000);
}

static void
put_elapsed(struct format *format, struct outbuf *out, uint64_t nsecs)
{
    put_seconds(out, format->first_line, nsecs);
}

static void
put_delta(struct format *format, struct outbuf *out, uint64_t nsecs)
{
    put_seconds(out, format->last_line, nsecs);
}

static void (*const times[])(struct format *, struct outbuf *, uint64_t) = {
    [FORMAT_CLOCK] = put_clock, [FORMAT_ISO] = put_iso, [FORMAT_ELAPSED] = put_elapsed, [FORMAT_DELTA] = put_delta};

void
format_put_time(struct format *format, struct outbuf *out, uint64_t nsecs)
{
    if (format->options.time == FORMAT_NO_TIME)
        return;
    if (format->first_line == 0)
        format->first_line = format->last_line = nsecs;
    times[format->options.time](format, out, nsecs);
    text_putc(out, ' ');
    format->last_line = nsecs;
}

static bool
has_pid(const struct format *format)
{
    return format->options.extra || format->options.has_servers;
}

void
format_put_columns(struct format *format, struct outbuf *out, uint64_t nsecs, pid_t pid)
{
    format_put_time(format, out, nsecs);
    if (!has_pid(format))
        return;
    text_put_u64(out, (uint64_t)pid);
    text_putc(out, ' ');
}

int
format_count_columns(const struct format *format)
{
    return (format->options.time != FORMAT_NO_TIME) + has_pid(format);
}
