#ifndef PAINT_H
#define PAINT_H

#include "base/text.h"

/* How lines look on a terminal. */
struct paint {
    bool has_colors;
    int terminal; /* a file: lines are cut at its width; -1: they are not cut */
};

enum paint_color { PAINT_PLAIN, PAINT_DIM, PAINT_GOOD, PAINT_ODD, PAINT_BAD };

/* A part of a line, in bytes from its start. */
struct paint_part {
    size_t from, to;
    enum paint_color color;
};

/* What fits the file `fd`: colours if it is a terminal that has them and NO_COLOR (https://no-color.org) is not set, its width
 * unless `is_wide`. `when`: "always" and "never" decide instead; "auto" or NULL does not. */
struct paint paint_for(int fd, const char *when, bool is_wide);

/* How many columns the terminal has; SIZE_MAX: lines are not cut. */
size_t paint_columns(const struct paint *paint);

/* How many rows it has, less one for the cursor; SIZE_MAX: any number. */
size_t paint_rows(const struct paint *paint);

/* Changes the line that begins at `from` in `out` and ends there with its LF: colours one part of it, and cuts it at the
 * terminal's width, with an ellipsis at the end. */
void paint_line(const struct paint *paint, struct outbuf *out, size_t from, struct paint_part part);

#endif
