#include "record/decode_state.h"

/* For a text with its last byte, or for one without a length, of which two pieces may come behind the limit. */
static size_t
text_room(const struct decode *decode)
{
    const struct layout *layout = &decode->plan->layout;
    size_t text = (size_t)layout->sent + 1, cstr = TYPES_CSTR_LIMIT + (size_t)2 * layout->chunk;
    return text > cstr ? text : cstr;
}

void
decode_slots_begin(struct decode *decode, struct mem *mem)
{
    const size_t room = LAYOUT_MAX_TEXTS * text_room(decode);
    char *bytes = mem_alloc(mem, DECODE_SLOTS * room); /* in one piece, of which the kernel provides what is used */
    decode->slots = mem_alloc(mem, DECODE_SLOTS * sizeof(*decode->slots));
    for (size_t i = 0; i < DECODE_SLOTS; i++)
        decode->slots[i].bytes = bytes + i * room;
}

static char *
text_start(const struct decode *decode, const struct decode_slot *slot, int text)
{
    return slot->bytes + (size_t)text * text_room(decode);
}

char *
decode_slot_tail(const struct decode *decode, const struct decode_slot *slot, int text)
{
    return text_start(decode, slot, text) + slot->got[text];
}

/* The piece of a text behind its first `at` bytes, as it should be. */
static struct decode_part
piece_behind(const struct decode *decode, const struct record *record, int text, size_t at)
{
    const struct layout *layout = &decode->plan->layout;
    if (record->event->layout.has_cstrs)
        return (struct decode_part){at, layout_cstr_chunk(layout)};
    size_t wanted = decode_wanted(decode, record, text), len = decode_smaller(wanted - at, layout->chunk);
    if (layout->are_texts_marked && at > 0)
        return (struct decode_part){at + len - layout->chunk, layout->chunk};
    return (struct decode_part){at, len};
}

/* Whether more of a text is to come behind a part of which `len` bytes have come. */
static bool
goes_on(const struct decode *decode, const struct record *record, int text, struct decode_part part, size_t len)
{
    if (record->event->layout.has_cstrs)
        return len == part.len && part.at < decode->plan->layout.cstr_limit;
    return part.at + part.len < decode_wanted(decode, record, text);
}

/* The same behind what stands in the record. */
static bool
is_text_open(const struct decode *decode, const struct record *record, int text, bool has_texts)
{
    if (!has_texts)
        return record->event->layout.has_cstrs || decode_wanted(decode, record, text) > 0;
    size_t len = record->values[record->event->layout.texts[text]].text.len;
    return goes_on(decode, record, text, piece_behind(decode, record, text, 0), len);
}

bool
decode_is_open(const struct decode *decode, const struct record *record, bool has_texts)
{
    for (int i = 0; i < record->event->layout.ntexts; i++)
        if (is_text_open(decode, record, i, has_texts))
            return true;
    return false;
}

struct decode_slot *
decode_find_slot(struct decode *decode, uint64_t tid, uint64_t nsecs)
{
    for (int i = 0; i < DECODE_SLOTS; i++) {
        const struct record *record = &decode->slots[i].record;
        if (decode->slots[i].is_used && record->tid == tid && record->nsecs == nsecs)
            return &decode->slots[i];
    }
    return NULL;
}

/* bpftrace reads the buffers in turn, so that it is not far behind in one of them. */
struct decode_slot *
decode_find_overtaken(struct decode *decode, const struct record *record)
{
    enum { FAR_NS = 1000 * 1000 * 1000 };
    bool may_be_behind = decode->plan->bpftrace->row.per_cpu_buffers;
    struct decode_slot *oldest = NULL;
    int count = 0;
    for (int i = 0; i < DECODE_SLOTS; i++) {
        struct decode_slot *slot = &decode->slots[i];
        if (!slot->is_used || slot->record.tid != record->tid)
            continue;
        count++;
        oldest = oldest == NULL || slot->age < oldest->age ? slot : oldest;
    }
    bool is_near = count == 1 && record->nsecs - oldest->record.nsecs < FAR_NS;
    return may_be_behind && is_near ? NULL : oldest;
}

