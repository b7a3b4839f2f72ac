#include "decode.h"

#include <string.h>

enum {
    BUFFER_SIZE = 1024 * 1024,
    SLOTS = 64, /* threads that can be in the midst of a long record at once */
    NONCE_LEN = SCRIPT_NONCE_SIZE - 1,
};

/* A record that waits for the rest of its texts. */
struct decode_slot {
    bool is_used;
    uint64_t age;
    struct record record;
    size_t got[PLAN_MAX_TEXTS];
    char *bytes; /* PLAN_MAX_TEXTS times `limit` */
};

/* What parsing a frame came to. */
enum result { DONE, SKIP, MORE, DAMAGED };

/* Reads a frame; `at` goes forward only. */
struct cursor {
    const char *at, *end;
};

void
decode_init(struct decode *decode, const struct plan *plan, const char *nonce, struct mem *mem)
{
    *decode = (struct decode){.plan = plan};
    memcpy(decode->nonce, nonce, SCRIPT_NONCE_SIZE);
    decode->buffer = mem_alloc(mem, BUFFER_SIZE);
    decode->slots = mem_alloc(mem, SLOTS * sizeof(*decode->slots));
    for (int i = 0; i < SLOTS; i++)
        decode->slots[i].bytes = mem_alloc(mem, (size_t)PLAN_MAX_TEXTS * plan->limit);
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
    return decode->buffer + decode->end;
}

void
decode_fill(struct decode *decode, size_t len)
{
    decode->end += len;
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* " 1f": a blank and 1 to 16 digits. MORE where the input ends, as more digits may follow. */
static enum result
take_number(struct cursor *cursor, uint64_t *number)
{
    if (cursor->at == cursor->end)
        return MORE;
    if (*cursor->at++ != ' ')
        return DAMAGED;
    *number = 0;
    int count = 0;
    for (; cursor->at < cursor->end && hex_digit(*cursor->at) >= 0; cursor->at++, count++)
        *number = *number << 4 | (uint64_t)hex_digit(*cursor->at);
    if (cursor->at == cursor->end && count <= 16)
        return MORE;
    return count >= 1 && count <= 16 ? DONE : DAMAGED;
}

static enum result
take_numbers(struct cursor *cursor, uint64_t *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        enum result result = take_number(cursor, &numbers[i]);
        if (result != DONE)
            return result;
    }
    return DONE;
}

static enum result
take_byte(struct cursor *cursor, char byte)
{
    if (cursor->at == cursor->end)
        return MORE;
    return *cursor->at++ == byte ? DONE : DAMAGED;
}

/* A blank and `len` bytes. */
static enum result
take_text(struct cursor *cursor, size_t len, struct slice *text)
{
    enum result result = take_byte(cursor, ' ');
    if (result != DONE)
        return result;
    if ((size_t)(cursor->end - cursor->at) < len)
        return MORE;
    *text = (struct slice){cursor->at, len};
    cursor->at += len;
    return DONE;
}

/* A blank and `len` bytes as "61 00 62"; writes them to `bytes`. */
static enum result
take_hex(struct cursor *cursor, size_t len, char *bytes)
{
    struct slice text;
    enum result result = take_text(cursor, len * 3 - 1, &text);
    if (result != DONE)
        return result;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.ptr[3 * i]), low = hex_digit(text.ptr[3 * i + 1]);
        if (high < 0 || low < 0 || (i + 1 < len && text.ptr[3 * i + 2] != ' '))
            return DAMAGED;
        bytes[i] = (char)(high << 4 | low);
    }
    return DONE;
}

static size_t
smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* How many bytes of a text the program sends in all. */
static size_t
wanted(const struct decode *decode, const struct record *record, int text)
{
    return smaller(record->values[record->event->texts[text]].number, decode->plan->limit);
}

/* The slot of a record that is complete, or given up: it is handed out as the item and free after it. */
static void
hand_out(struct decode *decode, struct decode_slot *slot, struct decode_item *item)
{
    for (int i = 0; i < slot->record.event->ntexts; i++)
        slot->record.values[slot->record.event->texts[i]].text =
            (struct slice){slot->bytes + (size_t)i * decode->plan->limit, smaller(slot->got[i], PLAN_TEXT_LIMIT)};
    item->kind = DECODE_RECORD;
    item->record = slot->record;
    decode->done = slot;
}

static bool
is_complete(const struct decode *decode, const struct decode_slot *slot)
{
    for (int i = 0; i < slot->record.event->ntexts; i++)
        if (slot->got[i] < wanted(decode, &slot->record, i))
            return false;
    return true;
}

