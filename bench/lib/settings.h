/* What a benchmark is to do. */
#ifndef BENCH_SETTINGS_H
#define BENCH_SETTINGS_H

#include "bench/lib/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <trading/engine.h>

/* What may be measured in turns with the engine. */
enum beside {
    BESIDE_NOTHING,
    BESIDE_LMDB, /* records of 128 bytes, as many a commit as the engine gets commands a batch */
    BESIDE_DISK, /* 4 kB written over a file of zeros and synced */
};

struct settings {
    const char *store; /* a URI; NULL: a store in a folder that is removed at the end */
    size_t accounts;
    size_t batch;   /* commands a call */
    size_t threads; /* more than one: each calls trading_engine_execute by itself */
    uint32_t partitions;
    size_t flight;     /* one thread: batches that are submitted and not yet answered */
    double seconds;    /* of measuring */
    uint64_t commands; /* so many; 0: as many as the time allows */
    uint64_t warm;     /* commands before them that do not count, at least; a tenth of the time also goes before */
    uint64_t rate;     /* commands a second, each batch at its time; 0: the next as soon as one is answered */
    uint64_t reads;    /* views: a second, beside the writer */
    uint64_t events;   /* how many the journal has at first, about; deposits: 0: what comes of the accounts alone */
    struct skew skew;
    trading_engine_options engine;
    enum beside beside;
    FILE *log; /* NULL, or where the histogram of latencies goes */
    /* Called about ten times a second while something long goes on; NULL: not. `part` of 1 is done. */
    void (*progress)(const char *what, double part, double per_second);
};

#endif
