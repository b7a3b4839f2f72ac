#include "record/decode_state.h"

static bool
read_tick(struct wire *wire, struct decode_item *item)
{
    item->kind = DECODE_TICK;
    item->nsecs = wire_number(wire);
    item->number = wire_number(wire);
    wire_literal(wire, "\n");
    return true;
}

/* The first frame of a record. */
static bool
read_record(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    struct record *record = &item->record;
    decode_read_id(decode, wire);
    record->nsecs = wire_number(wire);
    decode_set_thread(record, wire_number(wire));
    if (wire->state != WIRE_GOOD)
        return false;
    decode_read_numbers(decode, wire, item);
    if (wire->state != WIRE_GOOD)
        return false;
    struct decode_slot *slot = decode_overtaken(decode, record);
    if (slot != NULL) {
        decode_give_up(decode, slot, item);
        decode_put_back(decode, wire);
        return true;
    }
    bool has_texts = false;
    if (!decode_read_texts(decode, wire, record, &has_texts))
        return true;
    return decode_keep(decode, wire, item, has_texts) == NULL;
}

/* Words of 8 bytes each, the lowest first, for `most` bytes at most; the last word may hold more than those. Returns how many
 * bytes there were. Recordings of before version 4 have them. */
static size_t
read_words(struct wire *wire, size_t most, char *bytes)
{
    size_t got = 0;
    do {
        uint64_t word = wire_number(wire);
        for (int i = 0; i < 8 && got < most; i++)
            bytes[got++] = (char)(word >> 8 * i);
    } while (got < most && *wire->at == ' ');
    return got;
}

/* Words of the record's text. */
static void
read_bare(const struct decode *decode, struct wire *wire, struct decode_slot *slot, int text)
{
    struct decode_part part = decode_slot_next(decode, slot, text);
    char *tail = decode_slot_tail(decode, slot, text);
    part.len = read_words(wire, decode_wanted(decode, &slot->record, text) - part.at, tail);
    wire_literal(wire, "\n");
    if (wire->state == WIRE_GOOD)
        decode_slot_add(decode, slot, text, (struct slice){tail, part.len}, part);
}

/* A piece of the record's text. The first one has one part only. */
static void
read_piece(const struct decode *decode, struct wire *wire, struct decode_slot *slot, int text)
{
    struct slice bytes[LAYOUT_MAX_PARTS];
    bool is_cstr = slot->record.event->layout.has_cstrs;
    unsigned parts = slot->at[text] == 0 || is_cstr ? 1 : decode->plan->layout.parts;
    for (unsigned i = 0; i < parts; i++)
        bytes[i] = is_cstr ? decode_read_cstr(decode, wire)
                           : decode_read_piece(decode, wire, decode_slot_next(decode, slot, text).len);
    wire_literal(wire, "\n");
    for (unsigned i = 0; wire->state == WIRE_GOOD && i < parts; i++)
        decode_slot_add(decode, slot, text, bytes[i], decode_slot_next(decode, slot, text));
}

/* More of a text. The pieces come in order, so one belongs where the last one ended. */
static bool
read_more(struct decode *decode, struct wire *wire, bool has_words, struct decode_item *item)
{
    uint64_t nsecs = wire_number(wire), tid = wire_number(wire), text = wire_number(wire), offset = wire_number(wire);
    if (wire->state != WIRE_GOOD)
        return false;
    struct decode_slot *slot = decode_slot_at(decode, tid, nsecs);
    if (slot == NULL || text >= (uint64_t)slot->record.event->layout.ntexts || !slot->is_open[text] ||
        offset != decode_slot_next(decode, slot, (int)text).at || (has_words && decode->plan->layout.are_texts_marked)) {
        wire_fail(wire, WIRE_DAMAGED);
        return false;
    }
    if (has_words)
        read_bare(decode, wire, slot, (int)text);
    else
        read_piece(decode, wire, slot, (int)text);
    if (wire->state != WIRE_GOOD || !decode_is_complete(slot))
        return false;
    decode_hand_out(decode, slot, item);
    return true;
}

static bool
read_doubt(struct wire *wire, struct decode_item *item)
{
    item->kind = DECODE_DOUBT;
    item->number = wire_number(wire);
    wire_literal(wire, "\n");
    return true;
}

bool
decode_stream_frame(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    wire_literal(wire, " ");
    if (wire->at == wire->end) {
        wire_fail(wire, WIRE_SHORT);
        return false;
    }
    char kind = *wire->at++;
    switch (kind) {
    case 'h':
        return read_tick(wire, item);
    case 'q':
        return read_doubt(wire, item);
    case 'm':
        return decode_batch_end(decode, wire, item);
    case 's':
    case 'x':
        return read_more(decode, wire, kind == 'x', item);
    default:
        wire->at--;
        return read_record(decode, wire, item);
    }
}
