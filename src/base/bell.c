#include "base/bell.h"

#include "base/futex.h"

#define LISTENED 1u

/* Waking a thread costs the waker more than a microsecond. So who rings wakes a few, and each of them a few more before it goes its way: the
 * threads that sleep share the work, and who rings is soon back at its own. */
#define A_FEW 16u

uint32_t bell_strokes(struct bell *bell)
{
    return atomic_load(&bell->state) | LISTENED;
}

/* Who listened before the stroke waits in front of who listens after it. So when there were not enough to be woken, none of the former is
 * left; else each of those that were goes on. A later stroke begins anew. */
static void wake_a_few(struct bell *bell)
{
    uint32_t stroke = atomic_load(&bell->waking);
    if (stroke && futex_wake(&bell->state, A_FEW) < A_FEW)
        atomic_compare_exchange_strong(&bell->waking, &stroke, 0);
}

void bell_ring(struct bell *bell)
{
    uint32_t state = atomic_load(&bell->state);
    while (!atomic_compare_exchange_weak(&bell->state, &state, (state | LISTENED) + 1))
        continue;
    if (!(state & LISTENED))
        return;
    atomic_store(&bell->waking, state); /* which is never 0, also when the count begins anew */
    wake_a_few(bell);
}

void bell_listen(struct bell *bell, uint32_t strokes, const struct timespec *deadline)
{
    uint32_t unheard = strokes & ~LISTENED;
    if (!atomic_compare_exchange_strong(&bell->state, &unheard, strokes) && unheard != strokes)
        return;
    futex_wait(&bell->state, strokes, deadline);
    wake_a_few(bell);
}
