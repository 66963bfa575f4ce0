/* What was measured of one kind of work, over all its turns. */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "bench/lib/histogram.h"

struct tally {
    uint64_t commands;
    int64_t nanoseconds;
    int64_t cpu; /* nanoseconds of processor, of the whole process */
    uint64_t journal_bytes;
    uint64_t written_bytes;
    uint64_t commits;
    uint64_t events;
    uint64_t syncs;
    struct histogram latency; /* of a call: a batch from when it was due until it was answered */
};

static inline double per_second(uint64_t count, int64_t nanoseconds)
{
    return nanoseconds > 0 ? (double)count * 1e9 / (double)nanoseconds : 0;
}

#endif
