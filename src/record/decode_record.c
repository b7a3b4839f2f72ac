#include "record/decode_state.h"

/* The words of a socket address, which stay valid as long as the record. */
static void
read_address(struct decode *decode, struct wire *wire, int field, struct slice *text)
{
    uint64_t *words = decode->addresses[field];
    for (int i = 0; i < TYPES_ADDRESS_WORDS; i++)
        words[i] = wire_number(wire);
    *text = (struct slice){(const char *)words, sizeof(decode->addresses[field])};
}

static void
read_value(struct decode *decode, struct wire *wire, struct record *record, const struct plan_field *field)
{
    struct types_value *value = &record->values[field->index];
    uint64_t number = 0;
    value->text = (struct slice){0};
    value->is_null = value->is_redacted = false;
    if (field->has_pointer) {
        number = wire_number(wire);
        value->is_null = number == 0;
    }
    if (field->wire == TYPES_ADDRESS) {
        read_address(decode, wire, field->index, &value->text);
        return;
    }
    if (field->wire != TYPES_CSTR)
        number = wire_number(wire);
    if (field->wire == TYPES_TEXT && (number & TYPES_REDACTED) != 0) {
        number &= ~TYPES_REDACTED;
        value->is_redacted = true;
    }
    if (field->wire == TYPES_TEXT && decode->plan->layout.are_texts_marked) {
        decode->last[field->text] = (char)(number >> LAYOUT_LAST_BYTE);
        number &= ((uint64_t)1 << LAYOUT_LAST_BYTE) - 1;
    }
    value->number = field->wire == TYPES_CSTR ? 0 : types_number(field->type, number);
}

/* A number that the server has not set yet is 0, as another one's may be. */
static void
remove_unknown(const struct plan_event *event, struct record *record)
{
    for (int i = 0; i < event->nshown; i++) {
        const struct plan_field *field = &event->shown[i];
        if (field->known_by >= 0 && record->values[field->known_by].number == 0)
            record->values[field->index].is_null = true;
    }
}

/* All records of a map have as many numbers. */
void
decode_read_numbers(struct decode *decode, struct wire *wire, struct decode_item *item)
{
    const struct plan_event *event = decode->event;
    struct record *record = &item->record;
    item->kind = DECODE_RECORD;
    item->is_batched = wire->is_map;
    record->event = event;
    for (int i = 0; i < event->nshown; i++)
        read_value(decode, wire, record, &event->shown[i]);
    if (event->has_known_by)
        remove_unknown(event, record);
    int width = wire->is_map ? decode->plan->layout.widths[event->layout.store] : 0;
    for (int i = event->layout.numbers; i < width; i++)
        wire_number(wire);
}

static bool
is_last_text(const struct record *record, int text)
{
    return text == record->event->layout.ntexts - 1;
}

size_t
decode_wanted(const struct decode *decode, const struct record *record, int text)
{
    const struct types_value *value = &record->values[record->event->layout.texts[text]];
    return value->is_redacted ? 0 : layout_sent(&decode->plan->layout, value->number, is_last_text(record, text));
}

void
decode_end_text(const struct decode *decode, struct record *record, int text, char *start, size_t len, char *last)
{
    const struct layout *layout = &decode->plan->layout;
    struct types_value *value = &record->values[record->event->layout.texts[text]];
    bool is_known = len > 0 || *last != '\0'; /* a text of one byte that cannot be read looks as a NUL */
    if (layout->are_texts_marked && !value->is_redacted && len + 1 == value->number && is_known) {
        start = len > 0 ? start : last;
        start[len++] = *last;
    }
    value->text = (struct slice){start, decode_smaller(len, layout_limit(layout, is_last_text(record, text)))};
}

/* A text that goes on behind its last piece is longer than what has come of it. */
void
decode_end_cstr(const struct decode *decode, struct types_value *value, struct slice text, bool is_open)
{
    const struct layout *layout = &decode->plan->layout;
    unsigned chunk = layout->chunk, last = (layout->cstr_limit + chunk - 1) / chunk * chunk;
    bool has_loop = layout->cstr_limit > 0, goes_on = is_open || (has_loop && text.len >= last + chunk);
    size_t most = has_loop ? layout->limit : decode_smaller(layout->limit, chunk);
    value->number = text.len + goes_on;
    value->text = (struct slice){text.ptr, decode_smaller(text.len, most)};
}

