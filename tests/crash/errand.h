/* What each thread of the writer does: a list of commands without end, the same in the process that is killed and in the one that
 * checks. Every thread has an account and a symbol of its own, so that its list alone says what becomes of them. */
#ifndef CRASH_ERRAND_H
#define CRASH_ERRAND_H

#include "simulation/model.h"

#include <trading.h>

enum { ERRAND_THREADS = 4, ERRAND_BATCH = 16 };

/* Command `number` of the thread's list, from 1 on; the first opens the account. A cancel names the newest order before it. */
struct model_command errand(uint64_t seed, int thread, int64_t number);
trading_symbol errand_symbol(int thread);
/* Of the keys of this thread. */
uint64_t errand_seed(uint64_t seed, int thread);
/* The engine as writer and checker open it: checkpoints, snapshots and small commits all the time. */
trading_engine_options errand_options(void);

/* How the writer tells that a command is done: in one write of at most ERRAND_BATCH of these. */
struct acknowledgement {
    int64_t thread;
    int64_t number;
    trading_result result;
};

struct killing_writer;

/* The writer: executes the lists and acknowledges, as it is asked to. @return the exit code. */
int errand_run(const struct killing_writer *writer);

#endif
