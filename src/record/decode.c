#include "record/decode.h"

#include "record/decode_state.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_SIZE = 1024 * 1024 };

struct decode *
decode_new(const struct plan *plan, const char *nonce, struct mem *mem)
{
    struct decode *decode = mem_alloc(mem, sizeof(*decode));
    decode->plan = plan;
    memcpy(decode->nonce, nonce, WIRE_NONCE_SIZE);
    snprintf(decode->mark, sizeof(decode->mark), "%lu", (uint64_t)strtoull(nonce, NULL, 16));
    decode->buffer = mem_alloc(mem, BUFFER_SIZE + 1);
    decode_slots_begin(decode, mem);
    decode_maps_begin(decode, mem);
    return decode;
}

char *
decode_room(struct decode *decode, size_t *len)
{
    if (decode->start > 0) {
        decode->end -= decode->start;
        memmove(decode->buffer, decode->buffer + decode->start, decode->end);
        decode->start = 0;
    }
    *len = BUFFER_SIZE - decode->end;
    decode->buffer[decode->end] = '\0';
    return decode->buffer + decode->end;
}

void
decode_fill(struct decode *decode, size_t len)
{
    decode->end += len;
    decode->buffer[decode->end] = '\0'; /* see struct wire */
}

void
decode_damage(struct decode *decode, const struct plan_event *event)
{
    decode->damaged++;
    if (decode->nfaults < DECODE_MAX_FAULTS)
        decode->faults[decode->nfaults++] = (struct decode_fault){decode->records + 1, event};
}

uint64_t
decode_damaged(const struct decode *decode)
{
    return decode->damaged;
}

const struct decode_fault *
decode_fault(const struct decode *decode, int index)
{
    return index < decode->nfaults ? &decode->faults[index] : NULL;
}

/* A line of bpftrace's own. The lone "0" is what the program prints to make bpftrace flush. */
static bool
read_notice(struct wire *wire, struct decode_item *item)
{
    const char *end = memchr(wire->at, '\n', (size_t)(wire->end - wire->at));
    if (end == NULL) {
        wire_fail(wire, WIRE_SHORT);
        return false;
    }
    item->kind = DECODE_NOTICE;
    item->text = (struct slice){wire->at, (size_t)(end - wire->at)};
    wire->at = end + 1;
    if (item->text.len == 0 || text_is(item->text, "0"))
        return false;
    struct slice rest = item->text, word[3];
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_word(&rest, &word[2]) && text_is(word[0], "Lost") &&
        text_is(word[2], "events") && text_number(word[1], UINT64_MAX, &item->number))
        item->kind = DECODE_LOST;
    return true;
}

enum { MAP_NAME = 3 }; /* bytes of a map's name before the nonce */

enum decode_frame
decode_look(const struct decode *decode, const char *at, const char *end)
{
    bool is_map = *at == '@';
    size_t there = (size_t)(end - at), before = is_map ? MAP_NAME : 0;
    if (there >= before + DECODE_NONCE_LEN) {
        if (memcmp(at + before, decode->nonce, DECODE_NONCE_LEN) != 0)
            return DECODE_NO_FRAME;
        return is_map ? DECODE_MAP_FRAME : DECODE_PRINTED_FRAME;
    }
    return there <= before || memcmp(at + before, decode->nonce, there - before) == 0 ? DECODE_HALF_FRAME : DECODE_NO_FRAME;
}

/* Goes to the next line that begins with the nonce, or with a map's name. WIRE_SHORT: none is there yet. */
static enum wire_state
find_frame(struct decode *decode)
{
    const char *at = decode->buffer + decode->start, *end = decode->buffer + decode->end;
    for (; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || at + 1 == end)
            break;
        enum decode_frame frame = decode_look(decode, at + 1, end);
        if (frame == DECODE_HALF_FRAME)
            break;
        if (frame != DECODE_NO_FRAME) {
            decode->start = (size_t)(at + 1 - decode->buffer);
            decode->is_lost = false;
            return WIRE_GOOD;
        }
    }
    decode->start = at != NULL ? (size_t)(at - decode->buffer) : decode->end;
    return WIRE_SHORT;
}

