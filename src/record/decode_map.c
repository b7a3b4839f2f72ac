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
    maps->most_pieces = LAYOUT_MAPS * (size_t)layout->map_keys;
    maps->pieces = mem_alloc(mem, maps->most_pieces * sizeof(*maps->pieces));
    maps->piece_bytes = mem_alloc(mem, maps->most_pieces * layout->chunk);
}

/* ---- Pieces of texts, which come before their records. */

/* The second part of a piece's key; the length stands in it if nothing else tells where a piece ends. */
static uint64_t
place_of(const struct layout *layout, int text, struct decode_part part, uint64_t tid)
{
    uint64_t marked = (uint64_t)text * LAYOUT_PLACE_TEXT + part.at, bare = ((uint64_t)text * 16384 + part.at) * 256 + part.len;
    return (layout->are_texts_marked ? marked : bare) << 32 | tid;
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
    const struct decode_piece wanted = {.nsecs = nsecs, .place = place};
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
            struct decode_part part = decode_slot_next(decode, slot, i);
            uint64_t place = place_of(&decode->plan->layout, i, part, record->tid);
            const struct decode_piece *piece = find_piece(&decode->maps, record->nsecs, place);
            if (piece == NULL || piece->len > part.len) {
                decode->maps.pieces_lost += decode->plan->layout.are_texts_marked; /* the program counts the others */
                break;
            }
            decode_slot_add(decode, slot, i, (struct slice){piece->bytes, piece->len}, part);
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

/* A piece, which has as many bytes as the layout says. Where the next entry of the map begins earlier, a NUL has ended it. The
 * last entry is none of a text. */
static struct slice
read_whole_piece(const struct decode *decode, struct wire *wire)
{
    const char *start = wire->at, *whole = start + decode->plan->layout.chunk, *feed = start;
    const char *end = whole < wire->end ? whole : wire->end;
    for (; (feed = memchr(feed, '\n', (size_t)(end - feed))) != NULL; feed++) {
        enum decode_frame frame = decode_look(decode, feed + 1, wire->end);
        if (feed + 1 == wire->end || frame == DECODE_HALF_FRAME)
            wire_fail(wire, WIRE_SHORT);
        if (wire->state != WIRE_GOOD || frame != DECODE_NO_FRAME)
            return wire_bytes(wire, (size_t)(feed - start));
    }
    return wire_bytes(wire, (size_t)(whole - start));
}

static void
read_piece(struct decode *decode, struct wire *wire)
{
    struct decode_maps *maps = &decode->maps;
    const struct layout *layout = &decode->plan->layout;
    struct decode_piece piece;
    read_key(wire, &piece.nsecs, &piece.place);
    if (piece.nsecs == INT64_MAX) {
        wire_literal(wire, "\n");
        return;
    }
    size_t len = piece.place >> 32 & 255; /* of a bare text */
    if (maps->npieces == maps->most_pieces || maps->pieces == NULL || (!layout->are_texts_marked && len > layout->chunk))
        wire_fail(wire, WIRE_DAMAGED);
    struct slice text = layout->are_texts_marked ? read_whole_piece(decode, wire) : wire_bytes(wire, len);
    wire_literal(wire, "\n");
    if (wire->state != WIRE_GOOD)
        return;
    piece.bytes = maps->piece_bytes + maps->npieces * layout->chunk;
    piece.len = text.len;
    memcpy(piece.bytes, text.ptr, text.len);
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
    bool has_texts = false;
    if (!decode_read_texts(decode, wire, record, &has_texts))
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
    const char *letter = memchr(letters + 1, kind, END - 1);
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
    if (what == PIECES) {
        read_piece(decode, wire);
        decode->maps.current = decode->plan->layout.are_texts_marked ? -1 : map; /* which the program did not count */
        return false;
    }
    decode->maps.current = map;
    return read_record(decode, wire, (enum layout_store)what, item);
}

/* ---- Losses. */

/* Records that the program put into maps and that did not come, and pieces. One that is put into a map at this moment may come
 * later. */
static uint64_t
missing(const struct decode_maps *maps)
{
    uint64_t sum = maps->pieces_lost;
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
