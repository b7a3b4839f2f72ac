#include "show/summary.h"

#include "base/no_memory.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { NS_A_MS = 1000000, INTERVAL_MS = 1000, WINDOW_MS = 60000, PARTS_OF_WINDOW = 6 };

const char *const summary_sort_names[SUMMARY_SORTS] = {
    [SUMMARY_BY_REQUESTS] = "requests", [SUMMARY_BY_ERRORS] = "errors", [SUMMARY_BY_P50] = "p50",
    [SUMMARY_BY_P99] = "p99",           [SUMMARY_BY_MAX] = "max",       [SUMMARY_BY_BYTES] = "bytes"};

/* Requests of one key in one slot. */
struct entry {
    UT_hash_handle hh;
    struct tally tally;
    size_t len;
    char key[];
};

/* A part of the window. */
struct summary_slot {
    struct tally tally;    /* of all, but for the interval */
    struct entry *entries; /* a hash table */
    struct tally other;    /* of keys that found no room */
    uint64_t from;
    struct counted_sums from_counted; /* what the servers had counted then */
};

/* What was allocated. */
static void *
need(void *memory)
{
    if (memory == NULL)
        no_memory();
    return memory;
}

const char *
summary_source(const struct summary *summary)
{
    bool has_both = summary->has_probes && summary->has_structures;
    return has_both ? "both" : summary->has_structures ? "server" : summary->has_probes ? "probes" : NULL;
}

uint64_t
summary_interval_ms(const struct summary_request *request)
{
    return request->interval_ms != 0 ? request->interval_ms : INTERVAL_MS;
}

static uint64_t
interval_ns(const struct summary_request *request)
{
    return summary_interval_ms(request) * NS_A_MS;
}

static uint64_t
window_ns(const struct summary_request *request)
{
    if (request->kind == SUMMARY_HIST)
        return interval_ns(request); /* it shows nothing else */
    return (request->window_ms != 0 ? request->window_ms : WINDOW_MS) * NS_A_MS;
}

/* There are few with keys, as each is a hash table then. */
static size_t
slots_of(const struct summary_request *request)
{
    return request->is_cumulative ? 1 : request->ncolumns > 0 ? PARTS_OF_WINDOW : SUMMARY_SLOTS;
}

/* How long a slot is at least; it ends with an interval. */
static uint64_t
slot_ns(const struct summary_request *request)
{
    return window_ns(request) / slots_of(request);
}

void
summary_init(struct summary *summary, const struct summary_request *request)
{
    *summary = (struct summary){.request = request, .nslots = slots_of(request)};
    summary->slots = need(calloc(summary->nslots, sizeof(*summary->slots)));
}

/* What an entry takes, but for its histograms. */
static size_t
size_of(const struct entry *entry)
{
    return sizeof(*entry) + entry->len + 1;
}

static void
clear_slot(struct summary *summary, struct summary_slot *slot)
{
    struct entry *entry, *next;
    HASH_ITER(hh, slot->entries, entry, next)
    {
        HASH_DEL(slot->entries, entry);
        summary->key_bytes -= size_of(entry);
        tally_free(&entry->tally);
        free(entry);
    }
    tally_free(&slot->tally);
    tally_free(&slot->other);
    *slot = (struct summary_slot){0};
}

void
summary_free(struct summary *summary)
{
    for (size_t i = 0; i < summary->nslots; i++)
        clear_slot(summary, &summary->slots[i]);
    free(summary->slots);
    tally_free(&summary->now);
    tally_free(&summary->total);
    counted_free(&summary->counted);
    text_free(&summary->key);
    *summary = (struct summary){0};
}

void
summary_set_interval(struct summary *summary, struct summary_request *request, uint64_t interval_ms)
{
    request->interval_ms = interval_ms;
    if (summary->until != 0)
        summary->until = summary->from + interval_ns(request);
}

/* NULL: there is no room for another key. */
static struct entry *
find_entry(struct entry **entries, struct slice key, bool has_room)
{
    struct entry *entry;
    HASH_FIND(hh, *entries, key.ptr, key.len, entry);
    if (entry != NULL || !has_room)
        return entry;
    entry = need(calloc(1, sizeof(*entry) + key.len + 1));
    entry->len = key.len;
    memcpy(entry->key, key.ptr, key.len);
    HASH_ADD_KEYPTR(hh, *entries, entry->key, entry->len, entry);
    return entry;
}

