#include "plan/layout.h"

/* Numbers of a record in each map at most. The BPF stack, where the record is put together, limits them. Most events of a QUIC
 * packet have four at most, and nearly all others eight. */
static const int most_numbers[LAYOUT_STORES] = {
    [LAYOUT_NARROW] = 4, [LAYOUT_MIDDLE] = 8, [LAYOUT_WIDE] = 24, [LAYOUT_TEXTS] = 6, [LAYOUT_CSTR] = -1};

/* Before version 5 of recordings. */
static const int most_numbers_of_old[LAYOUT_STORES] = {[LAYOUT_NARROW] = 24, [LAYOUT_TEXTS] = 6, [LAYOUT_CSTR] = 6};

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned
round_up(unsigned number, unsigned unit)
{
    return (number + unit - 1) / unit * unit;
}

/* The part in the record, and whole pieces behind it, for so many bytes. */
static unsigned
whole_pieces(const struct layout *layout, unsigned bytes)
{
    if (bytes <= layout->chunk)
        return bytes;
    return layout->chunk + round_up(bytes - layout->chunk, layout->chunk * layout->parts);
}

void
layout_begin(struct layout *layout, const struct bpftrace_row *row, unsigned text_limit)
{
    enum { LONG_CSTR = 1000 };
    unsigned limit = least(text_limit != 0 ? text_limit : REQUEST_TEXT_LIMIT, row->most_text);
    *layout = (struct layout){.chunk = row->text_chunk,
                              .parts = row->piece_parts,
                              .limit = limit,
                              .limit_before = limit,
                              .sent = row->most_text,
                              .sent_before = row->most_text};
    layout->most_numbers = row->has_old_maps ? most_numbers_of_old : most_numbers;
    layout->are_texts_marked = !row->has_bare_texts;
    if (row->text_chunk < LONG_CSTR)
        layout->cstr_limit = row->has_bare_texts ? TYPES_CSTR_LIMIT : least(limit, TYPES_CSTR_LIMIT);
    if (layout->are_texts_marked) {
        layout->sent = whole_pieces(layout, limit);
        layout->limit_before = least(row->most_text, LAYOUT_BEFORE_LAST);
        layout->sent_before = whole_pieces(layout, layout->limit_before);
    }
}

void
layout_begin_event(struct layout_event *event)
{
    *event = (struct layout_event){.bytes = -1};
}

static int
add_text(struct layout_event *event, const struct catalog_probe *probe, int index, struct diag *diag)
{
    bool is_cstr = probe->fields[index].type->wire == TYPES_CSTR;
    if (event->ntexts == LAYOUT_MAX_TEXTS || (event->ntexts > 0 && event->has_cstrs != is_cstr))
        return diag_at(diag, probe->pos, "probe %s has more than %d texts, or texts with and without a length", probe->name,
                       LAYOUT_MAX_TEXTS);
    event->has_cstrs = is_cstr;
    event->texts[event->ntexts++] = index;
    return 0;
}

static int
add_bytes(struct layout_event *event, const struct catalog_probe *probe, int index, struct diag *diag)
{
    if (event->bytes >= 0)
        return diag_at(diag, probe->pos, "probe %s has more than one field of bytes", probe->name);
    event->bytes = index;
    return 0;
}

int
layout_add_field(struct layout_event *event, const struct catalog_probe *probe, int index, struct diag *diag)
{
    const struct catalog_field *field = &probe->fields[index];
    event->numbers += layout_numbers(field);
    switch (field->type->wire) {
    case TYPES_TEXT:
    case TYPES_CSTR:
        return add_text(event, probe, index, diag);
    case TYPES_BYTES:
        return add_bytes(event, probe, index, diag);
    default:
        return 0;
    }
}

static enum layout_store
store_of(const struct layout *layout, const struct layout_event *event)
{
    int most_texts = event->has_cstrs ? 1 : LAYOUT_INLINE_TEXTS;
    if (event->bytes >= 0 || event->ntexts > most_texts)
        return LAYOUT_PRINTED;
    enum layout_store store = event->ntexts == 0 ? LAYOUT_NARROW : event->has_cstrs ? LAYOUT_CSTR : LAYOUT_TEXTS;
    while (store < LAYOUT_WIDE && event->numbers > layout->most_numbers[store])
        store++;
    return event->numbers > layout->most_numbers[store] ? LAYOUT_PRINTED : store;
}

void
layout_end_event(struct layout *layout, struct layout_event *event, bool has_maps)
{
    event->has_inline_texts = event->ntexts + (event->bytes >= 0) <= LAYOUT_INLINE_TEXTS;
    if (!has_maps)
        return;
    event->store = store_of(layout, event);
    int *width = &layout->widths[event->store];
    *width = event->numbers > *width ? event->numbers : *width;
    layout->nstored[event->store]++;
}

bool
layout_has_pointer(const struct catalog_field *field)
{
    return field->may_be_null || field->is_optional;
}

int
layout_numbers(const struct catalog_field *field)
{
    int value = field->type->wire == TYPES_ADDRESS ? TYPES_ADDRESS_WORDS : field->type->wire != TYPES_CSTR;
    return layout_has_pointer(field) + value;
}

unsigned
layout_most(const struct layout *layout, bool is_last)
{
    return is_last ? layout->sent : layout->sent_before;
}

bool
layout_has_pieces(const struct layout *layout)
{
    return layout->nstored[LAYOUT_TEXTS] > 0 && (layout->sent > layout->chunk || layout->sent_before > layout->chunk);
}

unsigned
layout_cstr_chunk(const struct layout *layout)
{
    return layout->cstr_limit == 0 ? least(layout->chunk, layout->limit) + 1 : layout->chunk;
}

unsigned
layout_limit(const struct layout *layout, bool is_last)
{
    return is_last ? layout->limit : layout->limit_before;
}

size_t
layout_sent(const struct layout *layout, uint64_t len, bool is_last)
{
    uint64_t but_last = layout->are_texts_marked && len > 0 ? len - 1 : len, most = layout_most(layout, is_last);
    return (size_t)(but_last < most ? but_last : most);
}
