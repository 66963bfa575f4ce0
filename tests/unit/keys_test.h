/* What the tests of the keys share: a model that keeps every key in order, a store whose blobs fail, vanish or are damaged on demand, and
 * memory that runs out. */
#ifndef KEYS_TEST_H
#define KEYS_TEST_H

#include "keys/inside.h"
#include "state_test.h"

int keys_suite(void);
int keys_run_suite(void);
int keys_store_suite(void);
int keys_fault_suite(void);
int keys_thread_suite(void);
int keys_ahead_suite(void);
int keys_sieve_suite(void);
int keys_sieve_store_suite(void);

/* ---- keys_model.c ---- */

/* Keys by the order in which they came. Some hashes come again and again. */
struct keys_model {
    uint32_t count;
    uint32_t capacity;
    uint32_t durable; /* as many, from the first on, are never discarded */
    uint32_t lag;     /* all but so many of the newest are made durable as keys come */
    uint64_t *hashes;
    int64_t *positions;
    int64_t *times;
    uint32_t *before;  /* the newest earlier key of the same hash, or UINT32_MAX */
    uint32_t *last_of; /* the newest key of each hash, by the number that the hash is made of */
    uint64_t seed;
    int64_t position;
    int64_t time;
};

void keys_model_open(struct keys_model *model, uint32_t capacity, uint32_t lag);
void keys_model_close(struct keys_model *model);
/* Adds a key to the model and to the keys. */
void keys_model_insert(struct keys_model *model, struct keys *keys);
/* The same, but false and nothing added when the keys take none. */
bool keys_model_try(struct keys_model *model, struct keys *keys);
/* The first `count` are durable, at least. */
void keys_model_durable(struct keys_model *model, struct keys *keys, uint32_t count);
/* Forgets the newest in both. */
void keys_model_discard(struct keys_model *model, struct keys *keys, uint32_t count);
/* Looks up every `step`th key, forgotten ones too: the newest keys_count must be there with all their namesakes, no others. */
void keys_model_check(const struct keys_model *model, const struct keys *keys, uint32_t count, uint32_t step);
/* Whether the answer to this key is the right one (1), or that it cannot be told (0). Anything else fails. */
int keys_model_told(const struct keys_model *model, const struct keys *keys, uint32_t place);
/* After an opening: inserts what is not stored. How many were. */
uint32_t keys_model_resume(struct keys_model *model, struct keys *keys);

/* ---- keys_bed.c ---- */

#define TEST_YOUNG 65536u

/* A store in memory. Its blobs can be made to fail: from the `fail_at`th step of writing on, while `failing`. */
struct keys_bed {
    struct state_store store;
    struct state_store_ops ops;
    struct memory memory;
    uint32_t reports;
    int32_t reported; /* code of the newest */
};

extern _Atomic uint64_t keys_bed_steps;   /* of writing, so far */
extern _Atomic uint64_t keys_bed_fail_at; /* 0: never */

void keys_bed_open(struct keys_bed *bed);
void keys_bed_close(struct keys_bed *bed);
struct keys_options keys_bed_options(struct keys_bed *bed);
struct keys *keys_bed_keys(struct keys_bed *bed, const struct keys_options *options);
uint32_t keys_bed_blobs(struct keys_bed *bed, uint64_t numbers[KEY_RUNS_MAX]);
/* Puts other bytes in the place of a blob. */
void keys_bed_replace(struct keys_bed *bed, uint64_t number, const uint8_t *bytes, size_t size);

#endif
