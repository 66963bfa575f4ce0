#include "bench/lib/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* From 0 up to and without 1. */
static double random_part(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

/* From 0 up to and without `count`, by multiplying instead of dividing. */
static uint64_t random_below(uint64_t *state, uint64_t count)
{
    return (uint64_t)((unsigned __int128)random_next(state) * count >> 64);
}

/* ---- skew ---- */

static bool read_number(const char **text, double *number)
{
    char *end;
    *number = strtod(*text, &end);
    bool read = end != *text;
    *text = end;
    return read;
}

static bool parse_hot(struct skew *skew, const char *text)
{
    double traffic;
    double accounts;
    if (!read_number(&text, &traffic) || *text++ != '/' || !read_number(&text, &accounts) || *text)
        return false;
    *skew = (struct skew){.kind = SKEW_HOT, .traffic = traffic / 100, .accounts = accounts / 100};
    return traffic > 0 && traffic < 100 && accounts > 0 && accounts < 100;
}

static bool parse_zipf(struct skew *skew, const char *text)
{
    *skew = (struct skew){.kind = SKEW_ZIPF};
    return read_number(&text, &skew->theta) && !*text && skew->theta > 0 && skew->theta < 1;
}

bool skew_parse(struct skew *skew, const char *text)
{
    if (!strcmp(text, "uniform")) {
        *skew = (struct skew){.kind = SKEW_UNIFORM};
        return true;
    }
    if (!strncmp(text, "zipf:", 5))
        return parse_zipf(skew, text + 5);
    return parse_hot(skew, text);
}

/* ---- picking ---- */

static uint64_t common_factor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double zeta(uint64_t count, double theta)
{
    double sum = 0;
    for (uint64_t i = 1; i <= count; i++)
        sum += pow((double)i, -theta);
    return sum;
}

void picker_open(struct picker *picker, const struct skew *skew, uint64_t count)
{
    *picker = (struct picker){.skew = *skew, .count = count, .scatter = UINT64_C(2654435761)};
    while (common_factor(picker->scatter, count) != 1)
        picker->scatter += 2;
    if (skew->kind == SKEW_HOT) {
        picker->hot = (uint64_t)((double)count * skew->accounts);
        picker->hot += picker->hot == 0;
    } else if (skew->kind == SKEW_ZIPF) {
        picker->zeta = zeta(count, skew->theta);
        picker->eta = (1 - pow(2.0 / (double)count, 1 - skew->theta)) / (1 - zeta(2, skew->theta) / picker->zeta);
    }
}

/* Which of the accounts in order of how often they are picked. */
static uint64_t zipf_rank(const struct picker *picker, uint64_t *state)
{
    double part = random_part(state);
    double theta = picker->skew.theta;
    if (part * picker->zeta < 1)
        return 0;
    if (part * picker->zeta < 1 + pow(0.5, theta))
        return 1;
    return (uint64_t)((double)picker->count * pow(picker->eta * part - picker->eta + 1, 1 / (1 - theta)));
}

static uint64_t hot_rank(const struct picker *picker, uint64_t *state)
{
    if (random_part(state) < picker->skew.traffic || picker->hot == picker->count)
        return random_below(state, picker->hot);
    return picker->hot + random_below(state, picker->count - picker->hot);
}

uint64_t picker_next(const struct picker *picker, uint64_t *state)
{
    if (picker->skew.kind == SKEW_UNIFORM)
        return random_below(state, picker->count);
    uint64_t rank = picker->skew.kind == SKEW_HOT ? hot_rank(picker, state) : zipf_rank(picker, state);
    return rank * picker->scatter % picker->count; /* both below 2³²: accounts are numbered in 32 bits */
}