static struct decode_slot *
slot_of(struct decode *decode, uint64_t tid)
{
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

/* Keeps a record until the rest of its texts has come. */
static void
keep(struct decode *decode, struct decode_slot *slot, const struct record *record)
{
    uint64_t age = 0;
    for (int i = 0; i < SLOTS; i++)
        if (decode->slots[i].is_used && decode->slots[i].age >= age)
            age = decode->slots[i].age + 1;
    slot->is_used = true;
    slot->age = age;
    slot->record = *record;
    for (int i = 0; i < record->event->ntexts; i++) {
        struct slice text = record->values[record->event->texts[i]].text;
        slot->got[i] = text.len;
        if (text.len > 0)
            memcpy(slot->bytes + (size_t)i * decode->plan->limit, text.ptr, text.len);
    }
}

static enum result
take_record(struct decode *decode, struct cursor *cursor, uint64_t id, struct decode_item *item)
{
    struct record *record = &item->record;
    if (id >= decode->plan->nevents)
        return DAMAGED;
    record->event = &decode->plan->events[id];
    const struct catalog_probe *probe = record->event->probe;
    uint64_t numbers[2 + CATALOG_MAX_FIELDS] = {0};
    enum result result = take_numbers(cursor, numbers, 2 + probe->nfields);
    if (result != DONE)
        return result;
    record->nsecs = numbers[0];
    record->tid = numbers[1];
    for (int i = 0; i < probe->nfields; i++)
        record->values[i] = (struct types_value){.number = types_number(probe->fields[i].type, numbers[2 + i])};
    item->kind = DECODE_RECORD;
    return DONE;
}

/* The texts of a record, which may stand in it or come later. */
static enum result
take_texts(const struct decode *decode, struct cursor *cursor, struct record *record)
{
    if (cursor->at == cursor->end)
        return MORE;
    bool are_here = *cursor->at == ' ';
    for (int i = 0; are_here && i < record->event->ntexts; i++) {
        struct types_value *value = &record->values[record->event->texts[i]];
        enum result result = take_text(cursor, smaller(value->number, decode->plan->chunk), &value->text);
        if (result != DONE)
            return result;
    }
    return take_byte(cursor, '\n');
}

static bool
needs_more(const struct decode *decode, const struct record *record)
{
    for (int i = 0; i < record->event->ntexts; i++)
        if (record->values[record->event->texts[i]].text.len < wanted(decode, record, i))
            return true;
    return false;
}

/* The texts are not what their lengths say, as when the server's memory could not be read. The numbers still hold. */
static void
give_up_texts(struct decode *decode, struct record *record)
{
    decode->damaged++;
    decode->is_lost = true;
    for (int i = 0; i < record->event->ntexts; i++)
        record->values[record->event->texts[i]].text = (struct slice){0};
}

static enum result
take_record_frame(struct decode *decode, struct cursor *cursor, uint64_t id, struct decode_item *item)
{
    enum result result = take_record(decode, cursor, id, item);
    if (result != DONE)
        return result;
    struct cursor after_numbers = *cursor;
    result = take_texts(decode, cursor, &item->record);
    if (result == DAMAGED) {
        give_up_texts(decode, &item->record);
        *cursor = after_numbers;
        return DONE;
    }
    if (result != DONE || !needs_more(decode, &item->record))
        return result;
    keep(decode, slot_to_use(decode), &item->record);
    return SKIP;
}

/* The chunks of a text come in order, so a chunk belongs where the last one ended. */
static enum result
take_chunk(struct decode *decode, struct cursor *cursor, bool is_hex, struct decode_item *item)
{
    uint64_t numbers[4];
    enum result result = take_numbers(cursor, numbers, 4);
    if (result != DONE)
        return result;
    struct decode_slot *slot = slot_of(decode, numbers[1]);
    uint64_t text = numbers[2], offset = numbers[3];
    if (slot == NULL || slot->record.nsecs != numbers[0] || text >= (uint64_t)slot->record.event->ntexts || offset != slot->got[text])
        return DAMAGED;
    size_t len = smaller(wanted(decode, &slot->record, (int)text) - slot->got[text], decode->plan->chunk);
    if (len == 0)
        return DAMAGED;
    char *bytes = slot->bytes + text * decode->plan->limit + offset;
    struct slice plain = {bytes, len};
    result = is_hex ? take_hex(cursor, len, bytes) : take_text(cursor, len, &plain);
    if (result == DONE)
        result = take_byte(cursor, '\n');
    if (result != DONE)
        return result;
    if (!is_hex)
        memcpy(bytes, plain.ptr, len);
    slot->got[text] += len;
    if (!is_complete(decode, slot))
        return SKIP;
    hand_out(decode, slot, item);
    return DONE;
}

static enum result
take_tick(struct cursor *cursor, struct decode_item *item)
{
    uint64_t numbers[2];
    enum result result = take_numbers(cursor, numbers, 2);
    if (result == DONE)
        result = take_byte(cursor, '\n');
    item->kind = DECODE_TICK;
    item->nsecs = numbers[0];
    item->number = numbers[1];
    return result;
}

/* The slot that must be handed out before a frame of this kind from this thread, or when there is no room for one more; its rest
 * was lost. NULL: none. */
static struct decode_slot *
slot_in_the_way(struct decode *decode, struct cursor cursor)
{
    uint64_t numbers[2];
    if (take_numbers(&cursor, numbers, 2) != DONE)
        return NULL;
    struct decode_slot *slot = slot_of(decode, numbers[1]);
    if (slot == NULL)
        slot = slot_to_use(decode);
    return slot->is_used ? slot : NULL;
}

/* What comes after the nonce and its blank. */
static enum result
take_frame(struct decode *decode, struct cursor *cursor, struct decode_item *item)
{
    if (cursor->at == cursor->end)
        return MORE;
    char kind = *cursor->at;
    if (kind == 'h' || kind == 's' || kind == 'x') {
        cursor->at++;
        return kind == 'h' ? take_tick(cursor, item) : take_chunk(decode, cursor, kind == 'x', item);
    }
    uint64_t id;
    cursor->at--; /* the blank before it */
    enum result result = take_number(cursor, &id);
    if (result != DONE)
        return result;
    struct decode_slot *slot = slot_in_the_way(decode, *cursor);
    if (slot != NULL) {
        decode->damaged++;
        hand_out(decode, slot, item);
        cursor->at = NULL; /* the frame itself is still to come */
        return DONE;
    }
    return take_record_frame(decode, cursor, id, item);
}

/* A line of bpftrace's own. The lone "0" is what the program prints to make bpftrace flush. */
static enum result
take_notice(struct cursor *cursor, struct decode_item *item)
{
    const char *end = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));
    if (end == NULL)
        return MORE;
    item->kind = DECODE_NOTICE;
    item->text = (struct slice){cursor->at, (size_t)(end - cursor->at)};
    cursor->at = end + 1;
    if (item->text.len == 0 || text_is(item->text, "0"))
        return SKIP;
    struct slice rest = item->text, word[3];
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_word(&rest, &word[2]) && text_is(word[0], "Lost") &&
        text_is(word[2], "events") && text_number(word[1], UINT64_MAX, &item->number))
        item->kind = DECODE_LOST;
    return DONE;
}

