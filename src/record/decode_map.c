#include "record/decode_state.h"

#include <stdlib.h>

void
decode_maps_begin(struct decode *decode, struct mem *mem)
{
    const struct layout *layout = &decode->plan->layout;
    struct decode_maps *maps = &decode->maps;
    *maps = (struct decode_maps){.current = -1, .are_sorted = true};
    if (layout->nstored[LAYOUT_TEXTS] == 0)
        return;
    maps->pieces = mem_alloc(mem, layout->pieces * sizeof(*maps->pieces));
    maps->piece_bytes = mem_alloc(mem, layout->pieces * layout->chunk);
}

/* ---- Pieces of texts, which come before their records. */

/* The second part of a piece's key. */
static uint64_t
place_of(int text, size_t offset, size_t len, uint64_t tid)
{
    return (((uint64_t)text * 16384 + offset) * 256 + len) << 32 | tid;
}

static size_t
length_in(uint64_t place)
{
    return place >> 32 & 255;
}

static int
compare_pieces(const void *a, const void *b)
{
    const struct decode_piece *left = a, *right = b;
    if (left->nsecs != right->nsecs)
        return left->nsecs < right->nsecs ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static void
add_piece(struct decode_maps *maps, struct decode_piece piece)
{
    if (maps->npieces > 0 && compare_pieces(&maps->pieces[maps->npieces - 1], &piece) > 0)
        maps->are_sorted = false;
    maps->pieces[maps->npieces++] = piece;
}

static void
forget_pieces(struct decode_maps *maps)
{
    maps->npieces = 0;
    maps->are_sorted = true;
}

/* NULL: it did not come. */
static const struct decode_piece *
find_piece(struct decode_maps *maps, uint64_t nsecs, uint64_t place)
{
    const struct decode_piece wanted = {nsecs, place, NULL};
    if (!maps->are_sorted)
        qsort(maps->pieces, maps->npieces, sizeof(wanted), compare_pieces);
    maps->are_sorted = true;
    return maps->npieces > 0 ? bsearch(&wanted, maps->pieces, maps->npieces, sizeof(wanted), compare_pieces) : NULL;
}

/* Puts the pieces of a record's texts behind what stands in the record. */
static void
join(struct decode *decode, struct decode_slot *slot)
{
    const struct record *record = &slot->record;
    for (int i = 0; i < record->event->layout.ntexts; i++) {
        while (slot->is_open[i]) {
            size_t left = decode_wanted(decode, record, i) - slot->got[i], chunk = decode->plan->layout.chunk;
            size_t len = left < chunk ? left : chunk;
            const struct decode_piece *piece =
                find_piece(&decode->maps, record->nsecs, place_of(i, slot->got[i], len, record->tid));
            if (piece == NULL)
                break;
            memcpy(decode_slot_tail(decode, slot, i), piece->bytes, len);
            decode_slot_add(decode, slot, i, len);
        }
    }
}

/* ---- Frames. */

/* "[NSECS, NUMBER]: " */
static void
read_key(struct wire *wire, uint64_t *nsecs, uint64_t *number)
{
    wire_literal(wire, "[");
    *nsecs = wire_digits(wire);
    *number = wire_number(wire);
    wire_literal(wire, "]: ");
}

static void
read_piece(struct decode *decode, struct wire *wire)
{
    struct decode_maps *maps = &decode->maps;
    const struct layout *layout = &decode->plan->layout;
    struct decode_piece piece;
    read_key(wire, &piece.nsecs, &piece.place);
    size_t len = length_in(piece.place);
    if (len > layout->chunk || maps->npieces == layout->pieces || maps->pieces == NULL)
        wire_fail(wire, WIRE_DAMAGED);
    struct slice text = wire_bytes(wire, len);
    wire_literal(wire, "\n");
    if (wire->state != WIRE_GOOD)
        return;
    piece.bytes = maps->piece_bytes + maps->npieces * layout->chunk;
    memcpy(piece.bytes, text.ptr, len);
    add_piece(maps, piece);
}

static bool
read_record(struct decode *decode, struct wire *wire, enum layout_store store, struct decode_item *item)
{
    struct record *record = &item->record;
    uint64_t thread;
    read_key(wire, &record->nsecs, &thread);
    decode_set_thread(record, thread);
    wire_literal(wire, "(");
    decode_read_id(decode, wire);
    if (wire->state == WIRE_GOOD && decode->event->layout.store != store)
        wire_fail(wire, WIRE_DAMAGED);
    if (wire->state != WIRE_GOOD)
        return false;
    decode_read_numbers(decode, wire, item);
    if (wire->state != WIRE_GOOD)
        return false;
    bool has_texts = decode_read_texts(decode, wire, record);
    if (wire->state != WIRE_GOOD || decode->is_lost || !decode_is_open(decode, record, has_texts))
        return true;
    struct decode_slot *slot = decode_keep(decode, wire, item, has_texts);
    if (slot == NULL)
        return true;
    join(decode, slot);
    decode_hand_out(decode, slot, item);
    item->is_batched = true;
    return true;
}

static void
read_count(struct decode *decode, struct wire *wire, int map)
{
    wire_literal(wire, ": ");
    uint64_t count = wire_digits(wire);
    wire_literal(wire, "\n");
    if (wire->state == WIRE_GOOD)
        decode->maps.counts[map].put = count;
}

static void
skip_line(struct wire *wire)
{
    const char *end = memchr(wire->at, '\n', (size_t)(wire->end - wire->at));
    if (end != NULL)
        wire->at = end + 1;
    else
        wire_fail(wire, WIRE_SHORT);
}

/* Of the program's own variables bpftrace prints the values when it ends; these are skipped. */
bool
decode_map_frame(struct decode *decode, struct wire *wire, char kind, int map, struct decode_item *item)
{
    static const char letters[] = LAYOUT_STORE_LETTERS "pc";
    enum { PIECES = LAYOUT_STORES, COUNT, END };
    const char *letter = memchr(letters + LAYOUT_NUMBERS, kind, END - LAYOUT_NUMBERS);
    wire->is_map = true;
    if (!plan_has_batches(decode->plan) && kind != LAYOUT_OTHERS_LETTER) {
        wire_fail(wire, WIRE_DAMAGED);
        return false;
    }
    if (letter == NULL || map < 0 || map >= LAYOUT_MAPS) {
        skip_line(wire);
        return false;
    }
    int what = (int)(letter - letters);
    if (what == COUNT) {
        read_count(decode, wire, map);
        return false;
    }
    decode->maps.current = map;
    if (what != PIECES)
        return read_record(decode, wire, (enum layout_store)what, item);
    read_piece(decode, wire);
    return false;
}

/* ---- Losses. */

/* Records that the program put into maps and that did not come. One that is put into a map at this moment may come later. */
static uint64_t
missing(const struct decode_maps *maps)
{
    uint64_t sum = 0;
    for (int i = 0; i < LAYOUT_MAPS; i++)
        if (maps->counts[i].put > maps->counts[i].got)
            sum += maps->counts[i].put - maps->counts[i].got;
    return sum;
}

bool
decode_tell_lost(struct decode *decode, struct decode_item *item)
{
    struct decode_maps *maps = &decode->maps;
    uint64_t lost = missing(maps);
    if (lost <= maps->told)
        return false;
    item->kind = DECODE_LOST;
    item->number = lost - maps->told;
    maps->told = lost;
    return true;
}

/* A batch's losses are told of before its end. */
bool
decode_batch_end(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    item->nsecs = wire_number(wire);
    wire_literal(wire, "\n");
    if (!plan_has_batches(decode->plan))
        wire_fail(wire, WIRE_DAMAGED);
    forget_pieces(&decode->maps);
    if (wire->state == WIRE_GOOD && decode_tell_lost(decode, item)) {
        decode_put_back(decode, wire);
        return true;
    }
    item->kind = DECODE_BATCH;
    item->number = 0;
    return true;
}
