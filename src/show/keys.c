#include "show/keys.h"

#include "show/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MS_A_S = 1000 };

static void __attribute__((format(printf, 2, 3))) say(struct output *output, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(output->said, sizeof(output->said), format, args);
    va_end(args);
    screen_say(&output->format->paint, &output->sink->pending, output->said);
    sink_end_record(output->sink);
}

static void
hold(struct output *output)
{
    output->is_held = !output->is_held;
    say(output, "%s", output->is_held ? "held; space goes on" : "");
}

static void
sort_by_next(struct output *output)
{
    struct summary_request *request = &output->view->summary;
    if (request->kind != SUMMARY_TOP) {
        say(output, "only top is sorted");
        return;
    }
    request->sort = (enum summary_sort)((request->sort + 1) % SUMMARY_SORTS);
    say(output, "sorted by %s", summary_sort_names[request->sort]);
}

static void
set_interval(struct output *output, unsigned seconds)
{
    summary_set_interval(&output->summary, &output->view->summary, (uint64_t)seconds * MS_A_S);
    say(output, "every %u s", seconds);
}

/* At most 39 columns. */
static const char help[] = "q quit, space hold, s sort, 0-9 seconds";

void
keys_begin(struct output *output)
{
    snprintf(output->said, sizeof(output->said), "? tells the keys");
}

bool
keys_take(struct output *output, int key)
{
    if (key == ' ')
        hold(output);
    else if (key == 's')
        sort_by_next(output);
    else if (key >= '0' && key <= '9')
        set_interval(output, key == '0' ? 10 : (unsigned)(key - '0'));
    else if (key == '?' || key == 'h')
        say(output, "%s", strcmp(output->said, help) != 0 ? help : "");
    else if (key == 'q')
        say(output, "%s", "");
    return key == 'q';
}
