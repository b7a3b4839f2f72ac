#include "record/decode.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_SIZE = 1024 * 1024,
    SLOTS = 64, /* threads that can be in the midst of a long record at once */
    NONCE_LEN = WIRE_NONCE_SIZE - 1,
};

/* A piece of a text that waits for its record. */
struct decode_piece {
    uint64_t nsecs, place; /* the map's key */
    char *bytes;
};

/* A record that waits for the rest of its texts. */
struct decode_slot {
    bool is_used;
    uint64_t age;
    struct record record;
    size_t got[LAYOUT_MAX_TEXTS];
    bool is_open[LAYOUT_MAX_TEXTS]; /* more is to come */
    char *bytes;                    /* LAYOUT_MAX_TEXTS times `limit` */
    char hex[DECODE_MAX_BYTES];     /* of the BYTES field */
    uint64_t addresses[CATALOG_MAX_FIELDS][TYPES_ADDRESS_WORDS];
};

void
decode_init(struct decode *decode, const struct plan *plan, const char *nonce, struct mem *mem)
{
    *decode = (struct decode){.plan = plan, .map = -1};
    memcpy(decode->nonce, nonce, WIRE_NONCE_SIZE);
    decode->buffer = mem_alloc(mem, BUFFER_SIZE + 1);
    decode->slots = mem_alloc(mem, SLOTS * sizeof(*decode->slots));
    if (plan->layout.nstored[LAYOUT_TEXTS] > 0) {
        decode->pieces = mem_alloc(mem, plan->layout.pieces * sizeof(*decode->pieces));
        decode->piece_bytes = mem_alloc(mem, plan->layout.pieces * plan->layout.chunk);
    }
    decode->are_pieces_sorted = true;
    const size_t room = (size_t)LAYOUT_MAX_TEXTS * plan->layout.limit;
    char *bytes = mem_alloc(mem, SLOTS * room); /* in one piece, of which the kernel provides what is used */
    for (size_t i = 0; i < SLOTS; i++)
        decode->slots[i].bytes = bytes + i * room;
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

/* One mistake damages many. */
static void
damage(struct decode *decode, const struct plan_event *event)
{
    decode->damaged++;
    if (decode->nfaults < DECODE_MAX_FAULTS)
        decode->faults[decode->nfaults++] = (struct decode_fault){decode->records + 1, event};
}

static size_t
smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* How many bytes of a text with a length the program sends in all. */
static size_t
wanted(const struct decode *decode, const struct record *record, int text)
{
    int field = record->event->layout.texts[text];
    if (record->values[field].is_redacted)
        return 0;
    return layout_sent(&decode->plan->layout, &record->event->probe->fields[field], record->values[field].number);
}

static void count_cstr(const struct decode *decode, struct types_value *value);

/* The slot of a record that is complete, or given up: it is handed out as the item and free after it. */
static void
hand_out(struct decode *decode, struct decode_slot *slot, struct decode_item *item)
{
    for (int i = 0; i < slot->record.event->layout.ntexts; i++) {
        struct types_value *value = &slot->record.values[slot->record.event->layout.texts[i]];
        value->text =
            (struct slice){slot->bytes + (size_t)i * decode->plan->layout.limit, smaller(slot->got[i], LAYOUT_TEXT_LIMIT)};
        if (slot->record.event->layout.has_cstrs)
            count_cstr(decode, value);
        if (slot->is_open[i] && value->number == value->text.len)
            value->number++; /* its rest was lost */
    }
    item->kind = DECODE_RECORD;
    item->is_batched = false;
    item->record = slot->record;
    decode->done = slot;
}

/* Whether more of a text is to come when its last piece, `len` bytes at `offset`, is there. */
static bool
is_open(const struct decode *decode, const struct record *record, int text, size_t offset, size_t len)
{
    if (!record->event->layout.has_cstrs)
        return offset + len < wanted(decode, record, text);
    return len == decode->plan->layout.chunk && offset < TYPES_CSTR_LIMIT;
}

/* The same for a record that has just come, with or without the first pieces of its texts. */
static bool
is_begun_open(const struct decode *decode, const struct record *record, int text, bool has_texts)
{
    size_t len = record->values[record->event->layout.texts[text]].text.len;
    return (record->event->layout.has_cstrs && !has_texts) || is_open(decode, record, text, 0, len);
}

static bool
is_complete(const struct decode_slot *slot)
{
    for (int i = 0; i < slot->record.event->layout.ntexts; i++)
        if (slot->is_open[i])
            return false;
    return true;
}

static struct decode_slot *
slot_of(struct decode *decode, uint64_t tid)
{
    if (decode->nused == 0)
        return NULL;
    for (int i = 0; i < SLOTS; i++)
        if (decode->slots[i].is_used && decode->slots[i].record.tid == tid)
            return &decode->slots[i];
    return NULL;
}

/* A free slot, or the one that was taken first. */
static struct decode_slot *
slot_to_use(struct decode *decode)
{
    struct decode_slot *oldest = &decode->slots[0];
    for (int i = 0; i < SLOTS; i++) {
        struct decode_slot *slot = &decode->slots[i];
        if (!slot->is_used)
            return slot;
        if (slot->age < oldest->age)
            oldest = slot;
    }
    return oldest;
}

/* The length of a text without one is known when all of it is there; one that goes on beyond the limit is longer. */
static void
count_cstr(const struct decode *decode, struct types_value *value)
{
    unsigned chunk = decode->plan->layout.chunk, last = (TYPES_CSTR_LIMIT + chunk - 1) / chunk * chunk;
    value->number = value->text.len + (value->text.len >= last + chunk);
}

/* What the next record's bytes and addresses would take the place of. */
static void
keep_bytes(const struct decode *decode, struct decode_slot *slot)
{
    const struct plan_event *event = slot->record.event;
    memcpy(slot->hex, decode->bytes, sizeof(slot->hex));
    memcpy(slot->addresses, decode->addresses, sizeof(slot->addresses));
    if (event->layout.bytes >= 0)
        slot->record.values[event->layout.bytes].text.ptr = slot->hex;
    for (int i = 0; i < event->nshown; i++)
        if (event->shown[i].wire == TYPES_ADDRESS)
            slot->record.values[event->shown[i].index].text.ptr = (const char *)slot->addresses[event->shown[i].index];
}

/* Keeps a record until the rest of its texts has come. */
static void
keep(struct decode *decode, struct decode_slot *slot, const struct record *record, bool has_texts)
{
    uint64_t age = 0;
    for (int i = 0; i < SLOTS; i++)
        if (decode->slots[i].is_used && decode->slots[i].age >= age)
            age = decode->slots[i].age + 1;
    slot->is_used = true;
    decode->nused++;
    slot->age = age;
    slot->record = *record;
    keep_bytes(decode, slot);
    for (int i = 0; i < record->event->layout.ntexts; i++) {
        struct slice text = record->values[record->event->layout.texts[i]].text;
        slot->got[i] = text.len;
        slot->is_open[i] = is_begun_open(decode, record, i, has_texts);
        if (text.len > 0)
            memcpy(slot->bytes + (size_t)i * decode->plan->layout.limit, text.ptr, text.len);
    }
}

/* The words of a socket address, which stay valid as long as the record. */
static enum wire_result
take_address(struct decode *decode, struct wire *wire, int field, struct slice *text)
{
    uint64_t *words = decode->addresses[field];
    *text = (struct slice){(const char *)words, sizeof(decode->addresses[field])};
    return wire_numbers(wire, words, TYPES_ADDRESS_WORDS);
}

/* The numbers of one field. */
static enum wire_result
take_value(struct decode *decode, struct wire *wire, struct record *record, const struct plan_field *field)
{
    struct types_value *value = &record->values[field->index];
    enum wire_result result = WIRE_DONE;
    uint64_t number = 0;
    value->text = (struct slice){0};
    value->is_null = value->is_redacted = false;
    if (field->has_pointer) {
        result = wire_number(wire, &number);
        value->is_null = number == 0;
    }
    if (result == WIRE_DONE && field->wire == TYPES_ADDRESS)
        return take_address(decode, wire, field->index, &value->text);
    if (result == WIRE_DONE && field->wire != TYPES_CSTR)
        result = wire_number(wire, &number);
    if (field->wire == TYPES_TEXT && (number & TYPES_REDACTED) != 0) {
        number &= ~TYPES_REDACTED;
        value->is_redacted = true;
    }
    value->number = field->wire == TYPES_CSTR ? 0 : types_number(field->type, number);
    return result;
}

/* The numbers of a record. Of those that a map keeps all have as many. */
static enum wire_result
take_values(struct decode *decode, struct wire *wire, struct record *record)
{
    const struct plan_event *event = record->event;
    enum wire_result result = WIRE_DONE;
    for (int i = 0; result == WIRE_DONE && i < event->nshown; i++)
        result = take_value(decode, wire, record, &event->shown[i]);
    uint64_t unused;
    int width = wire->is_map ? decode->plan->layout.widths[event->layout.store] : 0;
    for (int i = event->layout.numbers; result == WIRE_DONE && i < width; i++)
        result = wire_number(wire, &unused);
    return result;
}

/* Where the bytes of a record's one BYTES field go: they are never in chunks. */
static enum wire_result
take_bytes(struct decode *decode, struct wire *wire, struct record *record)
{
    if (record->event->layout.bytes < 0)
        return WIRE_DONE;
    struct types_value *value = &record->values[record->event->layout.bytes];
    size_t len = layout_sent(&decode->plan->layout, &record->event->probe->fields[record->event->layout.bytes], value->number);
    value->text = (struct slice){decode->bytes, len};
    return wire_hex(wire, len, decode->bytes);
}

/* A text and the nonce behind it. Nothing that a client sends can hold the nonce. */
static enum wire_result
take_cstr(const struct decode *decode, struct wire *wire, struct slice *text)
{
    return wire_text_until(wire, (struct slice){decode->nonce, NONCE_LEN}, decode->plan->layout.chunk, text);
}

/* The first piece of a text. */
static enum wire_result
take_begin(const struct decode *decode, struct wire *wire, struct record *record, int text)
{
    struct types_value *value = &record->values[record->event->layout.texts[text]];
    if (!record->event->layout.has_cstrs)
        return wire_text(wire, smaller(wanted(decode, record, text), decode->plan->layout.chunk), &value->text);
    enum wire_result result = take_cstr(decode, wire, &value->text);
    if (result == WIRE_DONE)
        count_cstr(decode, value);
    return result;
}

/* What stands in a map's record behind its texts, of which there is one at least. */
static enum wire_result
take_second(struct wire *wire, const struct plan_event *event)
{
    struct slice none;
    bool is_there = event->layout.has_cstrs || event->layout.ntexts > 1; /* the mark behind a C string is the second text */
    return is_there ? WIRE_DONE : wire_text(wire, 0, &none);
}

/* The texts of a record, which may stand in it or come later. */
static enum wire_result
take_texts(const struct decode *decode, struct wire *wire, struct record *record, bool *are_here)
{
    const struct plan_event *event = record->event;
    enum wire_result result = WIRE_DONE;
    if (wire->at == wire->end)
        return WIRE_MORE;
    *are_here = event->layout.ntexts > 0 && *wire->at != '\n';
    for (int i = 0; result == WIRE_DONE && *are_here && i < event->layout.ntexts; i++)
        result = take_begin(decode, wire, record, i);
    if (result == WIRE_DONE && wire->is_map && *are_here)
        result = take_second(wire, event);
    return result == WIRE_DONE ? wire_literal(wire, wire->is_map ? ")\n" : "\n") : result;
}

static bool
needs_more(const struct decode *decode, const struct record *record, bool has_texts)
{
    for (int i = 0; i < record->event->layout.ntexts; i++)
        if (is_begun_open(decode, record, i, has_texts))
            return true;
    return false;
}

/* The texts are not what their lengths say, as when the server's memory could not be read. The numbers still hold. */
static void
give_up_texts(struct decode *decode, struct record *record)
{
    damage(decode, record->event);
    decode->is_lost = true;
    for (int i = 0; i < record->event->layout.ntexts; i++) {
        record->values[record->event->layout.texts[i]].text = (struct slice){0};
        if (record->event->layout.has_cstrs)
            record->values[record->event->layout.texts[i]].number = 1;
    }
    if (record->event->layout.bytes >= 0)
        record->values[record->event->layout.bytes].text = (struct slice){0};
}

/* Hands a record out whose rest will not come, before the frame that was just looked at: that one is still to come. */
static enum wire_result
hand_out_first(struct decode *decode, struct wire *wire, struct decode_slot *slot, struct decode_item *item)
{
    damage(decode, slot->record.event);
    hand_out(decode, slot, item);
    wire->at = NULL;
    return WIRE_DONE;
}

static int
compare_pieces(const void *a, const void *b)
{
    const struct decode_piece *left = a, *right = b;
    if (left->nsecs != right->nsecs)
        return left->nsecs < right->nsecs ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

/* The piece of a record's text that is next; NULL: it did not come. */
static const struct decode_piece *
find_piece(struct decode *decode, const struct decode_slot *slot, int text, size_t len)
{
    uint64_t place = ((uint64_t)text * 16384 + slot->got[text]) * 256 + len;
    const struct decode_piece wanted = {slot->record.nsecs, place << 32 | slot->record.tid, NULL};
    if (!decode->are_pieces_sorted)
        qsort(decode->pieces, decode->npieces, sizeof(wanted), compare_pieces);
    decode->are_pieces_sorted = true;
    return decode->npieces > 0 ? bsearch(&wanted, decode->pieces, decode->npieces, sizeof(wanted), compare_pieces) : NULL;
}

/* The record in `slot` with the pieces of its texts, which came before it. */
static enum wire_result
join(struct decode *decode, struct decode_slot *slot, struct decode_item *item)
{
    const struct record *record = &slot->record;
    for (int i = 0; i < record->event->layout.ntexts; i++) {
        while (slot->is_open[i]) {
            size_t len = smaller(wanted(decode, record, i) - slot->got[i], decode->plan->layout.chunk);
            const struct decode_piece *piece = find_piece(decode, slot, i, len);
            if (piece == NULL)
                break;
            memcpy(slot->bytes + (size_t)i * decode->plan->layout.limit + slot->got[i], piece->bytes, len);
            slot->is_open[i] = is_open(decode, record, i, slot->got[i], len);
            slot->got[i] += len;
        }
    }
    hand_out(decode, slot, item);
    item->is_batched = true;
    return WIRE_DONE;
}

static enum wire_result
take_id(struct decode *decode, struct wire *wire)
{
    uint64_t id;
    enum wire_result result = wire_digits(wire, &id);
    if (result != WIRE_DONE || id >= decode->plan->nevents)
        return result == WIRE_DONE ? WIRE_DAMAGED : result;
    decode->event = &decode->plan->events[id];
    return WIRE_DONE;
}

/* A record of decode->event, from its values on. */
static enum wire_result
take_record(struct decode *decode, struct wire *wire, uint64_t nsecs, uint64_t tid, struct decode_item *item)
{
    struct record *record = &item->record;
    item->kind = DECODE_RECORD;
    item->is_batched = wire->is_map;
    record->event = decode->event;
    record->nsecs = nsecs;
    record->tid = tid;
    enum wire_result result = take_values(decode, wire, record);
    if (result != WIRE_DONE)
        return result;
    struct decode_slot *slot = wire->is_map ? NULL : slot_of(decode, record->tid); /* batches come in between */
    if (slot != NULL) /* a thread fires one event after the other */
        return hand_out_first(decode, wire, slot, item);
    struct wire after_numbers = *wire;
    bool has_texts = false;
    result = take_bytes(decode, wire, record);
    if (result == WIRE_DONE)
        result = take_texts(decode, wire, record, &has_texts);
    if (result == WIRE_DAMAGED && (record->event->layout.ntexts > 0 || record->event->layout.bytes >= 0)) {
        give_up_texts(decode, record);
        *wire = after_numbers;
        return WIRE_DONE;
    }
    if (result != WIRE_DONE || !needs_more(decode, record, has_texts))
        return result;
    slot = slot_to_use(decode);
    if (slot->is_used)
        return hand_out_first(decode, wire, slot, item);
    keep(decode, slot, record, has_texts);
    return wire->is_map ? join(decode, slot, item) : WIRE_SKIP;
}

static enum wire_result
take_record_frame(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    uint64_t numbers[2] = {0};
    enum wire_result result = take_id(decode, wire);
    if (result == WIRE_DONE)
        result = wire_numbers(wire, numbers, 2);
    return result == WIRE_DONE ? take_record(decode, wire, numbers[0], numbers[1], item) : result;
}

/* Words of 8 bytes each, the lowest first, of which the last one may hold less: at most `len` bytes. Their number becomes
 * `len`. */
static enum wire_result
take_words(struct wire *wire, size_t *len, char *bytes)
{
    size_t got = 0;
    do {
        uint64_t word;
        enum wire_result result = wire_number(wire, &word);
        if (result != WIRE_DONE)
            return result;
        for (int i = 0; i < 8 && got < *len; i++)
            bytes[got++] = (char)(word >> 8 * i);
    } while (got < *len && *wire->at == ' ');
    *len = got;
    return WIRE_DONE;
}

/* One piece of the text `text` of the record in `slot`; it goes behind what is there. */
static enum wire_result
take_piece(const struct decode *decode, struct wire *wire, bool has_words, struct decode_slot *slot, int text)
{
    const struct record *record = &slot->record;
    size_t offset = slot->got[text];
    char *bytes = slot->bytes + (size_t)text * decode->plan->layout.limit + offset;
    size_t left = record->event->layout.has_cstrs ? 0 : wanted(decode, record, text) - offset;
    struct slice plain = {bytes, left};
    enum wire_result result = has_words ? take_words(wire, &plain.len, bytes)
                              : record->event->layout.has_cstrs
                                  ? take_cstr(decode, wire, &plain)
                                  : wire_text(wire, smaller(left, decode->plan->layout.chunk), &plain);
    if (result == WIRE_DONE)
        result = wire_literal(wire, "\n");
    if (result != WIRE_DONE)
        return result;
    if (!has_words && plain.len > 0)
        memcpy(bytes, plain.ptr, plain.len);
    slot->got[text] += plain.len;
    slot->is_open[text] = is_open(decode, record, text, offset, plain.len);
    return WIRE_DONE;
}

/* The pieces of a text come in order, so one belongs where the last one ended. */
static enum wire_result
take_chunk(struct decode *decode, struct wire *wire, bool has_words, struct decode_item *item)
{
    uint64_t numbers[4] = {0};
    enum wire_result result = wire_numbers(wire, numbers, 4);
    if (result != WIRE_DONE)
        return result;
    struct decode_slot *slot = slot_of(decode, numbers[1]);
    uint64_t text = numbers[2], offset = numbers[3];
    if (slot == NULL || slot->record.nsecs != numbers[0] || text >= (uint64_t)slot->record.event->layout.ntexts ||
        !slot->is_open[text] || offset != slot->got[text])
        return WIRE_DAMAGED;
    result = take_piece(decode, wire, has_words, slot, (int)text);
    if (result != WIRE_DONE || !is_complete(slot))
        return result == WIRE_DONE ? WIRE_SKIP : result;
    hand_out(decode, slot, item);
    return WIRE_DONE;
}

/* "[NSECS, NUMBER]: " */
static enum wire_result
take_key(struct wire *wire, uint64_t *nsecs, uint64_t *number)
{
    enum wire_result result = wire_literal(wire, "[");
    if (result == WIRE_DONE)
        result = wire_digits(wire, nsecs);
    if (result == WIRE_DONE)
        result = wire_number(wire, number);
    return result == WIRE_DONE ? wire_literal(wire, "]: ") : result;
}

/* A piece of a text, which is kept until its record comes. */
static enum wire_result
take_map_piece(struct decode *decode, struct wire *wire)
{
    struct decode_piece piece = {0};
    struct slice text;
    enum wire_result result = take_key(wire, &piece.nsecs, &piece.place);
    size_t len = piece.place >> 32 & 255;
    if (result == WIRE_DONE &&
        (len > decode->plan->layout.chunk || decode->npieces == decode->plan->layout.pieces || decode->pieces == NULL))
        return WIRE_DAMAGED;
    if (result == WIRE_DONE)
        result = wire_bytes(wire, len, &text);
    if (result == WIRE_DONE)
        result = wire_literal(wire, "\n");
    if (result != WIRE_DONE)
        return result;
    piece.bytes = decode->piece_bytes + decode->npieces * decode->plan->layout.chunk;
    memcpy(piece.bytes, text.ptr, len);
    if (decode->npieces > 0 && compare_pieces(&decode->pieces[decode->npieces - 1], &piece) > 0)
        decode->are_pieces_sorted = false;
    decode->pieces[decode->npieces++] = piece;
    return WIRE_SKIP;
}

static enum wire_result
take_map_record(struct decode *decode, struct wire *wire, enum layout_store store, struct decode_item *item)
{
    uint64_t nsecs, tid;
    enum wire_result result = take_key(wire, &nsecs, &tid);
    if (result == WIRE_DONE)
        result = wire_literal(wire, "(");
    if (result == WIRE_DONE)
        result = take_id(decode, wire);
    if (result == WIRE_DONE && decode->event->layout.store != store)
        return WIRE_DAMAGED;
    return result == WIRE_DONE ? take_record(decode, wire, nsecs, tid, item) : result;
}

static enum wire_result
skip_line(struct wire *wire)
{
    const char *end = memchr(wire->at, '\n', (size_t)(wire->end - wire->at));
    wire->at = end != NULL ? end + 1 : wire->end;
    return end != NULL ? WIRE_SKIP : WIRE_MORE;
}

static enum wire_result
take_count(struct decode *decode, struct wire *wire, int map)
{
    uint64_t count;
    enum wire_result result = wire_literal(wire, ": ");
    if (result == WIRE_DONE)
        result = wire_digits(wire, &count);
    if (result == WIRE_DONE)
        result = wire_literal(wire, "\n");
    if (result != WIRE_DONE)
        return result;
    decode->maps[map].put = count;
    return WIRE_SKIP;
}

/* What comes after a map's name: an entry, or, of the program's own variables, what bpftrace prints when it ends. */
static enum wire_result
take_map_frame(struct decode *decode, struct wire *wire, char kind, int map, struct decode_item *item)
{
    if (kind == 'c' && map >= 0 && map < LAYOUT_MAPS)
        return take_count(decode, wire, map);
    static const char letters[] = LAYOUT_STORE_LETTERS "p";
    const char *letter = strchr(letters, kind);
    if (letter == NULL || map < 0 || map >= LAYOUT_MAPS)
        return skip_line(wire);
    decode->map = map;
    enum layout_store store = (enum layout_store)(letter - letters);
    return store == LAYOUT_STORES ? take_map_piece(decode, wire) : take_map_record(decode, wire, store, item);
}

/* Records that the program put into maps and that did not come. One that is put into a map at this moment may come later. */
static uint64_t
missing(const struct decode *decode)
{
    uint64_t sum = 0;
    for (int i = 0; i < LAYOUT_MAPS; i++)
        if (decode->maps[i].put > decode->maps[i].got)
            sum += decode->maps[i].put - decode->maps[i].got;
    return sum;
}

/* Losses that nobody was told of yet. */
static bool
tell_lost(struct decode *decode, struct decode_item *item)
{
    uint64_t lost = missing(decode);
    if (lost <= decode->lost)
        return false;
    item->kind = DECODE_LOST;
    item->number = lost - decode->lost;
    decode->lost = lost;
    return true;
}

/* A batch's losses are told of before its end, which is looked at again. */
static enum wire_result
take_batch(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    enum wire_result result = wire_number(wire, &item->nsecs);
    if (result == WIRE_DONE)
        result = wire_literal(wire, "\n");
    if (result == WIRE_DONE && tell_lost(decode, item))
        wire->at = NULL;
    else
        item->kind = DECODE_BATCH, item->number = 0;
    decode->npieces = 0;
    decode->are_pieces_sorted = true;
    return result;
}

static enum wire_result
take_tick(struct wire *wire, struct decode_item *item)
{
    uint64_t numbers[2];
    enum wire_result result = wire_numbers(wire, numbers, 2);
    if (result == WIRE_DONE)
        result = wire_literal(wire, "\n");
    item->kind = DECODE_TICK;
    item->nsecs = numbers[0];
    item->number = numbers[1];
    return result;
}

/* What comes after the nonce and its blank. */
static enum wire_result
take_frame(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    if (wire->at == wire->end)
        return WIRE_MORE;
    char kind = *wire->at;
    if (strchr("hmsx", kind) == NULL)
        return take_record_frame(decode, wire, item);
    wire->at++;
    return kind == 'h'   ? take_tick(wire, item)
           : kind == 'm' ? take_batch(decode, wire, item)
                         : take_chunk(decode, wire, kind == 'x', item);
}

/* A line of bpftrace's own. The lone "0" is what the program prints to make bpftrace flush. */
static enum wire_result
take_notice(struct wire *wire, struct decode_item *item)
{
    const char *end = memchr(wire->at, '\n', (size_t)(wire->end - wire->at));
    if (end == NULL)
        return WIRE_MORE;
    item->kind = DECODE_NOTICE;
    item->text = (struct slice){wire->at, (size_t)(end - wire->at)};
    wire->at = end + 1;
    if (item->text.len == 0 || text_is(item->text, "0"))
        return WIRE_SKIP;
    struct slice rest = item->text, word[3];
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_word(&rest, &word[2]) && text_is(word[0], "Lost") &&
        text_is(word[2], "events") && text_number(word[1], UINT64_MAX, &item->number))
        item->kind = DECODE_LOST;
    return WIRE_DONE;
}

enum frame { NO_FRAME, HALF_FRAME, PRINTED_FRAME, MAP_FRAME };

enum { MAP_NAME = 3 }; /* bytes of a map's name before the nonce */

/* What begins here. */
static enum frame
look(const struct decode *decode, const char *at, const char *end)
{
    bool is_map = *at == '@';
    size_t there = (size_t)(end - at), before = is_map ? MAP_NAME : 0;
    if (there >= before + NONCE_LEN)
        return memcmp(at + before, decode->nonce, NONCE_LEN) != 0 ? NO_FRAME : is_map ? MAP_FRAME : PRINTED_FRAME;
    return there <= before || memcmp(at + before, decode->nonce, there - before) == 0 ? HALF_FRAME : NO_FRAME;
}

/* Goes to the next line that begins with the nonce, or with a map's name. */
static enum wire_result
find_frame(struct decode *decode)
{
    const char *at = decode->buffer + decode->start, *end = decode->buffer + decode->end;
    for (; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || at + 1 == end)
            break;
        enum frame frame = look(decode, at + 1, end);
        if (frame == HALF_FRAME)
            break;
        if (frame != NO_FRAME) {
            decode->start = (size_t)(at + 1 - decode->buffer);
            decode->is_lost = false;
            return WIRE_SKIP;
        }
    }
    decode->start = at != NULL ? (size_t)(at - decode->buffer) : decode->end;
    return WIRE_MORE;
}

