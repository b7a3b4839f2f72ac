#include "base/clock.h"
#include "host/sandbox.h"
#include "host/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A process can map its files as often as it likes, and more of them than there is. */
enum { MAX_BYTES = 256 * 1024 * 1024, TOUCH_MS = 2000 };

/* A read-only part of a file that is mapped. */
struct range {
    size_t object;
    uint64_t offset, len;
    uint64_t start; /* address */
};

struct ranges {
    struct range *items;
    size_t count;
};

/* The first of the files with h2o's probes; nobjects: it is none of them. */
static size_t
find_ours(const struct target *target, const struct process_mapping *mapping)
{
    size_t i = 0;
    while (i < target->nobjects &&
           (!target->objects[i].is_ours || !process_is_same_file(&target->objects[i].first.id, &mapping->id)))
        i++;
    return i;
}

/* What is mapped behind the end of the file is not there. */
static void
add_range(struct ranges *ranges, const struct target *target, const struct process_mapping *mapping, struct mem *mem)
{
    size_t object = find_ours(target, mapping);
    if (object == target->nobjects || mapping->offset >= target->objects[object].size)
        return;
    uint64_t len = mapping->end - mapping->start, left = target->objects[object].size - mapping->offset;
    ranges->items = mem_grow(mem, ranges->items, ranges->count, sizeof(*ranges->items));
    ranges->items[ranges->count++] = (struct range){object, mapping->offset, len < left ? len : left, mapping->start};
}

static int
compare_parts(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    if (a->object != b->object)
        return a->object < b->object ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->len > b->len) - (a->len < b->len);
}

/* Leaves one of those that are the same part of a file. */
static void
drop_twins(struct ranges *ranges)
{
    size_t kept = 0;
    qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_parts);
    for (size_t i = 0; i < ranges->count; i++)
        if (kept == 0 || compare_parts(&ranges->items[kept - 1], &ranges->items[i]) != 0)
            ranges->items[kept++] = ranges->items[i];
    ranges->count = kept;
}

static void
find_ranges(struct ranges *ranges, const struct target *target, int64_t deadline, struct mem *mem)
{
    struct process_maps maps;
    struct process_mapping mapping;
    struct diag ignored;
    bool is_open = process_maps_open(&maps, target->pid, deadline, &ignored) == 0;
    while (is_open && process_maps_next(&maps, &mapping))
        if (mapping.perms[0] == 'r' && mapping.perms[1] == '-')
            add_range(ranges, target, &mapping, mem);
    process_maps_close(&maps);
    if (ranges->count > 0)
        drop_twins(ranges);
}

/* A page may take as long to come as its file system likes, so the keeper does not wait for it itself. `memory` is the
 * process's; the answer is the number of bytes. */
static void
touch(int memory, const void *context, struct outbuf *answer)
{
    static char page[64 * 1024];
    const struct ranges *ranges = context;
    uint64_t bytes = 0, tried = 0;
    for (size_t i = 0; i < ranges->count; i++)
        for (uint64_t at = 0; at < ranges->items[i].len && tried < MAX_BYTES; at += sizeof(page), tried += sizeof(page)) {
            uint64_t left = ranges->items[i].len - at;
            ssize_t got = pread(memory, page, left < sizeof(page) ? left : sizeof(page), (off_t)(ranges->items[i].start + at));
            bytes += got > 0 ? (uint64_t)got : 0;
        }
    text_put_u64(answer, bytes);
}

size_t
target_touch(const struct target *target)
{
    struct mem mem = {0};
    struct ranges ranges = {0};
    struct outbuf answer = {0};
    struct diag ignored;
    uint64_t bytes = 0;
    int64_t deadline = clock_ms() + TOUCH_MS;
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){target->pid, "mem"}};
    find_ranges(&ranges, target, deadline, &mem);
    if (ranges.count == 0 || sandbox_run(&file, touch, &ranges, deadline, &answer, &ignored) != 0 ||
        !text_number((struct slice){answer.ptr, answer.len}, MAX_BYTES, &bytes))
        bytes = 0;
    text_free(&answer);
    mem_free(&mem);
    return bytes;
}
