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
    bool is_open[PLAN_MAX_TEXTS]; /* more is to come */
    char *bytes;                  /* PLAN_MAX_TEXTS times `limit` */
    char hex[DECODE_MAX_BYTES];   /* of the BYTES field */
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

/* One mistake damages many. */
static void
damage(struct decode *decode, const struct plan_event *event)
{
    decode->damaged++;
    if (decode->nfaults < DECODE_MAX_FAULTS)
        decode->faults[decode->nfaults++] = (struct decode_fault){decode->records + 1, event};
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

/* A blank and `len` bytes as "61 00 62", or the blank alone; writes them to `bytes`. */
static enum result
take_hex(struct cursor *cursor, size_t len, char *bytes)
{
    struct slice text;
    enum result result = take_text(cursor, len == 0 ? 0 : len * 3 - 1, &text);
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

/* How many bytes of a text with a length the program sends in all. */
static size_t
wanted(const struct decode *decode, const struct record *record, int text)
{
    int field = record->event->texts[text];
    if (record->values[field].is_redacted)
        return 0;
    return plan_field_sent(decode->plan, &record->event->probe->fields[field], record->values[field].number);
}

static void count_cstr(const struct decode *decode, struct types_value *value);

/* The slot of a record that is complete, or given up: it is handed out as the item and free after it. */
static void
hand_out(struct decode *decode, struct decode_slot *slot, struct decode_item *item)
{
    for (int i = 0; i < slot->record.event->ntexts; i++) {
        struct types_value *value = &slot->record.values[slot->record.event->texts[i]];
        value->text = (struct slice){slot->bytes + (size_t)i * decode->plan->limit, smaller(slot->got[i], PLAN_TEXT_LIMIT)};
        if (slot->record.event->has_cstrs)
            count_cstr(decode, value);
        if (slot->is_open[i] && value->number == value->text.len)
            value->number++; /* its rest was lost */
    }
    if (slot->record.event->bytes >= 0)
        slot->record.values[slot->record.event->bytes].text.ptr = slot->hex;
    item->kind = DECODE_RECORD;
    item->record = slot->record;
    decode->done = slot;
}

/* Whether more of a text is to come when its last piece, `len` bytes at `offset`, is there. */
static bool
is_open(const struct decode *decode, const struct record *record, int text, size_t offset, size_t len)
{
    if (!record->event->has_cstrs)
        return offset + len < wanted(decode, record, text);
    return len == decode->plan->chunk && offset < TYPES_CSTR_LIMIT;
}

/* The same for a record that has just come, with or without the first pieces of its texts. */
static bool
is_begun_open(const struct decode *decode, const struct record *record, int text, bool has_texts)
{
    size_t len = record->values[record->event->texts[text]].text.len;
    return (record->event->has_cstrs && !has_texts) || is_open(decode, record, text, 0, len);
}

static bool
is_complete(const struct decode_slot *slot)
{
    for (int i = 0; i < slot->record.event->ntexts; i++)
        if (slot->is_open[i])
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

/* The length of a text without one is known when all of it is there; one that goes on beyond the limit is longer. */
static void
count_cstr(const struct decode *decode, struct types_value *value)
{
    unsigned chunk = decode->plan->chunk, last = (TYPES_CSTR_LIMIT + chunk - 1) / chunk * chunk;
    value->number = value->text.len + (value->text.len >= last + chunk);
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
    slot->age = age;
    slot->record = *record;
    if (record->event->bytes >= 0)
        memcpy(slot->hex, decode->bytes, sizeof(slot->hex));
    for (int i = 0; i < record->event->ntexts; i++) {
        struct slice text = record->values[record->event->texts[i]].text;
        slot->got[i] = text.len;
        slot->is_open[i] = is_begun_open(decode, record, i, has_texts);
        if (text.len > 0)
            memcpy(slot->bytes + (size_t)i * decode->plan->limit, text.ptr, text.len);
    }
}

/* The numbers of one field. */
static enum result
take_value(struct cursor *cursor, const struct catalog_field *field, struct types_value *value)
{
    uint64_t numbers[1 + TYPES_ADDRESS_WORDS] = {0}, *number = numbers;
    enum result result = take_numbers(cursor, numbers, plan_field_numbers(field));
    *value = (struct types_value){0};
    if (field->may_be_null || field->is_optional)
        value->is_null = *number++ == 0;
    value->number = types_number(field->type, *number);
    if (field->type->wire == TYPES_TEXT && (value->number & TYPES_REDACTED) != 0) {
        value->number &= ~TYPES_REDACTED;
        value->is_redacted = true;
    }
    if (field->type->wire == TYPES_ADDRESS)
        memcpy(value->address, number, sizeof(value->address));
    return result;
}

static enum result
take_record(struct decode *decode, struct cursor *cursor, uint64_t id, struct decode_item *item)
{
    struct record *record = &item->record;
    if (id >= decode->plan->nevents)
        return DAMAGED;
    record->event = decode->event = &decode->plan->events[id];
    const struct catalog_probe *probe = record->event->probe;
    uint64_t numbers[2] = {0};
    enum result result = take_numbers(cursor, numbers, 2);
    record->nsecs = numbers[0];
    record->tid = numbers[1];
    for (int i = 0; result == DONE && i < probe->nfields; i++)
        if (record->event->is_shown[i])
            result = take_value(cursor, &probe->fields[i], &record->values[i]);
    item->kind = DECODE_RECORD;
    return result;
}

/* Where the bytes of a record's one BYTES field go: they are never in chunks. */
static enum result
take_bytes(struct decode *decode, struct cursor *cursor, struct record *record)
{
    if (record->event->bytes < 0)
        return DONE;
    struct types_value *value = &record->values[record->event->bytes];
    size_t len = plan_field_sent(decode->plan, &record->event->probe->fields[record->event->bytes], value->number);
    value->text = (struct slice){decode->bytes, len};
    return take_hex(cursor, len, decode->bytes);
}

/* A blank, a text, a blank and the nonce. Nothing that a client sends can hold the nonce. */
static enum result
take_cstr(const struct decode *decode, struct cursor *cursor, struct slice *text)
{
    enum result result = take_byte(cursor, ' ');
    if (result != DONE)
        return result;
    size_t most = decode->plan->chunk + 1 + NONCE_LEN, there = smaller((uint64_t)(cursor->end - cursor->at), most);
    const char *nonce = memmem(cursor->at, there, decode->nonce, NONCE_LEN);
    if (nonce == NULL)
        return there < most ? MORE : DAMAGED;
    if (nonce == cursor->at || nonce[-1] != ' ')
        return DAMAGED;
    *text = (struct slice){cursor->at, (size_t)(nonce - 1 - cursor->at)};
    cursor->at = nonce + NONCE_LEN;
    return DONE;
}

/* The texts of a record, which may stand in it or come later. */
static enum result
take_texts(const struct decode *decode, struct cursor *cursor, struct record *record, bool *are_here)
{
    if (cursor->at == cursor->end)
        return MORE;
    *are_here = *cursor->at == ' ';
    for (int i = 0; *are_here && i < record->event->ntexts; i++) {
        struct types_value *value = &record->values[record->event->texts[i]];
        enum result result = record->event->has_cstrs
                                 ? take_cstr(decode, cursor, &value->text)
                                 : take_text(cursor, smaller(wanted(decode, record, i), decode->plan->chunk), &value->text);
        if (result != DONE)
            return result;
        if (record->event->has_cstrs)
            count_cstr(decode, value);
    }
    return take_byte(cursor, '\n');
}

static bool
needs_more(const struct decode *decode, const struct record *record, bool has_texts)
{
    for (int i = 0; i < record->event->ntexts; i++)
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
    for (int i = 0; i < record->event->ntexts; i++) {
        record->values[record->event->texts[i]].text = (struct slice){0};
        if (record->event->has_cstrs)
            record->values[record->event->texts[i]].number = 1;
    }
    if (record->event->bytes >= 0)
        record->values[record->event->bytes].text = (struct slice){0};
}

/* Hands a record out whose rest will not come, before the frame that was just looked at: that one is still to come. */
static enum result
hand_out_first(struct decode *decode, struct cursor *cursor, struct decode_slot *slot, struct decode_item *item)
{
    damage(decode, slot->record.event);
    hand_out(decode, slot, item);
    cursor->at = NULL;
    return DONE;
}

static enum result
take_record_frame(struct decode *decode, struct cursor *cursor, uint64_t id, struct decode_item *item)
{
    enum result result = take_record(decode, cursor, id, item);
    if (result != DONE)
        return result;
    struct decode_slot *slot = slot_of(decode, item->record.tid);
    if (slot != NULL) /* a thread fires one event after the other */
        return hand_out_first(decode, cursor, slot, item);
    struct cursor after_numbers = *cursor;
    bool has_texts = false;
    result = take_bytes(decode, cursor, &item->record);
    if (result == DONE)
        result = take_texts(decode, cursor, &item->record, &has_texts);
    if (result == DAMAGED && (item->record.event->ntexts > 0 || item->record.event->bytes >= 0)) {
        give_up_texts(decode, &item->record);
        *cursor = after_numbers;
        return DONE;
    }
    if (result != DONE || !needs_more(decode, &item->record, has_texts))
        return result;
    slot = slot_to_use(decode);
    if (slot->is_used)
        return hand_out_first(decode, cursor, slot, item);
    keep(decode, slot, &item->record, has_texts);
    return SKIP;
}

/* One piece of the text `text` of the record in `slot`; it goes behind what is there. */
static enum result
take_piece(const struct decode *decode, struct cursor *cursor, bool is_hex, struct decode_slot *slot, int text)
{
    const struct record *record = &slot->record;
    size_t offset = slot->got[text];
    char *bytes = slot->bytes + (size_t)text * decode->plan->limit + offset;
    size_t len = record->event->has_cstrs ? 0 : smaller(wanted(decode, record, text) - offset, decode->plan->chunk);
    struct slice plain = {bytes, len};
    enum result result = is_hex                     ? take_hex(cursor, len, bytes)
                         : record->event->has_cstrs ? take_cstr(decode, cursor, &plain)
                                                    : take_text(cursor, len, &plain);
    if (result == DONE)
        result = take_byte(cursor, '\n');
    if (result != DONE)
        return result;
    if (!is_hex && plain.len > 0)
        memcpy(bytes, plain.ptr, plain.len);
    slot->got[text] += plain.len;
    slot->is_open[text] = is_open(decode, record, text, offset, plain.len);
    return DONE;
}

/* The pieces of a text come in order, so one belongs where the last one ended. */
static enum result
take_chunk(struct decode *decode, struct cursor *cursor, bool is_hex, struct decode_item *item)
{
    uint64_t numbers[4] = {0};
    enum result result = take_numbers(cursor, numbers, 4);
    if (result != DONE)
        return result;
    struct decode_slot *slot = slot_of(decode, numbers[1]);
    uint64_t text = numbers[2], offset = numbers[3];
    if (slot == NULL || slot->record.nsecs != numbers[0] || text >= (uint64_t)slot->record.event->ntexts ||
        !slot->is_open[text] || offset != slot->got[text])
        return DAMAGED;
    result = take_piece(decode, cursor, is_hex, slot, (int)text);
    if (result != DONE || !is_complete(slot))
        return result == DONE ? SKIP : result;
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
        size_t start = decode->start;
        decode->event = NULL;
        enum result result = take(decode, item);
        decode->records += decode->event != NULL && decode->start > start;
        if (result == DONE)
            return true;
        if (result == MORE && decode->end - decode->start == BUFFER_SIZE)
            result = DAMAGED; /* no frame is that long */
        if (result == MORE)
            return false;
        if (result == DAMAGED) {
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
    int values = plan_field_numbers(field) - (field->may_be_null || field->is_optional);
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
    if (event->bytes >= 0)
        text_printf(out, " %s", event->probe->fields[event->bytes].name);
    for (int i = 0; event->has_inline_texts && i < event->ntexts; i++)
        text_printf(out, event->has_cstrs ? " %s NONCE" : " %s", event->probe->fields[event->texts[i]].name);
}

static bool
is_half_frame(const struct decode *decode)
{
    size_t len = smaller(decode->end - decode->start, NONCE_LEN);
    return len > 0 && !decode->is_lost && memcmp(decode->buffer + decode->start, decode->nonce, len) == 0;
}

bool
decode_last(struct decode *decode, struct decode_item *item)
{
    if (decode->done != NULL)
        decode->done->is_used = false;
    decode->done = NULL;
    decode->damaged += is_half_frame(decode);
    decode->start = decode->end;
    struct decode_slot *first = NULL;
    for (int i = 0; i < SLOTS; i++)
        if (decode->slots[i].is_used && (first == NULL || decode->slots[i].age < first->age))
            first = &decode->slots[i];
    if (first == NULL)
        return false;
    damage(decode, first->record.event);
    hand_out(decode, first, item);
    return true;
}
