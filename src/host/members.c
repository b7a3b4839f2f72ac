#include "host/members.h"

#include "base/text.h"

#include <string.h>

static bool
take_offset(struct slice word, int32_t *offset)
{
    bool is_negative = text_skip_prefix(&word, "-");
    uint64_t number;
    if (!text_number(word, INT32_MAX, &number))
        return false;
    *offset = is_negative ? -(int32_t)number : (int32_t)number;
    return true;
}

static bool
take_offsets(struct members_place *place, struct slice word)
{
    while (word.len > 0) {
        if (place->nsteps == MEMBERS_MAX_STEPS || !take_offset(text_cut(&word, ','), &place->offsets[place->nsteps++]))
            return false;
    }
    return place->nsteps > 0;
}

bool
members_read_place(struct members_place *place, struct slice line)
{
    struct slice word;
    uint64_t size;
    *place = (struct members_place){0};
    if (text_is(line, "-"))
        return true;
    if (!text_word(&line, &word) || !take_offsets(place, word) || !text_word(&line, &word))
        return false;
    place->is_signed = text_skip_prefix(&word, "-");
    if (!text_number(word, 8, &size) || line.len > 0)
        return false;
    place->size = (unsigned)size;
    return size == 0 || size == 1 || size == 2 || size == 4 || size == 8;
}

static int
take_answer(struct members_place *places, size_t count, struct slice answer, struct diag *diag)
{
    char quoted[256];
    struct slice line;
    if (answer.len > 0 && *answer.ptr == '!') {
        text_skip(&answer, 1);
        return diag_set(diag, DIAG_NOTHING, "%s", diag_quote(quoted, sizeof(quoted), answer));
    }
    for (size_t i = 0; i < count; i++)
        if (!text_line(&answer, &line) || !members_read_place(&places[i], line))
            return diag_set(diag, DIAG_NOTHING, "its debugging information cannot be read");
    return 0;
}

int
members_find(struct members_place *places, const struct members_wanted *wanted, size_t count, const struct sandbox_file *file,
             int64_t deadline, struct diag *diag)
{
    struct outbuf text = {0};
    const struct members_list list = {wanted, count};
    int status = sandbox_run(file, members_answer, &list, deadline, &text, diag);
    if (status == 0)
        status = take_answer(places, count, (struct slice){text.ptr, text.len}, diag);
    text_free(&text);
    return status;
}