static void
add_to_key(struct summary *summary, const struct exchange *exchange)
{
    struct summary_slot *slot = &summary->slots[summary->at];
    struct outbuf *key = &summary->key;
    size_t most = summary->nslots > 1 ? SUMMARY_MOST_KEYS_OF_SLOT : SUMMARY_MOST_KEYS, before = HASH_COUNT(slot->entries);
    bool has_room = before < most && summary->key_bytes < SUMMARY_MOST_KEY_BYTES;
    key->len = 0;
    access_log_put(&summary->request->key, key, exchange, 0);
    struct entry *entry = find_entry(&slot->entries, (struct slice){key->ptr, key->len}, has_room);
    summary->key_bytes += HASH_COUNT(slot->entries) > before ? size_of(entry) : 0;
    tally_add(entry != NULL ? &entry->tally : &slot->other, exchange);
}

void
summary_add(struct summary *summary, const struct exchange *exchange)
{
    tally_add(&summary->now, exchange);
    summary->has_structures |= exchange->whole.is_there;
    summary->has_probes |= !exchange->whole.is_there;
    if (summary->request->ncolumns > 0)
        add_to_key(summary, exchange);
}

bool
summary_add_ack(struct summary *summary, const struct record *record)
{
    enum { US_A_MS = 1000 };
    int rtt = record_field(record, "rtt_latest"), cwnd = record_field(record, "cwnd");
    if (rtt < 0 || cwnd < 0)
        return false;
    histogram_add(&summary->now.values[TALLY_RTT], record->values[rtt].number * US_A_MS);
    histogram_add(&summary->now.values[TALLY_CWND], record->values[cwnd].number);
    summary->now.requests++;
    return true;
}

/* What the servers have counted is asked for when the interval is over, and does not take long to come. */
static bool
waits_for_counters(const struct summary *summary, uint64_t nsecs)
{
    enum { PATIENCE_MS = 500 };
    return summary->request->kind == SUMMARY_STAT && !counted_is_current(&summary->counted, summary->until) &&
           nsecs < summary->until + (uint64_t)PATIENCE_MS * NS_A_MS;
}

bool
summary_tick(struct summary *summary, uint64_t nsecs)
{
    uint64_t interval = interval_ns(summary->request);
    if (nsecs == 0)
        return false; /* nothing has come yet */
    if (summary->until == 0) {
        summary->begun = summary->from = summary->slots[0].from = nsecs;
        summary->until = nsecs + interval;
    }
    summary->latest = nsecs;
    if (nsecs < summary->until || waits_for_counters(summary, nsecs))
        return false;
    summary->until = nsecs; /* it may be late */
    return true;
}

bool
summary_end(struct summary *summary)
{
    bool is_first = summary->begun != 0 && summary->from == summary->begun;
    if (summary->now.requests == 0 && !is_first)
        return false;
    summary->until = summary->latest;
    return true;
}

void
summary_next(struct summary *summary)
{
    struct summary_slot *slot = &summary->slots[summary->at];
    tally_merge(&summary->total, &summary->now);
    tally_merge(&slot->tally, &summary->now);
    tally_free(&summary->now);
    summary->from = summary->until;
    summary->from_counted = summary->counted.sums;
    summary->until += interval_ns(summary->request);
    if (summary->request->is_cumulative || summary->from - slot->from < slot_ns(summary->request))
        return;
    summary->at = (summary->at + 1) % summary->nslots;
    clear_slot(summary, &summary->slots[summary->at]);
    summary->slots[summary->at].from = summary->from;
    summary->slots[summary->at].from_counted = summary->counted.sums;
}

/* Whether all of it is in the window that ends now. What is being filled is, whatever its length. */
static bool
is_in_window(const struct summary *summary, size_t slot)
{
    const struct summary_slot *part = &summary->slots[slot];
    return slot == summary->at || (part->from != 0 && part->from + window_ns(summary->request) >= summary->until);
}

struct tally
summary_window(const struct summary *summary)
{
    struct tally sum = {0};
    for (size_t i = 0; i < summary->nslots; i++)
        if (is_in_window(summary, i))
            tally_merge(&sum, &summary->slots[i].tally);
    tally_merge(&sum, &summary->now);
    return sum;
}

struct tally
summary_total(const struct summary *summary)
{
    struct tally sum = {0};
    tally_merge(&sum, &summary->total);
    tally_merge(&sum, &summary->now);
    return sum;
}

/* The oldest part of the window. */
static const struct summary_slot *
first_slot(const struct summary *summary)
{
    const struct summary_slot *first = &summary->slots[summary->at];
    for (size_t i = 0; i < summary->nslots; i++)
        if (is_in_window(summary, i) && summary->slots[i].from < first->from)
            first = &summary->slots[i];
    return first;
}

uint64_t
summary_window_ns(const struct summary *summary)
{
    return summary->until - first_slot(summary)->from;
}

