#include "record/reorder.h"

#include "base/no_memory.h"
#include "record/record_copy.h"

#include <stdlib.h>
#include <string.h>

/* A CPU is behind when its last heartbeat is much older than those of others. It may be idle, as some kernels send no
 * heartbeats from an idle CPU. Or bpftrace has not come to its buffer yet; but then what bpftrace reads is old. So when nothing
 * that came lately was late, a CPU that is behind is taken for idle. Otherwise it is waited for, but not for ever: after a
 * stall all frames of one CPU come before those of the next. */
static const uint64_t behind_ns = 100 * 1000 * 1000; /* older than the newest heartbeat by more than this: behind */
static const uint64_t late_ns = 150 * 1000 * 1000;   /* read more than this after it was sent: late */
static const uint64_t calm_ns = 100 * 1000 * 1000;   /* nothing late was read for so long: a CPU behind is idle */
static const uint64_t patience_ns = 5000000000;      /* a CPU is waited for so long at most */

/* More than this is not held: what is there goes out in its order. */
enum { MAX_BYTES = 64 * 1024 * 1024 };

struct reorder_cpu {
    uint64_t tick;   /* the last heartbeat; 0: none yet */
    uint64_t behind; /* since when it has been behind; 0: it is not */
};

struct reorder_held {
    uint64_t nsecs;
    size_t at; /* where in `bytes` it begins */
};

struct reorder {
    int ncpus;                  /* whose heartbeats are waited for */
    int nseen;                  /* CPUs that have sent one */
    int highest;                /* the highest number of those */
    uint64_t first_seen;        /* when the first heartbeat came */
    uint64_t newest;            /* the youngest heartbeat of all */
    uint64_t late_at;           /* when a frame came late the last time */
    bool is_batched;            /* records come in batches, too */
    uint64_t batch;             /* up to when all of those have come */
    bool is_sorted;             /* what is held came in the order of time */
    uint64_t released;          /* up to when records may be passed on */
    struct reorder_cpu *cpus;   /* by number */
    struct outbuf bytes;        /* the records, as record_copy.h has them */
    size_t passed;              /* bytes of records that were passed on */
    struct reorder_held *held;  /* index of `bytes` */
    struct reorder_held *spare; /* as large, to sort into */
    size_t nheld, cap;
    size_t next, ready; /* the part of `held` from `next` to before `ready` may be passed on */
};

struct reorder *
reorder_new(int ncpus, bool is_batched, struct mem *mem)
{
    struct reorder *reorder = mem_alloc(mem, sizeof(*reorder));
    *reorder = (struct reorder){.ncpus = ncpus, .is_batched = is_batched, .is_sorted = true};
    reorder->cpus = mem_alloc(mem, REORDER_MAX_CPUS * sizeof(*reorder->cpus));
    return reorder;
}

void
reorder_free(struct reorder *reorder)
{
    text_free(&reorder->bytes);
    free(reorder->held);
    free(reorder->spare);
}

/* Where the run of ascending records that begins at `from` ends. */
static size_t
run_end(const struct reorder_held *held, size_t from, size_t count)
{
    while (from + 1 < count && held[from].nsecs <= held[from + 1].nsecs)
        from++;
    return from < count ? from + 1 : count;
}

static void
merge(const struct reorder_held *held, size_t from, size_t middle, size_t end, struct reorder_held *out)
{
    size_t left = from, right = middle;
    while (left < middle || right < end) {
        bool takes_left = right == end || (left < middle && held[left].nsecs <= held[right].nsecs);
        *out++ = takes_left ? held[left++] : held[right++];
    }
}

/* Merges pairs of runs. Returns how many runs there were. */
static size_t
merge_runs(const struct reorder_held *held, size_t count, struct reorder_held *out)
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
forget(struct reorder *reorder)
{
    reorder->nheld -= reorder->next;
    memmove(reorder->held, reorder->held + reorder->next, reorder->nheld * sizeof(*reorder->held));
    reorder->next = reorder->ready = 0;
}

/* A few sorted runs, of CPUs or maps, one after the other: each pass halves their number. Equal times stay in the order of
 * arrival. */
static void
sort(struct reorder *reorder)
{
    forget(reorder);
    for (size_t runs = 3; runs > 2;) {
        runs = merge_runs(reorder->held, reorder->nheld, reorder->spare);
        struct reorder_held *sorted = reorder->spare;
        reorder->spare = reorder->held;
        reorder->held = sorted;
    }
    reorder->is_sorted = true;
}

static void
add_index(struct reorder *reorder, struct reorder_held held)
{
    if (reorder->nheld == reorder->cap) {
        reorder->cap = reorder->cap == 0 ? 1024 : reorder->cap * 2;
        reorder->held = realloc(reorder->held, reorder->cap * sizeof(*reorder->held));
        reorder->spare = realloc(reorder->spare, reorder->cap * sizeof(*reorder->spare));
        if (reorder->held == NULL || reorder->spare == NULL)
            no_memory();
    }
    if (reorder->nheld > reorder->next && reorder->held[reorder->nheld - 1].nsecs > held.nsecs)
        reorder->is_sorted = false;
    reorder->held[reorder->nheld++] = held;
}

