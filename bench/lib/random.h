/* Numbers that look random and are the same in each run, and which of many accounts is meant next. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* The first state of the flow of orders that all peers are measured with. */
#define RANDOM_FIRST UINT64_C(88172645463325252)

/* Marsaglia's 64-bit xorshift; the state is the number. */
uint64_t random_next(uint64_t *state);

enum skew_kind {
    SKEW_UNIFORM,
    SKEW_HOT,  /* `traffic` of the commands are for `accounts` of the accounts */
    SKEW_ZIPF, /* the n-th account has 1 / n^theta of the commands of the first */
};

struct skew {
    enum skew_kind kind;
    double traffic;
    double accounts;
    double theta;
};

/* Reads "uniform", "80/20" or "zipf:0.99". False when it is none of these. */
bool skew_parse(struct skew *skew, const char *text);

/* Picks of 0 … count − 1. Those picked often lie scattered over the whole range. */
struct picker {
    struct skew skew;
    uint64_t count;
    uint64_t hot;     /* SKEW_HOT: how many accounts are */
    uint64_t scatter; /* has no factor in common with count */
    double zeta;      /* SKEW_ZIPF: as Gray et al. generate it ("Quickly generating billion-record synthetic databases") */
    double eta;
};

void picker_open(struct picker *picker, const struct skew *skew, uint64_t count);
uint64_t picker_next(const struct picker *picker, uint64_t *state);

#endif
