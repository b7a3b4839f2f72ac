#include "base/near.h"

#include <ctype.h>
#include <stdio.h>

enum { LONGEST = 63 }; /* bytes; a longer word is far from every other */

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, row by row. */
static size_t
distance(struct slice a, struct slice b)
{
    size_t row[LONGEST + 1];
    if (a.len > LONGEST || b.len > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool differs = tolower((unsigned char)a.ptr[i - 1]) != tolower((unsigned char)b.ptr[j - 1]);
            size_t best = least(diagonal + differs, least(row[j], row[j - 1]) + 1);
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len];
}

struct near
near_to(struct slice word)
{
    return (struct near){.word = word, .distance = 1 + word.len / 3};
}

static bool
is_taken(const struct near *near, struct slice name)
{
    for (size_t i = 0; i < near->count; i++)
        if (text_equal(near->names[i], name))
            return true;
    return false;
}

void
near_offer(struct near *near, struct slice name)
{
    size_t far = distance(near->word, name);
    if (far > near->distance || near->word.len == 0)
        return;
    if (far < near->distance)
        near->count = 0;
    near->distance = far;
    if (near->count < NEAR_MOST && !is_taken(near, name))
        near->names[near->count++] = name;
}

const char *
near_ask(const struct near *near, const char *prefix, const char *otherwise, char *buffer, size_t size)
{
    size_t len = (size_t)snprintf(buffer, size, "%s", near->count > 0 ? "; did you mean " : otherwise);
    for (size_t i = 0; i < near->count && len < size; i++)
        len += (size_t)snprintf(buffer + len, size - len, "%s%s%.*s", i > 0 ? ", " : "", prefix, (int)near->names[i].len,
                                near->names[i].ptr);
    if (near->count > 0 && len < size)
        snprintf(buffer + len, size - len, "?");
    return buffer;
}
