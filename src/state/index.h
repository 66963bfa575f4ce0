/* From a 64-bit hash to record numbers, for one writer and any number of readers. It answers candidates: the caller compares the
 * record itself, so an entry left behind by a discarded batch is harmless. What it holds follows from the records, and is made from them where there is no
 * file of it.
 *
 * The hash decides how many candidates there are. Where a stranger chooses what is hashed, it must be keyed with a secret. */
#ifndef STATE_INDEX_H
#define STATE_INDEX_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

struct index;
struct state_store;

/* With room for `expected` entries before it first grows. NULL when there is no memory. */
struct index *index_open(struct memory *memory, uint64_t expected);
void index_close(struct index *index);

/* Before the first entry and the first reader: makes room for so many. False when there is no memory. */
bool index_expect(struct index *index, uint64_t expected);

/* Any thread: bytes in memory. */
uint64_t index_bytes(const struct index *index);

/* ---- files: index_file.c ---- */

/* Writes the index into one of two state files, `file` and the next, to stand for what the tables were in the generation; lasting on
 * return. Nobody changes it meanwhile. */
int32_t index_save(const struct index *index, const struct state_store *store, uint32_t file, uint64_t generation,
                   trading_error *error);

/* The index as it was saved for the generation, mapped. TRADING_E_NOT_FOUND when neither file stands for it or is whole. */
int32_t index_load(struct index **index, struct memory *memory, const struct state_store *store, uint32_t file,
                   uint64_t generation, trading_error *error);

#define INDEX_FILES 2u  /* so many belong to one index */
#define INDEX_AHEAD 16u /* how many entries before its own a place is called, where many are inserted */

/* The writer's thread. False when there is no memory. The same hash and number twice is kept once; number 0 is not kept. */
bool index_insert(struct index *index, uint64_t hash, uint32_t number);

/* The writer's thread. Whether an entry found no memory; until the batch that it belongs to was discarded, and that is said. */
bool index_failed(const struct index *index);
void index_forgive(struct index *index);

/* Any thread. Calls the place where a hash's candidates begin into the cache; nothing more. */
void index_prefetch(const struct index *index, uint64_t hash);

/* Any thread. Walks the candidates, all that were there at its first call: begin with *cursor = 0; 0 means no more. Where the index grows
 * meanwhile a candidate may come twice. */
uint32_t index_next(const struct index *index, uint64_t hash, uint64_t *cursor);

#endif
