#include "run/count.h"

#include "base/clock.h"
#include "host/sandbox.h"

#include <elf.h>
#include <unistd.h>

/* A context of h2o's has some 4 KB, and h2o a few dozens of threads. */
enum { COUNT_MS = 500, MAX_THREADS = 4096, MAX_CONTEXT = 256 * 1024 };

/* What is read, in the process that reads. */
struct reading {
    pid_t pid;
    const struct members_place *places;
    bool is_of_run;
    uint64_t entry; /* where the kernel has put the program's beginning */
    int memory;
};

static uint64_t
read_entry(pid_t pid)
{
    Elf64_auxv_t items[64];
    uint64_t entry = 0;
    size_t got = process_read_start(pid, "auxv", (char *)items, sizeof(items));
    for (size_t i = 0; i < got / sizeof(items[0]); i++)
        if (items[i].a_type == AT_ENTRY)
            entry = items[i].a_un.a_val;
    return entry;
}

/* The context is the process's own copy. */
static int
open_memory(const void *context, struct outbuf *head)
{
    struct reading *reading = *(struct reading *const *)context;
    reading->entry = read_entry(reading->pid);
    return process_open(&(struct process_proc_file){reading->pid, "mem"}, head);
}

/* 0: it is not known, or cannot be read. */
static uint64_t
read_number(const struct reading *reading, uint64_t address, unsigned size)
{
    uint64_t number = 0;
    return pread(reading->memory, &number, size, (off_t)address) == (ssize_t)size ? number : 0;
}

/* Where a value stands that is none of a context's; 0: it is not known. */
static uint64_t
address_of(const struct reading *reading, int value)
{
    const struct members_place *place = &reading->places[value];
    return place->nsteps == 1 ? reading->entry + (uint64_t)(int64_t)place->offsets[0] : 0;
}

static uint64_t
read_value(const struct reading *reading, int value)
{
    uint64_t address = address_of(reading, value);
    return address != 0 ? read_number(reading, address, reading->places[value].size) : 0;
}

/* A member of the context at that address. */
static uint64_t
read_of_context(const struct reading *reading, int value, uint64_t context)
{
    const struct members_place *place = &reading->places[value];
    return read_number(reading, context + (uint64_t)(int64_t)place->offsets[1], place->size);
}

/* Adds what the thread has counted. false: what is there is no context of this server's. */
static bool
add_context(const struct reading *reading, uint64_t context, struct counters *counters)
{
    if (read_of_context(reading, STRUCTURES_CONTEXT_OWNER, context) != address_of(reading, STRUCTURES_OWNER))
        return false;
    for (int i = 0; i < COUNTERS; i++)
        if (reading->places[STRUCTURES_COUNTERS + i].nsteps == 2)
            counters->numbers[i] += read_of_context(reading, STRUCTURES_COUNTERS + i, context);
    return true;
}

static bool
add_contexts(const struct reading *reading, struct counters *counters)
{
    uint64_t threads = read_value(reading, STRUCTURES_THREADS), first = read_value(reading, STRUCTURES_CONTEXTS);
    uint64_t size = (uint64_t)reading->places[STRUCTURES_CONTEXT_SIZE].offsets[0];
    bool is_good = threads > 0 && threads <= MAX_THREADS && first != 0 && size > 0 && size <= MAX_CONTEXT;
    for (uint64_t i = 0; is_good && i < threads; i++)
        is_good = add_context(reading, first + i * size, counters);
    return is_good;
}

/* What has been opened and is not open. */
static void
derive_closed(struct counters *counters)
{
    uint64_t opened = counters->numbers[COUNTER_CONNECTIONS_OPENED], open = counters->numbers[COUNTER_CONNECTIONS_OPEN];
    counters->are_known[COUNTER_CONNECTIONS_CLOSED] =
        counters->are_known[COUNTER_CONNECTIONS_OPENED] && counters->are_known[COUNTER_CONNECTIONS_OPEN];
    counters->numbers[COUNTER_CONNECTIONS_CLOSED] = opened > open ? opened - open : 0;
}

static void
read_counters(int memory, const void *context, struct outbuf *answer)
{
    struct reading *reading = *(struct reading *const *)context;
    struct counters counters = {.is_of_run = reading->is_of_run};
    reading->memory = memory;
    if (reading->entry == 0 || !add_contexts(reading, &counters))
        return;
    for (int i = 0; i < COUNTERS; i++) {
        counters.are_known[i] = reading->places[STRUCTURES_COUNTERS + i].nsteps > 0;
        if (reading->places[STRUCTURES_COUNTERS + i].nsteps == 1)
            counters.numbers[i] = read_value(reading, STRUCTURES_COUNTERS + i);
    }
    derive_closed(&counters);
    counters_write(answer, &counters);
}

/* Whether the places are those of a variable and of contexts. */
static bool
are_known(const struct members_place *places)
{
    return places[STRUCTURES_THREADS].nsteps == 1 && places[STRUCTURES_CONTEXTS].nsteps == 1 &&
           places[STRUCTURES_CONTEXT_SIZE].nsteps == 1 && places[STRUCTURES_CONTEXT_OWNER].nsteps == 2 &&
           places[STRUCTURES_OWNER].nsteps == 1;
}

void
count_read(const struct target *target, const struct members_place *places, bool is_of_run, struct outbuf *out)
{
    struct diag ignored;
    size_t before = out->len;
    struct reading reading = {.pid = target->pid, .places = places, .is_of_run = is_of_run}, *context = &reading;
    const struct sandbox_file file = {.open = open_memory, .context = &context};
    if (are_known(places) && sandbox_run(&file, read_counters, &context, clock_ms() + COUNT_MS, out, &ignored) != 0)
        out->len = before;
}
