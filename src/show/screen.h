#ifndef SCREEN_H
#define SCREEN_H

#include "show/paint.h"

/* Numbers that are redrawn in place on a terminal. The cursor stays visible and the screen is the usual one, so there is
 * nothing to be restored whatever way h2olog ends. */

/* Appends what shows the text, of ASCII, in the terminal's last line, until the screen is drawn anew. */
void screen_say(const struct paint *paint, struct outbuf *out, const char *text);

/* Makes a redrawing of the lines that stand in `out` from `from` on: as many as the terminal has, each cut at its width.
 * Without a terminal they stay as they are. */
void screen_draw(const struct paint *paint, struct outbuf *out, size_t from);

#endif
