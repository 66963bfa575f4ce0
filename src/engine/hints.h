/* What other partitions' books quote, as somebody said: for stamping orders. */
#ifndef ENGINE_HINTS_H
#define ENGINE_HINTS_H

#include "base/memory.h"
#include "process/request.h"

#include <pthread.h>
#include <stdbool.h>

/* As many symbols as a house has, and no more than who talks nonsense may fill. */
#define HINTS_MOST 131072u

struct hint {
    trading_symbol symbol;
    struct stamp stamp;
};

struct hints {
    struct memory *memory;
    pthread_mutex_t mutex;
    struct hint *sorted; /* by symbol */
    size_t count;
    size_t room;
};

void hints_open(struct hints *hints, struct memory *memory);
void hints_close(struct hints *hints);

/* Any thread. False when there is no memory, or there are too many symbols. */
bool hints_put(struct hints *hints, const trading_symbol *symbol, const struct stamp *stamp);
/* Any thread. Zeros for a symbol of which nobody said anything. */
struct stamp hints_get(struct hints *hints, const trading_symbol *symbol);

#endif
