/* Threads that look at accounts and portfolios by their ids, in turn, through one view that follows the journal. */
#ifndef BENCH_READERS_H
#define BENCH_READERS_H

#include "bench/lib/subject.h"
#include "bench/lib/tally.h"

#include <pthread.h>
#include <stdatomic.h>

struct reader {
    struct readers *readers;
    pthread_t thread;
    uint64_t random;
    uint64_t reads;
    int64_t cpu;
    struct histogram latency; /* of one read, now and then */
    trading_error error;
};

struct readers {
    const struct subject *subject;
    trading_view *view;
    const trading_id *portfolios;
    struct reader *readers;
    size_t count;
    double interval; /* nanoseconds between two rounds of a reader; 0: no pace */
    int64_t begun;
    atomic_bool stop;
};

/* What they did together. */
struct reading {
    uint64_t reads;
    int64_t nanoseconds;
    int64_t cpu;
    struct histogram latency;
};

/* Starts so many threads. `portfolios` are as many as the subject has accounts. */
int32_t readers_start(struct readers *readers, const struct subject *subject, const trading_id *portfolios, size_t count,
                      uint64_t rate, trading_error *error);

/* Ends them, after a round of each at least, and adds what they did to `reading`. */
int32_t readers_stop(struct readers *readers, struct reading *reading, trading_error *error);

#endif
