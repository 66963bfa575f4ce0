/* Latencies, counted in buckets that are a thousandth of their value wide, after Gil Tene's HdrHistogram; and its log, which the
 * tools around HdrHistogram read and plot. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct histogram {
    uint64_t *counts;
    uint64_t total;
    int64_t max;
};

/* False when there is no memory. */
bool histogram_open(struct histogram *histogram);
void histogram_close(struct histogram *histogram);
void histogram_clear(struct histogram *histogram);

/* Counts a value, in nanoseconds; what is longer than an hour counts as an hour. */
void histogram_record(struct histogram *histogram, int64_t value);

/* Adds all that the other one counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The value that `part` of all values (0.99) are not above, to three digits; 0 when there are none. */
int64_t histogram_percentile(const struct histogram *histogram, double part);

/* Writes a log in the format 1.3 with one interval, which ended now and was `seconds` long. False when it could not be written. */
bool histogram_write_log(const struct histogram *histogram, double seconds, FILE *out);

#endif
