/* Any stream from bpftrace: it is decoded alike however it is cut, and no record comes out that does not begin with the nonce. What
 * comes out is printed as valid lines and JSON. */
#include "fuzz.h"

/* Prints all items of a stream that comes in pieces of `step` bytes; returns the number of records. */
static size_t
decode_all(struct slice input, size_t step, const char *nonce, struct outbuf *out, uint64_t *damaged)
{
    struct mem mem = {0};
    struct decode_item item;
    struct format line, json;
    size_t records = 0;
    bool is_at_end = false;
    format_init(&line, "line", (struct format_options){.names = true});
    format_init(&json, "json", (struct format_options){.extra = true});
    wall_begin(&json.wall, 0);
    wall_begin(&line.wall, 0);
    struct decode *decode = decode_new(fuzz_plan(), nonce, &mem);
    while (!is_at_end) {
        size_t room, len = input.len < step ? input.len : step;
        char *ptr = decode_room(decode, &room);
        len = len < room ? len : room;
        if (len > 0)
            memcpy(ptr, input.ptr, len);
        decode_fill(decode, len);
        input.ptr += len, input.len -= len;
        is_at_end = input.len == 0;
        while (decode_next(decode, &item) || (is_at_end && decode_last(decode, &item))) {
            size_t from = out->len;
            if (item.kind != DECODE_RECORD) {
                text_printf(out, "%d %lu\n", (int)item.kind, item.kind == DECODE_NOTICE ? item.text.len : item.number);
                continue;
            }
            records++;
            format_record(&line, out, &item.record);
            fuzz_check_line((struct slice){out->ptr + from, out->len - from});
            from = out->len;
            format_record(&json, out, &item.record);
            fuzz_check_json((struct slice){out->ptr + from, out->len - from});
        }
    }
    *damaged = decode_damaged(decode);
    mem_free(&mem);
    return records;
}

static bool
has_nonce(const struct outbuf *in)
{
    return in->len > 0 && memmem(in->ptr, in->len, FUZZ_NONCE, sizeof(FUZZ_NONCE) - 1) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = 1 + data[0];
    struct outbuf in = {0}, whole = {0}, cut = {0}, other = {0};
    text_reserve(&in, 1); /* an empty input has a place too */
    for (size_t i = 1; i < size; i++) {
        if (data[i] == FUZZ_MARK)
            text_puts(&in, FUZZ_NONCE);
        else
            text_putc(&in, (char)data[i]);
    }
    uint64_t damaged, damaged_cut, ignored;
    size_t records = decode_all((struct slice){in.ptr, in.len}, 1 << 20, FUZZ_NONCE, &whole, &damaged);
    decode_all((struct slice){in.ptr, in.len}, step, FUZZ_NONCE, &cut, &damaged_cut);
    FUZZ_CHECK(whole.len == cut.len && (cut.len == 0 || memcmp(whole.ptr, cut.ptr, cut.len) == 0) && damaged == damaged_cut);
    FUZZ_CHECK(records == 0 || has_nonce(&in));
    FUZZ_CHECK(decode_all((struct slice){in.ptr, in.len}, 1 << 20, "fedcba9876543210", &other, &ignored) == 0 ||
               memmem(in.ptr, in.len, "fedcba9876543210", 16) != NULL);
    text_free(&in), text_free(&whole), text_free(&cut), text_free(&other);
    return 0;
}
