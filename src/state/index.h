/* From a 64-bit hash to record numbers, for one writer and any number of readers. It answers candidates: the caller compares the
 * record itself, so an entry left behind by a discarded batch is harmless. Not persisted; rebuilt from the records.
 *
 * The hash decides how many candidates there are. Where a stranger chooses what is hashed, it must be keyed with a secret. */
#ifndef STATE_INDEX_H
#define STATE_INDEX_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct index;

/* With room for `expected` entries before it first grows. NULL when there is no memory. */
struct index *index_open(struct memory *memory, uint64_t expected);
void index_close(struct index *index);

/* The writer's thread. False when there is no memory. The same hash and number twice is kept once; number 0 is not kept. */
bool index_insert(struct index *index, uint64_t hash, uint32_t number);

/* The writer's thread. Whether an entry found no memory; until the batch that it belongs to was discarded, and that is said. */
bool index_failed(const struct index *index);
void index_forgive(struct index *index);

/* Any thread. Calls the place where a hash's candidates begin into the cache; nothing more. */
void index_prefetch(const struct index *index, uint64_t hash);

/* Any thread. Walks the candidates that were there at its first call: begin with *cursor = 0; 0 means no more. */
uint32_t index_next(const struct index *index, uint64_t hash, uint64_t *cursor);

#endif
