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

/* What str() gives of `len` bytes of a text from `at` on, and the nonce. */
static void
put_part(struct outbuf *out, struct slice text, size_t at, size_t len)
{
    text_putc(out, ' ');
    text_put(out, (struct slice){text.ptr + at, strnlen(text.ptr + at, len)});
    text_puts(out, " " FUZZ_NONCE);
}

static void
put_piece(struct outbuf *out, const struct plan *plan, int text, struct slice bytes, size_t at, size_t next)
{
    text_printf(out, FUZZ_NONCE " s 5 7 %x %zx", text, at);
    put_part(out, bytes, at, plan->layout.chunk);
    put_part(out, bytes, next, plan->layout.chunk);
    text_putc(out, '\n');
}

/* What does not stand in the record of a text without its last byte. */
static void
put_pieces(struct outbuf *out, const struct plan *plan, int text, struct slice bytes)
{
    size_t chunk = plan->layout.chunk, at = chunk, size = bytes.len - 1;
    for (; at + 2 * chunk <= size; at += 2 * chunk)
        put_piece(out, plan, text, bytes, at, at + chunk);
    if (at < size)
        put_piece(out, plan, text, bytes, size - at > chunk ? at : size - chunk, size - chunk);
}

static void
put_first(struct outbuf *out, const struct plan *plan, struct slice text)
{
    size_t size = text.len > 0 ? text.len - 1 : 0;
    put_part(out, text, 0, size < plan->layout.chunk ? size : plan->layout.chunk);
}

/* The event with texts and lengths, or with numbers only, of which `id` is the number. */
static void
put_record(struct outbuf *out, const struct plan *plan, size_t id, const struct types_value *values)
{
    const struct plan_event *event = &plan->events[id];
    text_printf(out, FUZZ_NONCE " %zx 5 7", id);
    for (int i = 0; i < event->probe->nfields; i++) {
        struct slice text = values[i].text;
        uint64_t last = text.len > 0 ? (unsigned char)text.ptr[text.len - 1] : 0;
        text_printf(out, " %lx", values[i].number | last << LAYOUT_LAST_BYTE);
    }
    for (int i = 0; event->layout.has_inline_texts && i < event->layout.ntexts; i++)
        put_first(out, plan, values[event->layout.texts[i]].text);
    text_putc(out, '\n');
    for (int i = 0; i < event->layout.ntexts; i++) {
        struct slice text = values[event->layout.texts[i]].text;
        if (!event->layout.has_inline_texts && text.len > 1) {
            text_printf(out, FUZZ_NONCE " s 5 7 %x 0", i);
            put_first(out, plan, text);
            text_putc(out, '\n');
        }
        if (text.len > 1)
            put_pieces(out, plan, i, text);
    }
}

/* What comes of a text: a NUL ends it, unless it is the last byte of several. */
static struct slice
shown(struct slice text)
{
    size_t before_nul = strnlen(text.ptr, text.len);
    bool is_whole = before_nul == text.len || (text.len > 1 && before_nul == text.len - 1);
    return (struct slice){text.ptr, is_whole ? text.len : before_nul};
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
    if (memmem(data, size, FUZZ_NONCE, strlen(FUZZ_NONCE)) != NULL)
        return 0; /* as nobody knows it */
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
        FUZZ_CHECK(values[i].text.len == 0 || text_equal(item.record.values[i].text, shown(values[i].text)));
    }
    check_formats(&item.record);
    FUZZ_CHECK(!decode_next(decode, &item) && !decode_last(decode, &item) && decode_damaged(decode) == 0);
    text_free(&in);
    mem_free(&mem);
    return 0;
}
