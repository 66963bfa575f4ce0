#include "bench/lib/histogram.h"

#include "bench/lib/histogram_shape.h"

#include <stdlib.h>
#include <string.h>

bool histogram_open(struct histogram *histogram)
{
    *histogram = (struct histogram){.counts = calloc(HISTOGRAM_COUNTS, sizeof *histogram->counts)};
    return histogram->counts;
}

void histogram_close(struct histogram *histogram)
{
    free(histogram->counts);
    histogram->counts = NULL;
}

void histogram_clear(struct histogram *histogram)
{
    memset(histogram->counts, 0, HISTOGRAM_COUNTS * sizeof *histogram->counts);
    histogram->total = 0;
    histogram->max = 0;
}

/* The first bucket has 2,048 places one nanosecond wide; each further one has 1,024, twice as wide as those of the one before. */
static size_t place_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | (SUB_BUCKETS - 1));
    unsigned bucket = bits - SUB_BUCKET_BITS;
    return (size_t)bucket * (SUB_BUCKETS / 2) + (size_t)(value >> bucket);
}

/* The largest value that is counted in that place. */
static int64_t value_at(size_t place)
{
    if (place < SUB_BUCKETS)
        return (int64_t)place;
    size_t bucket = place / (SUB_BUCKETS / 2) - 1;
    uint64_t first = (uint64_t)(place - bucket * (SUB_BUCKETS / 2)) << bucket;
    return (int64_t)(first + (UINT64_C(1) << bucket) - 1);
}

void histogram_record(struct histogram *histogram, int64_t value)
{
    if (value < 0)
        value = 0;
    if (value > HISTOGRAM_MOST)
        value = HISTOGRAM_MOST;
    histogram->counts[place_of((uint64_t)value)]++;
    histogram->total++;
    if (value > histogram->max)
        histogram->max = value;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->total += other->total;
    if (other->max > histogram->max)
        histogram->max = other->max;
}

int64_t histogram_percentile(const struct histogram *histogram, double part)
{
    double wanted = part * (double)histogram->total;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            return value_at(i) < histogram->max ? value_at(i) : histogram->max;
    }
    return 0;
}
