/* What the tests of src/base share: the suites, and random numbers that are the same in every run. */
#ifndef BASE_TEST_H
#define BASE_TEST_H

/* cmocka.h wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Each runs its tests and returns how many failed. */
int bytes_suite(void);
int columns_suite(void);
int decimal_suite(void);
int error_suite(void);
int fork_suite(void);
int bell_suite(void);
int id_suite(void);
int memory_suite(void);
int text_suite(void);
int time_suite(void);
int wide_suite(void);

/* Begin with any value but zero. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* As many small values as large ones: every length in bits up to 63 is as likely, and either sign. */
static inline int64_t random_decimal(uint64_t *state)
{
    uint64_t bits = random_next(state);
    uint64_t magnitude = (random_next(state) >> 1) >> (bits % 63);
    return bits >> 63 ? -(int64_t)magnitude : (int64_t)magnitude;
}

#endif
