/* What a benchmark found: named figures in their order. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/lib/tally.h"

#define REPORT_FIGURES 48

struct figure {
    const char *name;
    double value;
};

struct report {
    struct figure figures[REPORT_FIGURES];
    size_t count;
};

void report_add(struct report *report, const char *name, double value);

/* The figures that every benchmark of commands has. */
void report_tally(struct report *report, const struct tally *tally);

/* p50_us, p99_us, p999_us and max_us of the latencies. */
void report_latency(struct report *report, const struct histogram *latency);

/* max_rss_bytes and rss_anon_bytes, as they are now. */
void report_memory(struct report *report);

#endif
