/* Waiting at a word of memory, and waking who waits there. */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <limits.h>
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

/* It names an address and reads nothing there, so the word may be gone by then; at worst somebody looks in vain. */
static inline void futex_wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#endif