static enum wire_result
take_at(struct decode *decode, struct wire *wire, enum frame frame, struct decode_item *item)
{
    const char *name = wire->at;
    if (frame == NO_FRAME)
        return take_notice(wire, item);
    wire->is_map = frame == MAP_FRAME;
    wire->at += NONCE_LEN + (wire->is_map ? MAP_NAME : 0);
    if (wire->is_map)
        return take_map_frame(decode, wire, name[1], name[2] - '0', item);
    enum wire_result result = wire_literal(wire, " ");
    return result == WIRE_DONE ? take_frame(decode, wire, item) : result;
}

/* WIRE_DONE: `item` is set. WIRE_SKIP: something was consumed. */
static enum wire_result
take(struct decode *decode, struct decode_item *item)
{
    if (decode->is_lost)
        return find_frame(decode);
    struct wire wire = {decode->buffer + decode->start, decode->buffer + decode->end, false};
    enum frame frame = look(decode, wire.at, wire.end);
    if (frame == HALF_FRAME)
        return WIRE_MORE;
    enum wire_result result = take_at(decode, &wire, frame, item);
    if ((result == WIRE_DONE || result == WIRE_SKIP) && wire.at != NULL)
        decode->start = (size_t)(wire.at - decode->buffer);
    return result;
}

