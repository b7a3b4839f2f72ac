#ifndef NEAR_H
#define NEAR_H

#include "base/text.h"

enum { NEAR_MOST = 3 };

/* The names that are nearest to a word that is none of them. */
struct near {
    struct slice word;
    struct slice names[NEAR_MOST]; /* all are equally near; each once */
    size_t count;
    size_t distance; /* letters that differ, one of three at most; upper and lower case do not */
};

struct near near_to(struct slice word);

/* Takes the name if it is as near as those before, and alone if it is nearer. It must last as long as `near`. */
void near_offer(struct near *near, struct slice name);

/* "; did you mean PREFIXa, PREFIXb?", or `otherwise` if nothing is near. Returns `buffer`. */
const char *near_ask(const struct near *near, const char *prefix, const char *otherwise, char *buffer, size_t size);

#endif
