#include "show/screen.h"

#include <stdio.h>
#include <sys/ioctl.h>

/* Appends a line, cut at the terminal's width. */
static void
draw_line(const struct paint *paint, struct outbuf *drawn, struct slice line)
{
    static const char rest_of_line[] = "\033[K\n";
    size_t begin = drawn->len;
    for (size_t i = 0; i < line.len; i++) /* a tab has no width of its own */
        text_put(drawn, line.ptr[i] == '\t' ? text_of("  ") : (struct slice){line.ptr + i, 1});
    text_putc(drawn, '\n');
    paint_line(paint, drawn, begin, (struct paint_part){0, 0, PAINT_PLAIN});
    drawn->len--; /* the LF */
    text_puts(drawn, rest_of_line);
}

void
screen_draw(const struct paint *paint, struct outbuf *out, size_t from)
{
    static const char home[] = "\033[H", rest_of_screen[] = "\033[J";
    struct outbuf drawn = {0};
    struct slice text = {out->ptr + from, out->len - from}, line;
    char more[32];
    if (paint->terminal < 0)
        return;
    size_t rows = paint_rows(paint), count = text_count_lines(text);
    text_puts(&drawn, home);
    for (size_t i = 0; i < (count > rows ? rows - 1 : count) && text_line(&text, &line); i++)
        draw_line(paint, &drawn, line);
    snprintf(more, sizeof(more), "%zu more lines", count > rows ? count - rows + 1 : 0);
    if (count > rows)
        draw_line(paint, &drawn, text_of(more));
    text_puts(&drawn, rest_of_screen);
    out->len = from;
    text_put(out, (struct slice){drawn.ptr, drawn.len});
    text_free(&drawn);
}

void
screen_say(const struct paint *paint, struct outbuf *out, const char *text)
{
    static const char last_line[] = "\033[999;1H", rest_of_line[] = "\033[K\r";
    struct winsize size;
    bool is_known = ioctl(paint->terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    text_printf(out, "%s%.*s%s", last_line, is_known ? size.ws_col - 1 : 1, text, rest_of_line);
}
