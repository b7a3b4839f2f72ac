#include "record/reorder.h"

#include "record/record_copy.h"

#include <stdlib.h>
#include <string.h>

/* A CPU whose last heartbeat is so much older than others' is behind: it is idle, since some kernels send none from an idle
 * CPU, or bpftrace has not come to its buffer yet. In the second case what it reads is old. So when nothing that came lately
 * was late, a CPU that is behind is taken for idle. Otherwise, as after a stall, when the frames of one CPU come in a heap
 * before those of the next, it is waited for, but not for ever. The last two are by the clock of whoever reads. */
static const uint64_t behind_ns = 100 * 1000 * 1000, late_ns = 150 * 1000 * 1000;
static const uint64_t calm_ns = 100 * 1000 * 1000, patience_ns = 5000000000;

/* More than this is not held: what is there goes out in its order. */
enum { MAX_BYTES = 64 * 1024 * 1024 };

struct order_cpu {
    uint64_t tick;   /* the last heartbeat; 0: none yet */
    uint64_t behind; /* since when it has been behind; 0: it is not */
};

struct order_held {
    uint64_t nsecs;
    size_t at; /* in `bytes`, as record_copy.h has it */
};

void
order_init(struct order *order, int ncpus, bool is_batched, struct mem *mem)
{
    *order = (struct order){.ncpus = ncpus, .is_batched = is_batched, .is_sorted = true};
    order->cpus = mem_alloc(mem, ORDER_MAX_CPUS * sizeof(*order->cpus));
}

void
order_free(struct order *order)
{
    text_free(&order->bytes);
    free(order->held);
    free(order->spare);
}

/* Where the run of ascending records that begins at `from` ends. */
static size_t
run_end(const struct order_held *held, size_t from, size_t count)
{
    while (from + 1 < count && held[from].nsecs <= held[from + 1].nsecs)
        from++;
    return from < count ? from + 1 : count;
}

static void
merge(const struct order_held *held, size_t from, size_t middle, size_t end, struct order_held *out)
{
    size_t left = from, right = middle;
    while (left < middle || right < end) {
        bool takes_left = right == end || (left < middle && held[left].nsecs <= held[right].nsecs);
        *out++ = takes_left ? held[left++] : held[right++];
    }
}

/* Merges pairs of runs. Returns how many runs there were. */
static size_t
merge_runs(const struct order_held *held, size_t count, struct order_held *out)
{
    size_t runs = 0;
    for (size_t from = 0; from < count; runs += 2) {
        size_t middle = run_end(held, from, count), end = run_end(held, middle, count);
        merge(held, from, middle, end, out + from);
        from = end;
    }
    return runs;
}

/* Forgets what has been passed on. */
static void
forget(struct order *order)
{
    order->nheld -= order->next;
    memmove(order->held, order->held + order->next, order->nheld * sizeof(*order->held));
    order->next = order->ready = 0;
}

/* A few sorted runs, of CPUs or maps, one after the other: each pass halves their number. Equal times stay in the order of
 * arrival. */
static void
sort(struct order *order)
{
    forget(order);
    for (size_t runs = 3; runs > 2;) {
        runs = merge_runs(order->held, order->nheld, order->spare);
        struct order_held *sorted = order->spare;
        order->spare = order->held;
        order->held = sorted;
    }
    order->is_sorted = true;
}

static void
add_index(struct order *order, struct order_held held)
{
    if (order->nheld == order->cap) {
        order->cap = order->cap == 0 ? 1024 : order->cap * 2;
        order->held = realloc(order->held, order->cap * sizeof(*order->held));
        order->spare = realloc(order->spare, order->cap * sizeof(*order->spare));
        if (order->held == NULL || order->spare == NULL)
            abort();
    }
    if (order->nheld > order->next && order->held[order->nheld - 1].nsecs > held.nsecs)
        order->is_sorted = false;
    order->held[order->nheld++] = held;
}

