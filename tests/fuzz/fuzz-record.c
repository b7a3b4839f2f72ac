/* Any values of any event: written as the program writes them, they are decoded to what they were, and printed as valid lines and
 * JSON. */
#include "fuzz.h"

struct source {
    const uint8_t *at, *end;
};

static uint64_t
take_number(struct source *source)
{
    uint64_t number = 0;
    for (int i = 0; i < 8 && source->at < source->end; i++)
        number = number << 8 | *source->at++;
    return number;
}

static struct slice
take_bytes(struct source *source)
{
    size_t len = source->at < source->end ? *source->at++ : 0;
    len = len < (size_t)(source->end - source->at) ? len : (size_t)(source->end - source->at);
    struct slice bytes = {(const char *)source->at, len};
    source->at += len;
    return bytes;
}

static void
put_hex(struct outbuf *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(out, "%s%02x", i > 0 ? " " : "", (unsigned char)bytes.ptr[i]);
}

/* A text in chunks, behind its record. */
static void
put_chunks(struct outbuf *out, const struct plan *plan, int text, struct slice bytes, size_t from, bool is_hex)
{
    for (size_t at = from; at < bytes.len; at += plan->chunk) {
        size_t left = bytes.len - at;
        struct slice piece = {bytes.ptr + at, left < plan->chunk ? left : plan->chunk};
        text_printf(out, FUZZ_NONCE " %c 5 7 %x %zx ", is_hex ? 'x' : 's', text, at);
        if (is_hex)
            put_hex(out, piece);
        else
            text_put(out, piece);
        text_putc(out, '\n');
    }
}

/* The event with texts and lengths, or with numbers only, of which `id` is the number. */
static void
put_record(struct outbuf *out, const struct plan *plan, size_t id, const struct types_value *values)
{
    const struct plan_event *event = &plan->events[id];
    bool has_nul = false;
    text_printf(out, FUZZ_NONCE " %zx 5 7", id);
    for (int i = 0; i < event->probe->nfields; i++) {
        text_printf(out, " %lx", values[i].number);
        has_nul |= values[i].text.len > 0 && memchr(values[i].text.ptr, '\0', values[i].text.len) != NULL;
    }
    bool is_inline = event->has_inline_texts && !has_nul;
    for (int i = 0; is_inline && i < event->ntexts; i++) {
        struct slice text = values[event->texts[i]].text;
        text_putc(out, ' ');
        text_put(out, (struct slice){text.ptr, text.len < plan->chunk ? text.len : plan->chunk});
    }
    text_putc(out, '\n');
    for (int i = 0; i < event->ntexts; i++)
        put_chunks(out, plan, i, values[event->texts[i]].text, is_inline ? plan->chunk : 0, has_nul);
}

static void
check_formats(const struct record *record)
{
    struct outbuf out = {0};
    struct format format;
    static const char *const names[] = {"line", "json"};
    for (int i = 0; i < 2; i++) {
        format_init(&format, names[i], (struct format_options){.extra = true, .names = true});
        format_record(&format, &out, record);
        (i == 0 ? fuzz_check_line : fuzz_check_json)((struct slice){out.ptr, out.len});
        out.len = 0;
    }
    text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t ids[] = {0, 1, 5}; /* numbers, texts, three */
    const struct plan *plan = fuzz_plan();
    struct source source = {data, data + size};
    size_t id = ids[take_number(&source) % 3];
    const struct catalog_probe *probe = plan->events[id].probe;
    struct types_value values[CATALOG_MAX_FIELDS] = {0};
    for (int i = 0; i < probe->nfields; i++) {
        bool is_text = probe->fields[i].type->wire == TYPES_TEXT;
        values[i].text = is_text ? take_bytes(&source) : (struct slice){0};
        values[i].number = is_text ? values[i].text.len : types_number(probe->fields[i].type, take_number(&source));
    }
    struct mem mem = {0};
    struct decode decode;
    struct decode_item item;
    struct outbuf in = {0};
    size_t room;
    put_record(&in, plan, id, values);
    decode_init(&decode, plan, FUZZ_NONCE, &mem);
    memcpy(decode_room(&decode, &room), in.ptr, in.len);
    decode_fill(&decode, in.len);
    FUZZ_CHECK(decode_next(&decode, &item) && item.kind == DECODE_RECORD && item.record.event == &plan->events[id]);
    FUZZ_CHECK(item.record.nsecs == 5 && item.record.tid == 7);
    for (int i = 0; i < probe->nfields; i++) {
        FUZZ_CHECK(item.record.values[i].number == values[i].number);
        FUZZ_CHECK(text_equal(item.record.values[i].text, values[i].text));
    }
    check_formats(&item.record);
    FUZZ_CHECK(!decode_next(&decode, &item) && !decode_last(&decode, &item) && decode.damaged == 0);
    text_free(&in);
    mem_free(&mem);
    return 0;
}
