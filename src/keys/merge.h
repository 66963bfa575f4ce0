/* Several runs read as one, in order. */
#ifndef KEYS_MERGE_H
#define KEYS_MERGE_H

#include "keys/run.h"

#define KEY_MERGE_MOST  16u
#define KEY_MERGE_ENDED UINT64_MAX

struct key_merge {
    uint32_t count; /* of runs; 0: none is under way */
    uint32_t leaves;
    struct key_reader readers[KEY_MERGE_MOST];
    uint64_t tree[2 * KEY_MERGE_MOST]; /* from 1 on, the leaves last */
    struct key_writer *writer;         /* upkeep's */
    uint64_t number;                   /* of what it writes */
};

_Static_assert(!(KEY_MERGE_MOST & (KEY_MERGE_MOST - 1)),
               "the leaves of the tree are a power of two, and there is room for as many");
_Static_assert(KEY_MERGE_MOST <= 1u << (64 - KEY_PREFIX_BITS), "a reader's number fits into what a run keeps nothing of");

/* All keys were read. */
static inline bool key_merge_has_ended(const struct key_merge *merge)
{
    return merge->tree[1] == KEY_MERGE_ENDED;
}

/* The runs in order of time, oldest first. NULL, or the run that is damaged. */
const struct key_run *key_merge_begin(struct key_merge *merge, struct key_run *const *runs, uint32_t count);
/* The next keys, as many as there is room for; fewer are the last. NULL, or the run that is damaged. */
const struct key_run *key_merge_read(struct key_merge *merge, struct key_entry *entries, uint32_t most, uint32_t *count);

#endif
