/* Fences for bytes that threads read and write without a lock and check afterwards. */
#ifndef BASE_FENCE_H
#define BASE_FENCE_H

#include <stdatomic.h>

/* ThreadSanitizer does not know fences, and GCC says so. What they order here are bytes that it does not watch. */
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* What was read before is read before what is read or written after. */
static inline void fence_acquire(void)
{
    atomic_thread_fence(memory_order_acquire);
}

/* What was read or written before comes before what is written after. */
static inline void fence_release(void)
{
    atomic_thread_fence(memory_order_release);
}

#endif
