/* The clock by which waits, pauses and deadlines are measured: nobody sets it. */
#ifndef CLI_MONOTONIC_H
#define CLI_MONOTONIC_H

#include <stdint.h>

/* Nanoseconds of a clock that only goes forward. */
int64_t monotonic_now(void);

#endif