/* Whatever begins at the wire. */
static bool
read_frame(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    const char *name = wire->at;
    enum decode_frame frame = decode_look(decode, wire->at, wire->end);
    switch (frame) {
    case DECODE_NO_FRAME:
        return read_notice(wire, item);
    case DECODE_HALF_FRAME:
        wire_fail(wire, WIRE_SHORT);
        return false;
    case DECODE_PRINTED_FRAME:
        wire->at += DECODE_NONCE_LEN;
        return decode_stream_frame(decode, wire, item);
    case DECODE_MAP_FRAME:
        wire->at += MAP_NAME + DECODE_NONCE_LEN;
        return decode_map_frame(decode, wire, name[1], name[2] - '0', item);
    }
    return false;
}

/* Counts what was just read from `start` on: a record, and one of a map. */
static void
count(struct decode *decode, size_t start, enum wire_state state)
{
    bool is_taken = decode->start > start;
    decode->records += decode->event != NULL && is_taken;
    if (decode->maps.current >= 0 && (is_taken || state == WIRE_DAMAGED))
        decode->maps.counts[decode->maps.current].got++;
}

/* true: the item is set. Otherwise something was skipped, or the state says what is wrong. */
static bool
take(struct decode *decode, struct decode_item *item, enum wire_state *state)
{
    decode->event = NULL;
    decode->maps.current = -1;
    if (decode->is_lost) {
        *state = find_frame(decode);
        return false;
    }
    const size_t start = decode->start;
    struct wire wire = {.at = decode->buffer + start, .end = decode->buffer + decode->end};
    bool is_set = read_frame(decode, &wire, item);
    if (wire.state == WIRE_GOOD)
        decode->start = (size_t)(wire.at - decode->buffer);
    count(decode, start, wire.state);
    *state = wire.state;
    return is_set && wire.state == WIRE_GOOD;
}

/* From here on the next frame is looked for. */
static void
lose(struct decode *decode)
{
    decode_damage(decode, decode->event);
    decode->records++;
    decode->is_lost = true;
    decode->start++;
}

bool
decode_next(struct decode *decode, struct decode_item *item)
{
    decode_release(decode);
    while (decode->start < decode->end) {
        enum wire_state state;
        if (take(decode, item, &state))
            return true;
        bool is_full = decode->end - decode->start == BUFFER_SIZE; /* no frame is that long */
        if (state == WIRE_SHORT && !is_full)
            return false;
        if (state != WIRE_GOOD)
            lose(decode);
    }
    return false;
}

static void
explain_field(struct outbuf *out, const struct catalog_field *field)
{
    bool has_pointer = layout_has_pointer(field);
    if (has_pointer)
        text_printf(out, " pointer(%s)", field->name);
    int values = layout_numbers(field) - has_pointer;
    bool is_length = field->type->wire == TYPES_TEXT || field->type->wire == TYPES_BYTES;
    for (int i = 0; i < values; i++)
        text_printf(out, is_length ? " len(%s)" : " %s", field->name);
}

void
decode_explain(struct outbuf *out, const struct plan *plan, const struct plan_event *event)
{
    text_printf(out, "%zx NSECS TID", (size_t)(event - plan->events));
    for (int i = 0; i < event->probe->nfields; i++)
        if (event->is_shown[i])
            explain_field(out, &event->probe->fields[i]);
    if (event->layout.bytes >= 0)
        text_printf(out, " %s", event->probe->fields[event->layout.bytes].name);
    for (int i = 0; event->layout.has_inline_texts && i < event->layout.ntexts; i++)
        text_printf(out, " %s NONCE", event->probe->fields[event->layout.texts[i]].name);
}

static bool
is_half_frame(const struct decode *decode)
{
    return decode->start < decode->end && !decode->is_lost &&
           decode_look(decode, decode->buffer + decode->start, decode->buffer + decode->end) != DECODE_NO_FRAME;
}

bool
decode_last(struct decode *decode, struct decode_item *item)
{
    decode_release(decode);
    decode->damaged += is_half_frame(decode);
    decode->start = decode->end;
    struct decode_slot *first = decode_oldest(decode);
    if (first == NULL)
        return decode_tell_lost(decode, item);
    decode_give_up(decode, first, item);
    return true;
}