/* Goes to the next line that begins with the nonce. */
static enum result
find_frame(struct decode *decode)
{
    const char *at = decode->buffer + decode->start, *end = decode->buffer + decode->end;
    for (; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || end - at <= NONCE_LEN + 1)
            break;
        if (memcmp(at + 1, decode->nonce, NONCE_LEN) == 0) {
            decode->start = (size_t)(at + 1 - decode->buffer);
            decode->is_lost = false;
            return SKIP;
        }
    }
    decode->start = at != NULL ? (size_t)(at - decode->buffer) : decode->end;
    return MORE;
}

/* DONE: `item` is set. SKIP: something was consumed. */
static enum result
take(struct decode *decode, struct decode_item *item)
{
    if (decode->is_lost)
        return find_frame(decode);
    struct cursor cursor = {decode->buffer + decode->start, decode->buffer + decode->end};
    size_t len = smaller((uint64_t)(cursor.end - cursor.at), NONCE_LEN);
    bool is_frame = memcmp(cursor.at, decode->nonce, len) == 0;
    if (is_frame && len < NONCE_LEN)
        return MORE;
    enum result result;
    if (is_frame) {
        cursor.at += NONCE_LEN;
        result = take_byte(&cursor, ' ');
        result = result == DONE ? take_frame(decode, &cursor, item) : result;
    } else {
        result = take_notice(&cursor, item);
    }
    if ((result == DONE || result == SKIP) && cursor.at != NULL)
        decode->start = (size_t)(cursor.at - decode->buffer);
    return result;
}

bool
decode_next(struct decode *decode, struct decode_item *item)
{
    if (decode->done != NULL)
        decode->done->is_used = false;
    decode->done = NULL;
    while (decode->start < decode->end) {
        enum result result = take(decode, item);
        if (result == DONE)
            return true;
        if (result == MORE && decode->end - decode->start == BUFFER_SIZE)
            result = DAMAGED; /* no frame is that long */
        if (result == MORE)
            return false;
        if (result == DAMAGED) {
            decode->damaged++;
            decode->is_lost = true;
            decode->start++;
        }
    }
    return false;
}

bool
decode_last(struct decode *decode, struct decode_item *item)
{
    if (decode->done != NULL)
        decode->done->is_used = false;
    decode->done = NULL;
    decode->damaged += decode->start < decode->end; /* half a frame */
    decode->start = decode->end;
    struct decode_slot *first = NULL;
    for (int i = 0; i < SLOTS; i++)
        if (decode->slots[i].is_used && (first == NULL || decode->slots[i].age < first->age))
            first = &decode->slots[i];
    if (first == NULL)
        return false;
    decode->damaged++;
    hand_out(decode, first, item);
    return true;
}
