#include "run/note.h"

#include <string.h>

static const char lesser[] = "lesser", by_file[] = "by-file", structures[] = "structures", since[] = "since=";

/* The plan asks for probes of the catalogue's providers only; libraries may have any number of others. */
int
note_write(struct outbuf *out, const struct note *note, const struct target *target, const struct catalog *catalog, size_t most,
           struct diag *diag)
{
    size_t before = out->len;
    text_puts(out, note->nonce);
    if (note->is_lesser)
        text_printf(out, " %s", lesser);
    if (note->is_by_file)
        text_printf(out, " %s", by_file);
    if (note->has_structures)
        text_printf(out, " %s", structures);
    if (note->since != 0)
        text_printf(out, " %s%lu", since, note->since);
    text_printf(out, "\n%s\n", target->command);
    for (size_t i = 0; catalog != NULL && i < target->probes.count; i++)
        if (catalog_has_provider(catalog, target->probes.items[i].provider))
            usdt_write_line(out, &target->probes.items[i]);
    if (out->len - before <= most)
        return 0;
    return diag_set(diag, DIAG_NOTHING, "process %d (%s): the list of its probes has %zu bytes; h2olog takes at most %zu",
                    target->pid, target->command, out->len - before, most);
}

static bool
read_word(struct note *note, struct slice word)
{
    if (text_is(word, lesser))
        return note->is_lesser = true;
    if (text_is(word, by_file))
        return note->is_by_file = true;
    if (text_is(word, structures))
        return note->has_structures = true;
    if (!text_starts_with(word, since))
        return false;
    text_skip(&word, strlen(since));
    return text_number(word, INT64_MAX, &note->since);
}

static bool
read_words(struct note *note, struct slice line)
{
    struct slice word;
    if (!text_word(&line, &word) || word.len == 0 || word.len >= sizeof(note->nonce))
        return false;
    memcpy(note->nonce, word.ptr, word.len);
    while (text_word(&line, &word))
        if (!read_word(note, word))
            return false;
    return strcmp(note->nonce, "-") == 0 || strlen(note->nonce) == sizeof(note->nonce) - 1;
}

int
note_read(struct note *note, struct slice text, struct mem *mem, struct diag *diag)
{
    struct slice words, command;
    *note = (struct note){.is_lesser = false};
    if (!text_line(&text, &words) || !text_line(&text, &command) || text_unsafe(command).len != 0 || !read_words(note, words))
        return diag_set(diag, DIAG_FAILED, "the note of a start is not whole; please report it");
    note->command = mem_strndup(mem, command.ptr, command.len);
    return usdt_read_list(&note->probes, text, mem, diag);
}
