/* Where former versions of records lie: one reserved space, cut into chunks that batches fill and pins keep. A version is named by its
 * place in the space, and the space stays readable as long as the tables are open: whoever follows a name that has gone stale
 * reads something else, never something that is not there (see read.c). */
#ifndef STATE_UNDO_H
#define STATE_UNDO_H

#include "state/table.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a record was before a batch. */
struct former {
    _Atomic uint64_t ordinal; /* of the batch that made it so */
    _Atomic uint32_t before;  /* name of the version before this one; followed only by who needs it, as it may be stale */
    uint32_t number;
    struct table *table;
    table_word words[];
};

/* Consecutive versions, the next one begins where the last one ends. */
struct chunk {
    struct chunk *next;
    uint32_t first; /* its name */
    uint32_t size;  /* of bytes */
    uint32_t used;
    uint32_t kind; /* which of the sizes */
};

struct chunks {
    struct chunk *first;
    struct chunk *last;
    uint64_t bytes; /* of whole chunks */
};

#define UNDO_UNIT  8u /* bytes from one name to the next */
#define UNDO_KINDS 3u /* 4, 16, 64 kB, so that a small batch takes little */

/* Of the writer's thread, but for what is said. */
struct undo {
    struct memory *memory;
    unsigned char *space;
    uint64_t reserved;
    uint64_t taken; /* from its start */
    struct chunk *spare[UNDO_KINDS];
    struct chunk *bare[UNDO_KINDS]; /* whose bytes were given back to the system */
    uint64_t spare_bytes;
};

/* kept_bytes: what pins may hold of it. -1: there is no such space. */
int undo_open(struct undo *undo, struct memory *memory, uint64_t kept_bytes);
void undo_close(struct undo *undo);

/* Any thread: the version of a name. */
static inline struct former *undo_at(const struct undo *undo, uint32_t name)
{
    return (struct former *)(void *)(undo->space + (size_t)name * UNDO_UNIT);
}

/* Adds a chunk to the list. NULL when there is no memory. */
__attribute__((cold)) struct chunk *undo_grow(struct undo *undo, struct chunks *chunks);

/* The chunks may be used again: all, or the first of them until so many bytes are reached. */
void undo_recycle(struct undo *undo, struct chunks *chunks);
void undo_recycle_some(struct undo *undo, struct chunks *chunks, uint64_t bytes);

/* Any thread that has both lists to itself. */
void chunks_append(struct chunks *to, struct chunks *from);

/* Room for one more version in the list, and its name. NULL when there is no memory. */
static inline struct former *undo_add(struct undo *undo, struct chunks *chunks, uint32_t bytes, uint32_t *name)
{
    struct chunk *chunk = chunks->last;
    if (__builtin_expect(!chunk || chunk->size - chunk->used < bytes, 0)) {
        chunk = undo_grow(undo, chunks);
        if (!chunk)
            return NULL;
    }
    *name = chunk->first + chunk->used / UNDO_UNIT;
    chunk->used += bytes;
    return undo_at(undo, *name);
}

#endif
