/* Time that passes, and how much of it the process worked. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>

#define SECOND INT64_C(1000000000)

/* Nanoseconds of a clock that only goes forward. */
int64_t bench_now(void);

/* Sleeps until bench_now() is `time`; at once when that has passed. */
void bench_sleep_until(int64_t time);

/* Nanoseconds of processor that all threads of this process used, and that the calling thread used. */
int64_t bench_process_cpu(void);
int64_t bench_thread_cpu(void);

#endif
