#include "base/bell.h"

#include "base/futex.h"

#include <sched.h>

#define LISTENED 1u

/* Waking a thread costs the waker more than a microsecond. So who rings wakes a few, and each of them a few more before it goes its way: the
 * threads that sleep share the work, and who rings is soon back at its own. */
#define A_FEW 16u

/* On another processor it costs several times as much as on one's own: the two meet at its run queue and interrupt each other. So who rings a
 * peal wakes few of those who fell asleep elsewhere, and these wake their neighbours. */
#define FEWER 4u

uint32_t bell_strokes(struct bell *bell)
{
    return atomic_load(&bell->state) | LISTENED;
}

/* Who listened before the stroke waits in front of who listens after it. So when there were not enough to be woken, none of the former is
 * left; else each of those that were goes on. A later stroke begins anew. */
static void wake(struct bell *bell, uint32_t most)
{
    uint32_t stroke = atomic_load(&bell->waking);
    if (stroke && futex_wake(&bell->state, most) < most)
        atomic_compare_exchange_strong(&bell->waking, &stroke, 0);
}

static void ring(struct bell *bell, uint32_t most)
{
    uint32_t state = atomic_load(&bell->state);
    while (!atomic_compare_exchange_weak(&bell->state, &state, (state | LISTENED) + 1))
        continue;
    if (!(state & LISTENED))
        return;
    atomic_store(&bell->waking, state); /* which is never 0, also when the count begins anew */
    wake(bell, most);
}

void bell_ring(struct bell *bell)
{
    ring(bell, A_FEW);
}

void bell_listen(struct bell *bell, uint32_t strokes, const struct timespec *deadline)
{
    uint32_t unheard = strokes & ~LISTENED;
    if (!atomic_compare_exchange_strong(&bell->state, &unheard, strokes) && unheard != strokes)
        return;
    futex_wait(&bell->state, strokes, deadline);
    wake(bell, A_FEW);
}

/* ---- a peal ---- */

/* Where the system cannot say, one bell is as good as another. */
static unsigned own_bell(void)
{
    return (unsigned)sched_getcpu() % PEAL_BELLS;
}

struct bell *peal_bell(struct peal *peal)
{
    return &peal->bells[own_bell()].bell;
}

void peal_ring(struct peal *peal)
{
    unsigned own = own_bell();
    for (unsigned i = 1; i < PEAL_BELLS; i++)
        ring(&peal->bells[(own + i) % PEAL_BELLS].bell, FEWER);
    ring(&peal->bells[own].bell, A_FEW);
}
