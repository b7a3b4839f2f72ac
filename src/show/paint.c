#define _XOPEN_SOURCE 700 /* wcwidth */
#include "show/paint.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static const char *const sequences[] = {[PAINT_PLAIN] = "",
                                        [PAINT_DIM] = "\033[2m",
                                        [PAINT_GOOD] = "\033[32m",
                                        [PAINT_ODD] = "\033[33m",
                                        [PAINT_BAD] = "\033[1;31m"};

static bool
wants_colors(int fd, const char *when)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return isatty(fd) && term != NULL && strcmp(term, "dumb") != 0 && (no_color == NULL || *no_color == '\0');
}

struct paint
paint_for(int fd, const char *when, bool is_wide)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth */
    return (struct paint){wants_colors(fd, when), isatty(fd) && !is_wide ? fd : -1};
}

size_t
paint_columns(const struct paint *paint)
{
    struct winsize size;
    bool is_known = paint->terminal >= 0 && ioctl(paint->terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : SIZE_MAX;
}

size_t
paint_rows(const struct paint *paint)
{
    struct winsize size;
    bool is_known = paint->terminal >= 0 && ioctl(paint->terminal, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
    return is_known ? (size_t)size.ws_row - 1 : SIZE_MAX;
}

/* How many bytes take no more than so many columns. */
static size_t
fitting(struct slice line, size_t columns)
{
    size_t used = 0;
    for (size_t at = 0; at < line.len;) {
        uint32_t code;
        size_t len = text_utf8((struct slice){line.ptr + at, line.len - at}, &code);
        int width = wcwidth((wchar_t)code);
        used += width >= 0 ? (size_t)width : 1;
        if (used > columns)
            return at;
        at += len > 0 ? len : 1;
    }
    return line.len;
}

void
paint_line(const struct paint *paint, struct outbuf *out, size_t from, struct paint_part part)
{
    struct outbuf plain = {0};
    text_put(&plain, (struct slice){out->ptr + from, out->len - from - 1});
    struct slice line = {plain.ptr, plain.len};
    size_t columns = paint_columns(paint), whole = fitting(line, columns);
    size_t end = whole < line.len ? fitting(line, columns - 1) : line.len;
    bool is_colored = paint->has_colors && part.color != PAINT_PLAIN && part.from < part.to && part.from < end;
    size_t color_from = is_colored ? part.from : end, color_to = part.to < end && is_colored ? part.to : end;
    out->len = from;
    text_put(out, (struct slice){line.ptr, color_from});
    text_puts(out, is_colored ? sequences[part.color] : "");
    text_put(out, (struct slice){line.ptr + color_from, color_to - color_from});
    text_puts(out, is_colored ? "\033[0m" : "");
    text_put(out, (struct slice){line.ptr + color_to, end - color_to});
    text_puts(out, end < line.len ? "\xe2\x80\xa6\n" : "\n");
    text_free(&plain);
}
