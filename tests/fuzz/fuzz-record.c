/* Any values of any event: written as the program writes them, they are decoded to what they were, and printed as valid lines
 * and JSON. */
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

/* Up to 8 bytes, the lowest first. */
static void
put_word(struct outbuf *out, const char *bytes, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len && i < 8; i++)
        word |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
    text_printf(out, " %lx", word);
}

/* A text in words, behind its record: 64 bytes a frame as long as there are so many, then 8. */
static void
put_words(struct outbuf *out, int text, struct slice bytes)
{
    for (size_t at = 0, size; at < bytes.len; at += size) {
        size = bytes.len - at >= 64 ? 64 : 8;
        text_printf(out, FUZZ_NONCE " x 5 7 %x %zx", text, at);
        for (size_t i = 0; i < size; i += 8)
            put_word(out, bytes.ptr + at + i, bytes.len - at - i);
        text_putc(out, '\n');
    }
}

/* The rest of a text, in chunks. */
static void
put_chunks(struct outbuf *out, const struct plan *plan, int text, struct slice bytes, size_t from)
{
    for (size_t at = from; at < bytes.len; at += plan->layout.chunk) {
        size_t left = bytes.len - at;
        text_printf(out, FUZZ_NONCE " s 5 7 %x %zx ", text, at);
        text_put(out, (struct slice){bytes.ptr + at, left < plan->layout.chunk ? left : plan->layout.chunk});
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
    bool is_inline = event->layout.has_inline_texts && !has_nul;
    for (int i = 0; is_inline && i < event->layout.ntexts; i++) {
        struct slice text = values[event->layout.texts[i]].text;
        text_putc(out, ' ');
        text_put(out, (struct slice){text.ptr, text.len < plan->layout.chunk ? text.len : plan->layout.chunk});
    }
    text_putc(out, '\n');
    for (int i = 0; i < event->layout.ntexts; i++) {
        struct slice text = values[event->layout.texts[i]].text;
        if (has_nul)
            put_words(out, i, text);
        else
            put_chunks(out, plan, i, text, is_inline ? plan->layout.chunk : 0);
    }
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
    struct decode_item item;
    struct outbuf in = {0};
    size_t room;
    put_record(&in, plan, id, values);
    struct decode *decode = decode_new(plan, FUZZ_NONCE, &mem);
    memcpy(decode_room(decode, &room), in.ptr, in.len);
    decode_fill(decode, in.len);
    FUZZ_CHECK(decode_next(decode, &item) && item.kind == DECODE_RECORD && item.record.event == &plan->events[id]);
    FUZZ_CHECK(item.record.nsecs == 5 && item.record.tid == 7);
    for (int i = 0; i < probe->nfields; i++) {
        FUZZ_CHECK(item.record.values[i].number == values[i].number);
        FUZZ_CHECK(text_equal(item.record.values[i].text, values[i].text));
    }
    check_formats(&item.record);
    FUZZ_CHECK(!decode_next(decode, &item) && !decode_last(decode, &item) && decode_damaged(decode) == 0);
    text_free(&in);
    mem_free(&mem);
    return 0;
}
