#include "base/near.h"

#include <ctype.h>
#include <stdio.h>

enum { LONGEST = 63 }; /* bytes; a longer word is far from every other */

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool
is_same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many letters must be changed, added, dropped, or swapped with the next one: Damerau's and Levenshtein's distance, row by
 * row. `rows` are those of the last three letters of `a`. */
static size_t
distance(struct slice a, struct slice b)
{
    size_t rows[3][LONGEST + 1], *row = rows[0], *above = rows[1], *before = rows[2];
    if (a.len > LONGEST || b.len > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *oldest = before;
        before = above, above = row, row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t changed = above[j - 1] + !is_same(a.ptr[i - 1], b.ptr[j - 1]);
            row[j] = least(changed, least(above[j], row[j - 1]) + 1);
            bool is_swapped = i > 1 && j > 1 && is_same(a.ptr[i - 1], b.ptr[j - 2]) && is_same(a.ptr[i - 2], b.ptr[j - 1]);
            if (is_swapped)
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b.len];
}

/* Whether the name begins so: somebody stopped early. */
static bool
begins(struct slice name, struct slice word)
{
    return word.len > 1 && name.len > word.len && distance((struct slice){name.ptr, word.len}, word) == 0;
}

/* Of the whole name, or, with one more, of its beginning or a part between underscores. */
static size_t
distance_to_name(struct slice word, struct slice name)
{
    size_t best = begins(name, word) ? 1 : distance(word, name);
    bool has_parts = memchr(name.ptr, '_', name.len) != NULL;
    while (has_parts && name.len > 0) {
        size_t far = distance(word, text_cut(&name, '_'));
        if (far < best)
            best = least(best, far + 1);
    }
    return best;
}

struct near
near_to(struct slice word)
{
    return (struct near){.word = word, .distance = (word.len + 1) / 3};
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
    size_t far = distance_to_name(near->word, name);
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
