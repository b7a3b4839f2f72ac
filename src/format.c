#include "format.h"

#include <string.h>
#include <time.h>

static const struct format_row {
    const char *name;
    format_function *put;
} formats[] = {
    {"line", format_line},
    {"json", format_json},
};

static int64_t
nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool
format_init(struct format *format, const char *name, struct format_options options)
{
    *format = (struct format){.options = options, .seq = 1};
    format->realtime_offset = nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_BOOTTIME);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(formats[i].name, name) == 0)
            format->row = &formats[i];
    return format->row != NULL;
}

void
format_record(struct format *format, struct outbuf *out, const struct record *record)
{
    format->row->put(format, out, record);
    text_putc(out, '\n');
    format->seq++;
}

bool
format_is_there(const struct record *record, int field)
{
    return record->event->is_shown[field] &&
           !(record->event->probe->fields[field].is_optional && record->values[field].is_null);
}
