#include "base/bell.h"

#include "base/futex.h"

#define LISTENED 1u

uint32_t bell_strokes(struct bell *bell)
{
    return atomic_load(&bell->state) | LISTENED;
}

void bell_ring(struct bell *bell)
{
    uint32_t state = atomic_load(&bell->state);
    while (!atomic_compare_exchange_weak(&bell->state, &state, (state | LISTENED) + 1))
        continue;
    if (state & LISTENED)
        futex_wake_all(&bell->state);
}

void bell_listen(struct bell *bell, uint32_t strokes, const struct timespec *deadline)
{
    uint32_t unheard = strokes & ~LISTENED;
    if (atomic_compare_exchange_strong(&bell->state, &unheard, strokes) || unheard == strokes)
        futex_wait(&bell->state, strokes, deadline);
}
