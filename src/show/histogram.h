#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* How often which number occurred. Up to 31 each has a bucket of its own; from there on every power of two has 16 buckets, so
 * that the middle of a bucket is at most 3.2 % off. Only the buckets between the lowest and the highest that were needed take
 * memory. Begin with {0}. */
struct histogram {
    uint64_t *counts; /* of `used` buckets, from number `first` on */
    unsigned first, used;
    uint64_t total; /* of all counts */
    uint64_t sum;   /* of the numbers */
    uint64_t min, max;
};

void histogram_add(struct histogram *histogram, uint64_t number);

/* Adds all of `other`. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The number that a share of all are not above, as 0.99: the middle of its bucket, within the lowest and the highest. 0: it is
 * empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* How many numbers are in buckets that end below `bound`, or there. Exact for bounds that a bucket ends with: 2^n - 1 does. */
uint64_t histogram_below(const struct histogram *histogram, uint64_t bound);

/* The bucket of a number, and the lowest number of a bucket. */
unsigned histogram_bucket(uint64_t number);
uint64_t histogram_low(unsigned bucket);

void histogram_free(struct histogram *histogram);

#endif
