/* keys/: a file per blob of the state store, which are runs of command keys: NUMBER.run, in decimal, padded so that names sort. It is
 * written under another name (NUMBER.tmp), flushed, and then named, so what bears the name is whole; it is dropped whole. */
#ifndef LMDB_BLOBS_H
#define LMDB_BLOBS_H

#include "backends/lmdb/files.h"
#include "base/memory.h"
#include "state/store.h"

struct blobs {
    struct folder folder; /* fd −1: there is none, and none is made */
    struct memory *memory;
    bool read_only;
};

int32_t blobs_open(struct blobs *blobs, const struct folder *parent, struct memory *memory, bool read_only,
                   trading_error *error);
void blobs_close(struct blobs *blobs);

/* As state_store_ops says. */
int32_t blobs_create(struct blobs *blobs, uint64_t number, void **blob, trading_error *error);
int32_t blob_append(void *blob, const void *bytes, size_t size, trading_error *error);
int32_t blob_seal(void *blob, trading_error *error);
void blob_abandon(void *blob);
int32_t blobs_map(struct blobs *blobs, uint64_t number, struct state_blob *blob, trading_error *error);
void blob_unmap(struct state_blob *blob);
int32_t blobs_drop(struct blobs *blobs, uint64_t number, trading_error *error);
int32_t blobs_list(struct blobs *blobs, int (*take)(void *arg, uint64_t number), void *arg, trading_error *error);

#endif
