/* Arithmetic to check the library against, which shares nothing with it: magnitudes as decimal digits, worked as on paper. */
#ifndef BASE_PAPER_H
#define BASE_PAPER_H

#include <stdbool.h>
#include <stdint.h>

#define PAPER_DIGITS 40 /* more than 2¹²⁷ has */

struct paper {
    int digit[PAPER_DIGITS]; /* the lowest first */
};

/* The magnitude of a value. */
struct paper paper_from(int64_t value);

/* The factors have at most half of the digits. */
struct paper paper_multiply(const struct paper *a, const struct paper *b);

/* Long division, rounded half to even. */
struct paper paper_divide(const struct paper *numerator, const struct paper *divisor);

/* total × part ÷ whole, signed; false, and `share` untouched, when it does not fit a decimal. */
bool paper_share(int64_t total, int64_t part, int64_t whole, int64_t *share);

/* Values at which arithmetic tends to go wrong. */
#define EDGES 35
extern const int64_t edges[EDGES];

#endif