/* A frame of time `nsecs` came at `now`. */
static void
note_frame(struct order *order, uint64_t nsecs, uint64_t now)
{
    if (order->late_at == 0 || (now > nsecs && now - nsecs > late_ns))
        order->late_at = now;
}

void
order_add(struct order *order, const struct record *record, uint64_t now)
{
    if (now != 0)
        note_frame(order, record->nsecs, now);
    if (order->bytes.len > MAX_BYTES)
        order_flush(order);
    add_index(order, (struct order_held){record->nsecs, order->bytes.len});
    record_copy_put(&order->bytes, record);
}

/* Up to where everything of a CPU has arrived. */
static uint64_t
cpu_mark(const struct order *order, struct order_cpu *cpu, bool is_calm, uint64_t now)
{
    if (cpu->tick + behind_ns >= order->newest) {
        cpu->behind = 0;
        return cpu->tick;
    }
    if (cpu->behind == 0)
        cpu->behind = now;
    if (now - cpu->behind > patience_ns)
        return order->newest;
    return is_calm ? order->newest - behind_ns : cpu->tick;
}

/* Everything up to this time has arrived. */
static uint64_t
watermark(struct order *order, uint64_t now)
{
    uint64_t oldest = order->newest;
    bool is_calm = now - order->late_at >= calm_ns;
    struct order_cpu unseen = {.behind = order->first_seen};
    if (order->nseen < order->ncpus)
        oldest = cpu_mark(order, &unseen, is_calm, now);
    for (int i = 0; i <= order->highest; i++) {
        uint64_t mark = order->cpus[i].tick != 0 ? cpu_mark(order, &order->cpus[i], is_calm, now) : oldest;
        oldest = mark < oldest ? mark : oldest;
    }
    return oldest;
}

/* Gives the memory of what has been passed on to what comes, when that is the most of it, so that not much is moved often. */
static void
compact(struct order *order)
{
    if (order->next == order->nheld)
        order->next = order->ready = order->nheld = order->passed = order->bytes.len = 0;
    if (order->passed <= order->bytes.len / 4 * 3)
        return;
    forget(order);
    size_t first = order->bytes.len;
    for (size_t i = 0; i < order->nheld; i++)
        if (order->held[i].at < first)
            first = order->held[i].at;
    order->bytes.len -= first;
    order->passed -= first;
    memmove(order->bytes.ptr, order->bytes.ptr + first, order->bytes.len);
    for (size_t i = 0; i < order->nheld; i++)
        order->held[i].at -= first;
}

static void
release_until(struct order *order, uint64_t nsecs)
{
    compact(order);
    if (!order->is_sorted)
        sort(order);
    while (order->ready < order->nheld && order->held[order->ready].nsecs <= nsecs)
        order->ready++;
}

/* Returns up to when everything has arrived, and lets it be passed on. */
static uint64_t
release(struct order *order, uint64_t now)
{
    uint64_t complete = watermark(order, now);
    if (order->is_batched && order->batch < complete)
        complete = order->batch;
    if (complete > order->released) {
        release_until(order, complete);
        order->released = complete;
    }
    return complete;
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
    note_frame(order, nsecs, now);
    return release(order, now);
}

uint64_t
order_batch(struct order *order, uint64_t nsecs, uint64_t now)
{
    order->batch = nsecs;
    return release(order, now);
}

void
order_flush(struct order *order)
{
    release_until(order, UINT64_MAX);
}

/* A batch is more than the caches nearby hold. */
static void
prefetch(const struct order *order)
{
    enum { AHEAD = 4 };
    if (order->next + AHEAD < order->ready)
        __builtin_prefetch(order->bytes.ptr + order->held[order->next + AHEAD].at);
}

bool
order_next(struct order *order, struct record *record)
{
    if (order->next == order->ready)
        return false;
    prefetch(order);
    order->passed += record_copy_get(order->bytes.ptr + order->held[order->next++].at, record);
    return true;
}