/* The slot that was handed out with the last item is free again. */
static void
release(struct decode *decode)
{
    if (decode->done == NULL)
        return;
    decode->done->is_used = false;
    decode->nused--;
    decode->done = NULL;
}

bool
decode_next(struct decode *decode, struct decode_item *item)
{
    release(decode);
    while (decode->start < decode->end) {
        size_t start = decode->start;
        decode->event = NULL;
        decode->map = -1;
        enum wire_result result = take(decode, item);
        decode->records += decode->event != NULL && decode->start > start;
        if (decode->map >= 0 && (decode->start > start || result == WIRE_DAMAGED))
            decode->maps[decode->map].got++;
        if (result == WIRE_DONE)
            return true;
        if (result == WIRE_MORE && decode->end - decode->start == BUFFER_SIZE)
            result = WIRE_DAMAGED; /* no frame is that long */
        if (result == WIRE_MORE)
            return false;
        if (result == WIRE_DAMAGED) {
            damage(decode, decode->event);
            decode->records++;
            decode->is_lost = true;
            decode->start++;
        }
    }
    return false;
}

static void
explain_field(struct outbuf *out, const struct catalog_field *field)
{
    if (field->may_be_null || field->is_optional)
        text_printf(out, " pointer(%s)", field->name);
    int values = layout_numbers(field) - (field->may_be_null || field->is_optional);
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
        text_printf(out, event->layout.has_cstrs ? " %s NONCE" : " %s", event->probe->fields[event->layout.texts[i]].name);
}

static bool
is_half_frame(const struct decode *decode)
{
    return decode->start < decode->end && !decode->is_lost &&
           look(decode, decode->buffer + decode->start, decode->buffer + decode->end) != NO_FRAME;
}

bool
decode_last(struct decode *decode, struct decode_item *item)
{
    release(decode);
    decode->damaged += is_half_frame(decode);
    decode->start = decode->end;
    struct decode_slot *first = NULL;
    for (int i = 0; i < SLOTS; i++)
        if (decode->slots[i].is_used && (first == NULL || decode->slots[i].age < first->age))
            first = &decode->slots[i];
    if (first == NULL)
        return tell_lost(decode, item);
    damage(decode, first->record.event);
    hand_out(decode, first, item);
    return true;
}
