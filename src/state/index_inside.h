/* What an index is made of, for index.c and index_file.c. */
#ifndef STATE_INDEX_INSIDE_H
#define STATE_INDEX_INSIDE_H

#include "state/index.h"
#include "state/store.h"

#include <stdatomic.h>
#include <stddef.h>

/* Slots of {tag, number} with linear probing, where the tag is 32 bits of the mixed hash. A slot's home is the leading bits of its
 * tag, so that a longer array is filled in the order of the shorter. There are many small arrays instead of one, by the first bits
 * of the tag, so that the writer never stands still for all entries at once while one grows. */
#define SHARD_BITS 6u
#define SHARDS     (1u << SHARD_BITS)
#define FIRST_BITS 4u
#define LAST_BITS  (32u - SHARD_BITS)

/* Shorter ones stay until the index is closed, as a reader may be in them; of long ones only the address space. */
#define SPACE_BYTES (UINT64_C(1) << 16) /* from here on an array is long */

struct slots {
    _Atomic uint64_t *slot;
    struct slots *shorter;
    uint32_t bits;
    uint32_t used; /* the writer's */
    bool mapped;   /* of a file */
    bool emptied;  /* the writer's: it was long, and its memory is given back */
};

struct index {
    struct memory *memory;
    bool failed; /* the writer's: an entry found no memory */
    _Atomic uint64_t bytes;
    const struct state_store *store; /* whose file is mapped */
    uint32_t file;
    void *mapping; /* NULL: none is */
    size_t mapping_bytes;
    _Atomic(struct slots *) shards[SHARDS];
    _Atomic uint64_t *spaces[LAST_BITS + 1]; /* by bits: of the long arrays of all shards that are so long; NULL: none is */
};

#endif
