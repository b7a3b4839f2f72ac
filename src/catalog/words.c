#include "catalog/words.h"

struct diag_pos
words_position(const struct words *words, const char *at)
{
    return (struct diag_pos){words->file, words->line, (int)(at - words->start) + 1};
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

int
words_check(const struct words *words)
{
    struct slice unsafe = text_unsafe(words->rest);
    return unsafe.len == 0 ? 0 : words_bad(words, unsafe, "unexpected", "UTF-8 without control characters");
}

int
words_text(struct words *words, struct slice *text)
{
    *text = text_trim(words->rest, " \t");
    const char *tab = text_find(*text, "\t");
    return tab == NULL ? 0 : words_bad(words, (struct slice){tab, 1}, "unexpected", "no tabs in a text");
}
