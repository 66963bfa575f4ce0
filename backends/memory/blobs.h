/* The blobs of the state store in memory: counted bytes by number. */
#ifndef MEMORY_BLOBS_H
#define MEMORY_BLOBS_H

#include "base/memory.h"
#include "state/store.h"

#include <pthread.h>

struct blob; /* bytes, with who holds them */

struct blobs {
    struct memory *memory;
    pthread_mutex_t lock; /* of the list, and of who holds what is in it */
    struct blob *first;
};

void memory_blobs_open(struct blobs *blobs, struct memory *memory);
void memory_blobs_close(struct blobs *blobs);

/* As state_store_ops says. */
int32_t memory_blobs_create(struct blobs *blobs, uint64_t number, void **blob, trading_error *error);
int32_t memory_blob_append(void *blob, const void *bytes, size_t size, trading_error *error);
int32_t memory_blob_seal(void *blob, trading_error *error);
void memory_blob_abandon(void *blob);
int32_t memory_blobs_map(struct blobs *blobs, uint64_t number, struct state_blob *blob, trading_error *error);
void memory_blobs_unmap(struct blobs *blobs, struct state_blob *blob);
void memory_blobs_drop(struct blobs *blobs, uint64_t number);
void memory_blobs_list(struct blobs *blobs, int (*take)(void *arg, uint64_t number), void *arg);

#endif
