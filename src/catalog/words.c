#include "catalog/words.h"

struct diag_pos
words_position(const struct words *words, const char *at)
{
    return (struct diag_pos){words->file, words->line, (int)(at - words->start) + 1};
}

struct slice
words_rest(const struct words *words)
{
    return text_trim(words->rest, " \t");
}

int
words_bad(const struct words *words, struct slice word, const char *what, const char *expected)
{
    char quoted[64];
    diag_quote(quoted, sizeof(quoted), word);
    return diag_at(words->diag, words_position(words, word.ptr), "%s \"%s\"; expected %s", what, quoted, expected);
}

int
words_need(struct words *words, struct slice *word, const char *expected)
{
    if (text_word(&words->rest, word))
        return 0;
    return diag_at(words->diag, words_position(words, word->ptr), "the line ends too early; expected %s", expected);
}

int
words_end(struct words *words)
{
    struct slice word;
    return text_word(&words->rest, &word) ? words_bad(words, word, "unexpected", "the end of the line") : 0;
}

int
words_name(struct words *words, const char **name, const char *expected)
{
    struct slice word;
    if (words_need(words, &word, expected) != 0)
        return -1;
    if (!text_is_name(word))
        return words_bad(words, word, "not a name", "letters, digits and _");
    *name = mem_strndup(words->mem, word.ptr, word.len);
    return 0;
}