/* A frame of time `nsecs` came at `now`. */
static void
note_frame(struct reorder *reorder, uint64_t nsecs, uint64_t now)
{
    if (reorder->late_at == 0 || (now > nsecs && now - nsecs > late_ns))
        reorder->late_at = now;
}

void
reorder_add(struct reorder *reorder, const struct record *record, uint64_t now)
{
    if (now != 0)
        note_frame(reorder, record->nsecs, now);
    if (reorder->bytes.len > MAX_BYTES)
        reorder_flush(reorder);
    add_index(reorder, (struct reorder_held){record->nsecs, reorder->bytes.len});
    record_copy_put(&reorder->bytes, record);
}

/* Up to where everything of a CPU has arrived. */
static uint64_t
cpu_mark(const struct reorder *reorder, struct reorder_cpu *cpu, bool is_calm, uint64_t now)
{
    if (cpu->tick + behind_ns >= reorder->newest) {
        cpu->behind = 0;
        return cpu->tick;
    }
    if (cpu->behind == 0)
        cpu->behind = now;
    if (now - cpu->behind > patience_ns)
        return reorder->newest;
    return is_calm ? reorder->newest - behind_ns : cpu->tick;
}

/* Everything up to this time has arrived. */
static uint64_t
watermark(struct reorder *reorder, uint64_t now)
{
    uint64_t oldest = reorder->newest;
    bool is_calm = now - reorder->late_at >= calm_ns;
    struct reorder_cpu unseen = {.behind = reorder->first_seen};
    if (reorder->nseen < reorder->ncpus)
        oldest = cpu_mark(reorder, &unseen, is_calm, now);
    for (int i = 0; i <= reorder->highest; i++) {
        uint64_t mark = reorder->cpus[i].tick != 0 ? cpu_mark(reorder, &reorder->cpus[i], is_calm, now) : oldest;
        oldest = mark < oldest ? mark : oldest;
    }
    return oldest;
}

/* Gives the memory of what has been passed on to what comes, when that is the most of it, so that not much is moved often. */
static void
compact(struct reorder *reorder)
{
    if (reorder->next == reorder->nheld)
        reorder->next = reorder->ready = reorder->nheld = reorder->passed = reorder->bytes.len = 0;
    if (reorder->passed <= reorder->bytes.len / 4 * 3)
        return;
    forget(reorder);
    size_t first = reorder->bytes.len;
    for (size_t i = 0; i < reorder->nheld; i++)
        if (reorder->held[i].at < first)
            first = reorder->held[i].at;
    reorder->bytes.len -= first;
    reorder->passed -= first;
    memmove(reorder->bytes.ptr, reorder->bytes.ptr + first, reorder->bytes.len);
    for (size_t i = 0; i < reorder->nheld; i++)
        reorder->held[i].at -= first;
}

static void
release_until(struct reorder *reorder, uint64_t nsecs)
{
    compact(reorder);
    if (!reorder->is_sorted)
        sort(reorder);
    while (reorder->ready < reorder->nheld && reorder->held[reorder->ready].nsecs <= nsecs)
        reorder->ready++;
}

/* Returns up to when everything has arrived, and lets it be passed on. */
static uint64_t
release(struct reorder *reorder, uint64_t now)
{
    uint64_t complete = watermark(reorder, now);
    if (reorder->is_batched && reorder->batch < complete)
        complete = reorder->batch;
    if (complete > reorder->released) {
        release_until(reorder, complete);
        reorder->released = complete;
    }
    return complete;
}

uint64_t
reorder_tick(struct reorder *reorder, uint64_t cpu, uint64_t nsecs, uint64_t now)
{
    if (cpu >= REORDER_MAX_CPUS)
        return 0;
    if (reorder->nseen == 0)
        reorder->first_seen = now;
    reorder->nseen += reorder->cpus[cpu].tick == 0;
    reorder->cpus[cpu].tick = nsecs;
    reorder->highest = (int)cpu > reorder->highest ? (int)cpu : reorder->highest;
    if (nsecs > reorder->newest)
        reorder->newest = nsecs;
    note_frame(reorder, nsecs, now);
    return release(reorder, now);
}

uint64_t
reorder_batch(struct reorder *reorder, uint64_t nsecs, uint64_t now)
{
    reorder->batch = nsecs;
    return release(reorder, now);
}

void
reorder_flush(struct reorder *reorder)
{
    release_until(reorder, UINT64_MAX);
}

/* A batch is more than the caches nearby hold. */
static void
prefetch(const struct reorder *reorder)
{
    enum { AHEAD = 4 };
    if (reorder->next + AHEAD < reorder->ready)
        __builtin_prefetch(reorder->bytes.ptr + reorder->held[reorder->next + AHEAD].at);
}

bool
reorder_next(struct reorder *reorder, struct record *record)
{
    if (reorder->next == reorder->ready)
        return false;
    prefetch(reorder);
    reorder->passed += record_copy_get(reorder->bytes.ptr + reorder->held[reorder->next++].at, record);
    return true;
}

uint64_t
reorder_released(const struct reorder *reorder)
{
    return reorder->released;
}

size_t
reorder_size(const struct reorder *reorder)
{
    return reorder->bytes.len;
}
