/* What the tests of the keys share: a model that keeps every key in order, and memory that runs out on demand. */
#ifndef KEYS_TEST_H
#define KEYS_TEST_H

#include "engine/keys.h"
#include "state_test.h"

int keys_suite(void);
int keys_store_suite(void);

/* Keys by the order in which they came. Some hashes come again and again. */
struct keys_model {
    uint32_t count;
    uint32_t capacity;
    uint64_t *hashes;
    int64_t *positions;
    int64_t *times;
    uint32_t *before;  /* the newest earlier key of the same hash, or UINT32_MAX */
    uint32_t *last_of; /* the newest key of each hash, by the number that the hash is made of */
    uint64_t seed;
    int64_t position;
    int64_t time;
};

void keys_model_open(struct keys_model *model, uint32_t capacity);
void keys_model_close(struct keys_model *model);
/* Adds a key to the model and to the keys. */
void keys_model_insert(struct keys_model *model, struct keys *keys);
/* The same, but false and nothing added when there is no memory. */
bool keys_model_try(struct keys_model *model, struct keys *keys);
/* Forgets the newest in both. */
void keys_model_discard(struct keys_model *model, struct keys *keys, uint32_t count);
/* Looks up every `step`th key, forgotten ones too: the newest keys_count must be there with all their namesakes, no others. */
void keys_model_check(const struct keys_model *model, const struct keys *keys, uint32_t count, uint32_t step);

#endif
