/* A gate that one thread opens once and another waits at. Whoever waits may go, and take the gate's memory with it, as soon as it is
 * open: the thread that opens touches it no more, which a mutex and a condition would. */
#ifndef BASE_GATE_H
#define BASE_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    _Atomic uint32_t state; /* 0: shut, and nobody waits */
};

void gate_open(struct gate *gate);
/* Returns once the gate is open; all that came before the opening is seen. */
void gate_wait(struct gate *gate);
bool gate_is_open(struct gate *gate);

#endif
