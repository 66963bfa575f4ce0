/* What of a command can be worked out ahead of its turn: it follows from the command alone, or is advice. Who hands many over does it, on a
 * processor that has less to do than the decider's; of few it is done by who drives. */
#ifndef ENGINE_PREPARE_H
#define ENGINE_PREPARE_H

#include "base/memory.h"
#include "process/request.h"

#include <pthread.h>

/* More than so many are prepared by who hands them over. */
#define PREPARE_FEW ((size_t)32)

struct prepared {
    uint64_t digest;           /* of its body */
    uint64_t key_hash;         /* of its key in the scope of the account that it likely names */
    int64_t key_absent_before; /* what keys_absent_before tells of that */
    struct named named;
    int32_t reason; /* why it is malformed, and then it has nothing else; 0: it is not */
};

/* Of a submission's commands. */
struct preparation {
    struct preparation *next; /* of those that are spare */
    size_t capacity;
    struct prepared at[];
};

/* Preparations that are used again, of any thread: as many as hold `most` commands. */
struct preparations {
    struct memory *memory;
    size_t most;
    pthread_mutex_t mutex;
    struct preparation *spare;
    size_t spare_commands;
};

void preparations_open(struct preparations *preparations, struct memory *memory, size_t most);
void preparations_close(struct preparations *preparations);

/* For so many commands. NULL when there is no memory. */
struct preparation *preparations_take(struct preparations *preparations, size_t count);
void preparations_give(struct preparations *preparations, struct preparation *preparation);

#endif
