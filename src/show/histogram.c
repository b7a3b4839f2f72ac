#include "show/histogram.h"

#include "base/no_memory.h"

#include <stdlib.h>
#include <string.h>

enum { SUB_BITS = 4, SUBS = 1 << SUB_BITS }; /* buckets of a power of two */

unsigned
histogram_bucket(uint64_t number)
{
    if (number < 2 * SUBS)
        return (unsigned)number;
    unsigned shift = 63 - SUB_BITS - (unsigned)__builtin_clzll(number);
    return shift * SUBS + (unsigned)(number >> shift);
}

uint64_t
histogram_low(unsigned bucket)
{
    if (bucket < 2 * SUBS)
        return bucket;
    unsigned shift = bucket / SUBS - 1;
    return (uint64_t)(bucket - shift * SUBS) << shift;
}

/* Makes room for buckets from `from` to `to`. */
static void
cover(struct histogram *histogram, unsigned from, unsigned to)
{
    unsigned end = histogram->first + histogram->used;
    if (histogram->used > 0 && from >= histogram->first && to < end)
        return;
    unsigned first = histogram->used > 0 && histogram->first < from ? histogram->first : from;
    unsigned last = histogram->used > 0 && end > to + 1 ? end - 1 : to;
    uint64_t *counts = calloc(last - first + 1, sizeof(*counts));
    if (counts == NULL)
        no_memory();
    if (histogram->used > 0)
        memcpy(counts + (histogram->first - first), histogram->counts, histogram->used * sizeof(*counts));
    free(histogram->counts);
    histogram->counts = counts;
    histogram->first = first;
    histogram->used = last - first + 1;
}

void
histogram_add(struct histogram *histogram, uint64_t number)
{
    unsigned bucket = histogram_bucket(number);
    cover(histogram, bucket, bucket);
    histogram->counts[bucket - histogram->first]++;
    histogram->total++;
    histogram->sum += number;
    if (histogram->total == 1 || number < histogram->min)
        histogram->min = number;
    if (number > histogram->max)
        histogram->max = number;
}

void
histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    if (other->used == 0)
        return;
    cover(histogram, other->first, other->first + other->used - 1);
    for (unsigned i = 0; i < other->used; i++)
        histogram->counts[other->first + i - histogram->first] += other->counts[i];
    if (histogram->total == 0 || other->min < histogram->min)
        histogram->min = other->min;
    histogram->total += other->total;
    histogram->sum += other->sum;
    if (other->max > histogram->max)
        histogram->max = other->max;
}

uint64_t
histogram_quantile(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->total;
    uint64_t seen = 0;
    for (unsigned i = 0; share < 1 && i < histogram->used; i++) {
        seen += histogram->counts[i];
        if (histogram->counts[i] == 0 || (double)seen < wanted)
            continue;
        uint64_t low = histogram_low(histogram->first + i), next = histogram_low(histogram->first + i + 1);
        uint64_t middle = low + (next - low) / 2;
        return middle < histogram->min ? histogram->min : middle < histogram->max ? middle : histogram->max;
    }
    return histogram->max;
}

uint64_t
histogram_below(const struct histogram *histogram, uint64_t bound)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < histogram->used && histogram_low(histogram->first + i + 1) <= bound + 1; i++)
        seen += histogram->counts[i];
    return seen;
}

void
histogram_free(struct histogram *histogram)
{
    free(histogram->counts);
    *histogram = (struct histogram){0};
}
