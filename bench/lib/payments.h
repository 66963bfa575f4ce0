/* Deposits to the accounts of a subject, picked by the skew of its settings. */
#ifndef BENCH_PAYMENTS_H
#define BENCH_PAYMENTS_H

#include "bench/lib/drive.h"

struct payments {
    const struct subject *subject;
    struct picker picker;
};

/* The subject is populated. */
void payments_open(struct payments *payments, const struct subject *subject);
struct flow payments_flow(struct payments *payments);

#endif