static struct decode_slot *
free_slot(struct decode *decode)
{
    for (int i = 0; i < DECODE_SLOTS; i++)
        if (!decode->slots[i].is_used)
            return &decode->slots[i];
    return NULL;
}

struct decode_slot *
decode_oldest(struct decode *decode)
{
    struct decode_slot *oldest = NULL;
    for (int i = 0; i < DECODE_SLOTS; i++) {
        struct decode_slot *slot = &decode->slots[i];
        if (slot->is_used && (oldest == NULL || slot->age < oldest->age))
            oldest = slot;
    }
    return oldest;
}

/* Copies what the next record's bytes and addresses would take the place of. */
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

static void
keep_texts(const struct decode *decode, struct decode_slot *slot, bool has_texts)
{
    const struct record *record = &slot->record;
    for (int i = 0; i < record->event->layout.ntexts; i++) {
        struct slice text = record->values[record->event->layout.texts[i]].text;
        slot->got[i] = text.len;
        slot->at[i] = has_texts ? piece_behind(decode, record, i, 0).len : 0;
        slot->is_open[i] = is_text_open(decode, record, i, has_texts);
        slot->last[i] = decode->last[i];
        if (text.len > 0)
            memcpy(text_start(decode, slot, i), text.ptr, text.len);
    }
}

struct decode_slot *
decode_keep(struct decode *decode, struct wire *wire, struct decode_item *item, bool has_texts)
{
    struct decode_slot *slot = free_slot(decode);
    if (slot == NULL) {
        decode_give_up(decode, decode_oldest(decode), item);
        decode_put_back(decode, wire);
        return NULL;
    }
    slot->age = decode->kept++;
    slot->is_used = true;
    decode->nused++;
    slot->record = item->record;
    keep_bytes(decode, slot);
    keep_texts(decode, slot, has_texts);
    return slot;
}

struct decode_part
decode_slot_next(const struct decode *decode, const struct decode_slot *slot, int text)
{
    return piece_behind(decode, &slot->record, text, slot->at[text]);
}

void
decode_slot_add(const struct decode *decode, struct decode_slot *slot, int text, struct slice bytes, struct decode_part part)
{
    size_t there = slot->at[text] - part.at;
    slot->is_open[text] = goes_on(decode, &slot->record, text, part, bytes.len);
    if (slot->got[text] == slot->at[text] && bytes.len > there) {
        memmove(decode_slot_tail(decode, slot, text), bytes.ptr + there, bytes.len - there);
        slot->got[text] += bytes.len - there;
    }
    slot->at[text] = part.at + part.len;
}

bool
decode_is_complete(const struct decode_slot *slot)
{
    for (int i = 0; i < slot->record.event->layout.ntexts; i++)
        if (slot->is_open[i])
            return false;
    return true;
}

void
decode_hand_out(struct decode *decode, struct decode_slot *slot, struct decode_item *item)
{
    const struct layout_event *layout = &slot->record.event->layout;
    for (int i = 0; i < layout->ntexts; i++) {
        struct types_value *value = &slot->record.values[layout->texts[i]];
        char *start = text_start(decode, slot, i);
        if (layout->has_cstrs)
            decode_end_cstr(decode, value, (struct slice){start, slot->got[i]}, slot->is_open[i]);
        else
            decode_end_text(decode, &slot->record, i, start, slot->got[i], &slot->last[i]);
    }
    item->kind = DECODE_RECORD;
    item->is_batched = false;
    item->record = slot->record;
    decode->done = slot;
}

void
decode_give_up(struct decode *decode, struct decode_slot *slot, struct decode_item *item)
{
    decode_damage(decode, slot->record.event);
    decode_hand_out(decode, slot, item);
}