static struct counted_sums
counted_since(const struct summary *summary, const struct counted_sums *from)
{
    struct counted_sums since = summary->counted.sums;
    for (int i = 0; i < COUNTERS; i++)
        since.numbers[i] -= from->numbers[i];
    return since;
}

struct counted_sums
summary_counted_now(const struct summary *summary)
{
    return counted_since(summary, &summary->from_counted);
}

struct counted_sums
summary_counted_window(const struct summary *summary)
{
    return counted_since(summary, &first_slot(summary)->from_counted);
}

uint64_t
summary_count_at(const struct summary *summary)
{
    return summary->request->kind == SUMMARY_STAT ? summary->until : UINT64_MAX;
}

/* ---- Rows. */

size_t
summary_lines(const struct summary_request *request)
{
    enum { LINES = 20 };
    return request->lines == 0 ? LINES : request->lines;
}

const struct histogram *
summary_times(const struct tally *tally)
{
    return &tally->values[tally->values[TALLY_DURATION].total > 0 ? TALLY_DURATION : TALLY_TTFB];
}

static uint64_t
weight_of(const struct tally *tally, enum summary_sort sort)
{
    switch (sort) {
    case SUMMARY_BY_ERRORS:
        return tally_errors(tally);
    case SUMMARY_BY_P50:
        return histogram_quantile(summary_times(tally), 0.5);
    case SUMMARY_BY_P99:
        return histogram_quantile(summary_times(tally), 0.99);
    case SUMMARY_BY_MAX:
        return summary_times(tally)->max;
    case SUMMARY_BY_BYTES:
        return tally->values[TALLY_BYTES].sum;
    default:
        return tally->requests;
    }
}

/* All keys of the window, each once. */
static struct entry *
join_slots(const struct summary *summary, struct tally *other)
{
    struct entry *all = NULL, *entry, *next;
    for (size_t i = 0; i < summary->nslots; i++) {
        if (!is_in_window(summary, i))
            continue;
        tally_merge(other, &summary->slots[i].other);
        HASH_ITER(hh, summary->slots[i].entries, entry, next)
        {
            bool has_room = HASH_COUNT(all) < SUMMARY_MOST_KEYS;
            struct entry *joined = find_entry(&all, (struct slice){entry->key, entry->len}, has_room);
            tally_merge(joined != NULL ? &joined->tally : other, &entry->tally);
        }
    }
    return all;
}

struct ranked {
    uint64_t weight;
    struct entry *entry;
};

/* The heaviest first; equal ones by how many they are, and then by their keys, so that the order is always the same. */
static int
compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight < right->weight ? 1 : -1;
    uint64_t more = left->entry->tally.requests, less = right->entry->tally.requests;
    return more != less ? (more < less ? 1 : -1) : strcmp(left->entry->key, right->entry->key);
}

/* All of them, the heaviest first, out of their hash table. The caller frees the array and the entries. */
static struct ranked *
rank(struct entry *all, enum summary_sort sort)
{
    struct entry *entry, *next;
    size_t count = HASH_COUNT(all), at = 0;
    struct ranked *ranked = need(calloc(count + 1, sizeof(*ranked)));
    HASH_ITER(hh, all, entry, next)
    {
        ranked[at++] = (struct ranked){weight_of(&entry->tally, sort), entry};
        HASH_DEL(all, entry);
    }
    qsort(ranked, count, sizeof(*ranked), compare_ranked);
    return ranked;
}

struct summary_rows
summary_rows(const struct summary *summary, size_t most)
{
    struct summary_rows rows = {0};
    struct entry *all = join_slots(summary, &rows.other.tally);
    rows.keys = HASH_COUNT(all);
    rows.count = rows.keys < most ? rows.keys : most;
    rows.items = need(calloc(rows.count + 1, sizeof(*rows.items)));
    struct ranked *ranked = rank(all, summary->request->sort);
    for (size_t i = 0; i < rows.keys; i++) {
        struct entry *entry = ranked[i].entry;
        if (i < rows.count) {
            rows.items[i] = (struct summary_row){need(strndup(entry->key, entry->len)), entry->tally};
        } else {
            tally_merge(&rows.other.tally, &entry->tally);
            tally_free(&entry->tally);
        }
        free(entry);
    }
    free(ranked);
    return rows;
}

void
summary_free_rows(struct summary_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->items[i].key);
        tally_free(&rows->items[i].tally);
    }
    tally_free(&rows->other.tally);
    free(rows->items);
}

void
summary_put_key(struct outbuf *out, const struct summary_row *row)
{
    text_printf(out, "%s%s", row->key != NULL ? " " : "*other", row->key != NULL ? row->key : "");
}
