/* Whether this is still the process that began something, without a system call: a page that the kernel wipes in a child. Where the kernel
 * has no such pages, process numbers are compared, which may be wrong only when the child of a child got the number again. */
#ifndef BASE_FORK_H
#define BASE_FORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <trading/error.h>

struct fork_guard {
    const volatile long *alive; /* not zero in the process that opened it; NULL: there is no page */
    pid_t process;
};

void fork_guard_open(struct fork_guard *guard);
/* In the process that opened it. */
void fork_guard_close(struct fork_guard *guard);

bool fork_guard_compare(const struct fork_guard *guard);

/* TRADING_E_FORKED, for who finds that it does not hold. */
int32_t fork_guard_refuse(const struct fork_guard *guard, trading_error *error);

/* False in a child of the process that opened it. Any thread. */
static inline bool fork_guard_holds(const struct fork_guard *guard)
{
    return guard->alive ? *guard->alive != 0 : fork_guard_compare(guard);
}

#endif
