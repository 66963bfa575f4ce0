/* Waiting at a word of memory, and waking who waits there. */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Waits while the word has the value, until the deadline of the monotonic clock (NULL: for ever); may return for no reason. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *deadline)
{
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Wakes at most so many, those who wait longest first; returns how many there were. It names an address and reads nothing there, so the word
 * may be gone by then; at worst somebody looks in vain. */
static inline uint32_t futex_wake(_Atomic uint32_t *word, uint32_t most)
{
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
    return woken < 0 ? 0 : (uint32_t)woken;
}

#endif
