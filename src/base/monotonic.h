/* The clock that waits go by, which nobody sets. */
#ifndef BASE_MONOTONIC_H
#define BASE_MONOTONIC_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include <trading/time.h>

/* Nanoseconds. */
static inline int64_t monotonic_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
}

/* So many nanoseconds from now, 0 or more. */
static inline struct timespec monotonic_after(int64_t nanoseconds)
{
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t fraction = after.tv_nsec + nanoseconds % TRADING_NANOSECONDS_PER_SECOND;
    after.tv_sec += nanoseconds / TRADING_NANOSECONDS_PER_SECOND + fraction / TRADING_NANOSECONDS_PER_SECOND;
    after.tv_nsec = fraction % TRADING_NANOSECONDS_PER_SECOND;
    return after;
}

static inline bool monotonic_has_passed(const struct timespec *deadline)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* A condition whose timed waits end at a time of this clock. */
static inline void monotonic_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

#endif
