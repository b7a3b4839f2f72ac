#include "unit-decoding.h"

#include "unit.h"

#include <string.h>

enum request_transport decoding_transport;
bool decoding_is_bare;

static const char catalogue[] = "provider p\n"
                                "probe numbers\n group g\n summary s\n arg 0 a u64\n arg 1 b i32\n arg 2 c u8\n"
                                "probe texts\n group g\n summary s\n arg 0 a u64\n arg 1 n str len=2\n arg 3 v str len=4\n"
                                "probe cstr\n group g\n summary s\n arg 0 r cstr\n"
                                "probe bytes\n group g\n summary s\n arg 0 x bytes len=1 null\n arg 2 t u32 at=8 optional\n"
                                "probe known\n group g\n summary s\n arg 0 id u32 at=16 known-by=1\n arg 1 index u64\n";

static void
put_field(struct outbuf *out, const struct record *record, int field)
{
    const struct types_value *value = &record->values[field];
    const struct types_row *type = record->event->probe->fields[field].type;
    text_putc(out, ' ');
    if (value->is_null)
        text_puts(out, "null");
    else
        type->put_line(out, type, value);
}

void
decoding_put_item(struct outbuf *out, const struct decode_item *item)
{
    switch (item->kind) {
    case DECODE_RECORD:
        text_puts(out, item->record.event->probe->name);
        for (int i = 0; i < item->record.event->probe->nfields; i++)
            put_field(out, &item->record, i);
        break;
    case DECODE_TICK:
        text_printf(out, "tick %lu %lu", item->nsecs, item->number);
        break;
    case DECODE_BATCH:
        text_printf(out, "batch %lu", item->nsecs);
        break;
    case DECODE_DOUBT:
        text_printf(out, "doubt %lu", item->number);
        break;
    case DECODE_LOST:
        text_printf(out, "lost %lu", item->number);
        break;
    case DECODE_NOTICE:
        text_puts(out, "notice ");
        text_escape(out, item->text);
        break;
    }
    text_putc(out, '|');
}

void
decoding_feed(struct run *run, const char *input, size_t len, size_t step)
{
    struct decode_item item;
    while (len > 0) {
        size_t room;
        char *ptr = decode_room(run->decode, &room);
        size_t piece = len < step ? len : step;
        piece = piece < room ? piece : room;
        memcpy(ptr, input, piece);
        decode_fill(run->decode, piece);
        input += piece, len -= piece;
        while (decode_next(run->decode, &item))
            decoding_put_item(&run->seen, &item);
    }
}

void
decoding_begin(struct run *run)
{
    *run = (struct run){0};
    struct fixture *fixture = &run->fixture;
    fixture_plan(fixture, catalogue, "0.17.0", "g");
    fixture->request.transport = decoding_transport;
    if (decoding_is_bare)
        bpftrace_as_recorded(&fixture->bpftrace, 3);
    ck_assert_int_eq(plan_make(&fixture->plan, &fixture->catalog, NULL, &fixture->bpftrace, &fixture->request, &fixture->mem,
                               &fixture->diag),
                     0);
    ck_assert_uint_eq(run->fixture.plan.layout.chunk, 104);
    run->decode = decode_new(&run->fixture.plan, N, &run->fixture.mem);
}

void
decoding_end(struct run *run)
{
    text_free(&run->seen);
    fixture_free(&run->fixture);
}

void
decoding_finish(struct run *run, const char *expected, uint64_t damaged)
{
    struct decode_item item;
    while (decode_last(run->decode, &item))
        decoding_put_item(&run->seen, &item);
    fixture_equal(&run->seen, expected);
    ck_assert_uint_eq(decode_damaged(run->decode), damaged);
    decoding_end(run);
}

void
decoding_check(const char *input, size_t len, const char *expected, uint64_t damaged)
{
    size_t steps[] = {1, 2, 3, 5, 16, 17, 18, 64, len};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct run run;
        decoding_begin(&run);
        decoding_feed(&run, input, len, steps[i]);
        decoding_finish(&run, expected, damaged);
    }
}
