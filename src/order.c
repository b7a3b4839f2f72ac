#include "order.h"

#include <stdlib.h>
#include <string.h>

/* A CPU whose last heartbeat is so much older than others' is behind; one that has been behind for so long, by the clock of
 * whoever reads, is not waited for. After a stall the heartbeats of one CPU come in a heap before those of the next, so their
 * own times cannot tell that. */
static const uint64_t behind_ns = 250 * 1000 * 1000, patience_ns = 5000000000;

/* More than this is not held: what is there goes out in its order. */
enum { MAX_BYTES = 64 * 1024 * 1024 };

struct order_cpu {
    uint64_t tick;   /* the last heartbeat; 0: none yet */
    uint64_t behind; /* since when it has been behind; 0: it is not */
};

struct order_held {
    uint64_t nsecs;
    size_t at; /* in `bytes`: the record, then its texts; also the order of arrival */
};

void
order_init(struct order *order, int ncpus, struct mem *mem)
{
    *order = (struct order){.ncpus = ncpus};
    order->cpus = mem_alloc(mem, ORDER_MAX_CPUS * sizeof(*order->cpus));
}

void
order_free(struct order *order)
{
    text_free(&order->bytes);
    free(order->held);
}

static int
compare(const void *a, const void *b)
{
    const struct order_held *left = a, *right = b;
    if (left->nsecs != right->nsecs)
        return left->nsecs < right->nsecs ? -1 : 1;
    return left->at < right->at ? -1 : 1;
}

static void
add_index(struct order *order, struct order_held held)
{
    if (order->nheld == order->cap) {
        order->cap = order->cap == 0 ? 1024 : order->cap * 2;
        order->held = realloc(order->held, order->cap * sizeof(*order->held));
        if (order->held == NULL)
            abort();
    }
    order->held[order->nheld++] = held;
}

static size_t
aligned(size_t len)
{
    return (len + 15) & ~(size_t)15;
}

void
order_add(struct order *order, const struct record *record)
{
    if (order->bytes.len > MAX_BYTES)
        order_flush(order);
    add_index(order, (struct order_held){record->nsecs, order->bytes.len});
    text_put(&order->bytes, (struct slice){(const char *)record, sizeof(*record)});
    for (int i = 0; i < record->event->probe->nfields; i++)
        if (record->event->is_shown[i])
            text_put(&order->bytes, record->values[i].text);
    text_reserve(&order->bytes, 16);
    order->bytes.len = aligned(order->bytes.len);
}

/* Whether the CPU has been behind the newest heartbeat for too long. */
static bool
is_silent(struct order_cpu *cpu, uint64_t newest, uint64_t now)
{
    if (cpu->tick + behind_ns >= newest)
        cpu->behind = 0;
    else if (cpu->behind == 0)
        cpu->behind = now;
    return cpu->behind != 0 && now - cpu->behind > patience_ns;
}

/* Everything up to this time has arrived. */
static uint64_t
watermark(struct order *order, uint64_t newest, uint64_t now)
{
    uint64_t oldest = newest;
    for (int i = 0; i <= order->highest; i++) {
        struct order_cpu *cpu = &order->cpus[i];
        if (cpu->tick != 0 && !is_silent(cpu, newest, now) && cpu->tick < oldest)
            oldest = cpu->tick;
    }
    bool is_all = order->nseen >= order->ncpus || now - order->first_seen > patience_ns;
    return is_all ? oldest : 0;
}

/* Forgets what has been passed on; the rest moves to the front. */
static void
compact(struct order *order)
{
    if (order->next < order->nheld)
        memmove(order->held, order->held + order->next, (order->nheld - order->next) * sizeof(*order->held));
    order->nheld -= order->next;
    order->next = order->ready = 0;
    size_t first = order->bytes.len;
    for (size_t i = 0; i < order->nheld; i++)
        if (order->held[i].at < first)
            first = order->held[i].at;
    if (first > 0)
        memmove(order->bytes.ptr, order->bytes.ptr + first, order->bytes.len - first);
    order->bytes.len -= first;
    for (size_t i = 0; i < order->nheld; i++)
        order->held[i].at -= first;
}

static void
release_until(struct order *order, uint64_t nsecs)
{
    compact(order);
    if (order->nheld == 0)
        return;
    qsort(order->held, order->nheld, sizeof(*order->held), compare);
    while (order->ready < order->nheld && order->held[order->ready].nsecs <= nsecs)
        order->ready++;
}

uint64_t
order_tick(struct order *order, uint64_t cpu, uint64_t nsecs, uint64_t now)
{
    if (cpu >= ORDER_MAX_CPUS)
        return 0;
    if (order->nseen == 0)
        order->first_seen = now;
    order->nseen += order->cpus[cpu].tick == 0;
    order->cpus[cpu].tick = nsecs;
    order->highest = (int)cpu > order->highest ? (int)cpu : order->highest;
    if (nsecs > order->newest)
        order->newest = nsecs;
    uint64_t complete = watermark(order, order->newest, now);
    release_until(order, complete);
    return complete;
}

void
order_flush(struct order *order)
{
    release_until(order, UINT64_MAX);
}

bool
order_next(struct order *order, struct record *record)
{
    if (order->next == order->ready)
        return false;
    const char *at = order->bytes.ptr + order->held[order->next++].at;
    memcpy(record, at, sizeof(*record));
    at += sizeof(*record);
    for (int i = 0; i < record->event->probe->nfields; i++) {
        if (!record->event->is_shown[i])
            continue;
        record->values[i].text.ptr = at;
        at += record->values[i].text.len;
    }
    return true;
}
