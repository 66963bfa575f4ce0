/* Deposits to the accounts of a subject, picked by the skew of its settings. */
#ifndef BENCH_DEPOSITS_H
#define BENCH_DEPOSITS_H

#include "bench/lib/drive.h"

struct deposits {
    const struct subject *subject;
    struct picker picker;
};

/* The subject is populated. */
void deposits_open(struct deposits *deposits, const struct subject *subject);
struct flow deposits_flow(struct deposits *deposits);

#endif