struct slice
decode_read_piece(const struct decode *decode, struct wire *wire, size_t most)
{
    if (!decode->plan->layout.are_texts_marked)
        return wire_text(wire, most);
    return wire_text_until(wire, text_of(wire->is_map ? decode->mark : decode->nonce), most);
}

struct slice
decode_read_cstr(const struct decode *decode, struct wire *wire)
{
    return wire_text_until(wire, text_of(decode->nonce), layout_cstr_chunk(&decode->plan->layout));
}

/* The first piece of a text. */
static void
read_text(const struct decode *decode, struct wire *wire, struct record *record, int text)
{
    struct types_value *value = &record->values[record->event->layout.texts[text]];
    if (record->event->layout.has_cstrs)
        value->text = decode_read_cstr(decode, wire);
    else
        value->text =
            decode_read_piece(decode, wire, decode_smaller(decode_wanted(decode, record, text), decode->plan->layout.chunk));
}

/* The bytes of a record's one BYTES field, which are never in chunks. */
static void
read_bytes(struct decode *decode, struct wire *wire, struct record *record)
{
    int field = record->event->layout.bytes;
    if (field < 0)
        return;
    struct types_value *value = &record->values[field];
    size_t len = decode_smaller(value->number, record->event->probe->fields[field].type->limit);
    value->text = (struct slice){decode->bytes, len};
    wire_hex(wire, len, decode->bytes);
}

/* An entry of a map for texts has two strings: an event with one text has an empty one, or the nonce, behind it. */
static void
read_second(const struct decode *decode, struct wire *wire, const struct layout_event *layout)
{
    if (layout->ntexts == 1 && !layout->has_cstrs)
        decode_read_piece(decode, wire, 0);
}

static void
read_end(struct wire *wire)
{
    if (wire->is_map)
        wire_literal(wire, ")\n");
    else
        wire_literal(wire, "\n");
}

/* Bytes, the first pieces of texts, if they stand here, and the end of the frame. */
static bool
read_rest(struct decode *decode, struct wire *wire, struct record *record)
{
    const struct layout_event *layout = &record->event->layout;
    read_bytes(decode, wire, record);
    if (wire->at == wire->end) {
        wire_fail(wire, WIRE_SHORT);
        return false;
    }
    bool has_texts = layout->ntexts > 0 && *wire->at != '\n';
    for (int i = 0; has_texts && i < layout->ntexts; i++)
        read_text(decode, wire, record, i);
    if (wire->is_map && has_texts)
        read_second(decode, wire, layout);
    read_end(wire);
    return has_texts;
}

/* The numbers still hold. */
static void
give_up_texts(struct decode *decode, struct record *record)
{
    const struct layout_event *layout = &record->event->layout;
    decode_damage(decode, record->event);
    decode->is_lost = true;
    for (int i = 0; i < layout->ntexts; i++) {
        record->values[layout->texts[i]].text = (struct slice){0};
        if (layout->has_cstrs)
            record->values[layout->texts[i]].number = 1;
    }
    if (layout->bytes >= 0)
        record->values[layout->bytes].text = (struct slice){0};
}

/* All of its texts stand in the record. What was behind each of them in the buffer has been read. */
static void
end_texts(struct decode *decode, struct record *record)
{
    const struct layout_event *layout = &record->event->layout;
    for (int i = 0; i < layout->ntexts; i++) {
        struct types_value *value = &record->values[layout->texts[i]];
        struct slice text = value->text;
        char *start = text.len > 0 ? decode->buffer + (text.ptr - decode->buffer) : NULL;
        if (layout->has_cstrs)
            decode_end_cstr(decode, value, text, false);
        else
            decode_end_text(decode, record, i, start, text.len, &decode->last[i]);
    }
}

/* That texts are not what their lengths say was seen when the server's memory could not be read. */
bool
decode_read_texts(struct decode *decode, struct wire *wire, struct record *record, bool *has_texts)
{
    const struct layout_event *layout = &record->event->layout;
    if (layout->ntexts == 0 && layout->bytes < 0) {
        read_end(wire);
        return false;
    }
    const struct wire after_numbers = *wire;
    *has_texts = read_rest(decode, wire, record);
    if (wire->state == WIRE_DAMAGED) {
        give_up_texts(decode, record);
        *wire = after_numbers;
        return false;
    }
    if (wire->state != WIRE_GOOD)
        return false;
    bool is_open = decode_is_open(decode, record, *has_texts);
    if (!is_open)
        end_texts(decode, record);
    return is_open;
}
