#include "base/gate.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum gate_state { SHUT, AWAITED, OPEN };

static void futex(struct gate *gate, int operation, uint32_t value)
{
    syscall(SYS_futex, &gate->state, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* The wake names an address and reads nothing there, so the gate may be gone by then; at worst somebody looks in vain. */
void gate_open(struct gate *gate)
{
    if (atomic_exchange_explicit(&gate->state, OPEN, memory_order_acq_rel) == AWAITED)
        futex(gate, FUTEX_WAKE, 1);
}

bool gate_is_open(struct gate *gate)
{
    return atomic_load_explicit(&gate->state, memory_order_acquire) == OPEN;
}

void gate_wait(struct gate *gate)
{
    uint32_t shut = SHUT;
    atomic_compare_exchange_strong_explicit(&gate->state, &shut, AWAITED, memory_order_acq_rel, memory_order_acquire);
    while (!gate_is_open(gate))
        futex(gate, FUTEX_WAIT, AWAITED);
}
