#include "plan/buffers.h"

/* What the kernel adds to an entry of a map, struct htab_elem, with the entry's key: its time and thread. What bpftrace adds to
 * one that it reads: two vectors and what malloc puts around their contents. */
enum { KERNEL_ENTRY = 48 + 16, TRACER_ENTRY = 2 * 24 + 16 + 3 * 16 };

/* With batches the buffers have this part of the memory, as nearly all records are in maps. */
enum { PRINTED_SHARE = 16 };

enum { LEAST_PRINTED = 64 << 10, LEAST_KEYS = 1024 };

/* Where no records are in maps, for processes that are not shown; and before version 5 of recordings. */
enum { FIXED_KEYS = 32768 };

static size_t
memory_of(const struct request *request)
{
    if (request->buffer != 0)
        return request->buffer;
    return request->transport == REQUEST_BATCH ? REQUEST_BATCH_BUFFER : REQUEST_STREAM_BUFFER;
}

/* Bytes of a value in the map, as the tuple that store.bt puts there. */
static size_t
value_size(const struct layout *layout, const struct bpftrace_row *row, enum layout_store store)
{
    enum { NUMBER = 8 };
    size_t size = NUMBER * (1 + (size_t)layout->widths[store]);
    if (store == LAYOUT_TEXTS)
        size += LAYOUT_INLINE_TEXTS * ((size_t)row->string_size + NUMBER);
    return size;
}

static void
add_maps(size_t *kernel, size_t *tracer, size_t value)
{
    *kernel += LAYOUT_MAPS * (KERNEL_ENTRY + value);
    *tracer = value + TRACER_ENTRY > *tracer ? value + TRACER_ENTRY : *tracer;
}

unsigned
buffers_map_keys(const struct layout *layout, const struct bpftrace_row *row, const struct request *request)
{
    size_t kernel = 0, tracer = 0, memory = memory_of(request);
    for (int i = LAYOUT_PRINTED + 1; i < LAYOUT_STORES; i++)
        if (layout->nstored[i] > 0)
            add_maps(&kernel, &tracer, value_size(layout, row, i));
    if (layout_has_pieces(layout))
        add_maps(&kernel, &tracer, row->string_size);
    if (kernel == 0 || row->has_old_maps)
        return FIXED_KEYS;
    size_t keys = (memory - memory / PRINTED_SHARE) / (kernel + tracer);
    return (unsigned)(keys > LEAST_KEYS ? keys : LEAST_KEYS);
}

struct bpftrace_memory
buffers_of(const struct layout *layout, const struct bpftrace_row *row, const struct request *request, unsigned cpus)
{
    size_t share = memory_of(request) / (row->per_cpu_buffers ? cpus : 1), printed = LEAST_PRINTED;
    if (request->transport == REQUEST_BATCH)
        share /= PRINTED_SHARE;
    while (printed * 2 <= share)
        printed *= 2;
    return (struct bpftrace_memory){.print_buffer = printed, .map_keys = layout->map_keys};
}
