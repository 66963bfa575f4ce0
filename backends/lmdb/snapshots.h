/* snapshots/: a file per snapshot, PARTITION-POSITION.snap in decimal, padded so that names sort. It is written under another name
 * (PARTITION.tmp), flushed, and then named, so what bears the name is whole; it is dropped whole.
 *
 *   bytes 0 … 15      "trading snapshot"
 *   then              format, 4 bytes; partition, 4; position, 8; all numbers little-endian
 *   from 32 on        the chunks, one after another
 *   then              the directory: of each chunk its offset, 8 bytes, and its size, 8
 *   the last 24       where the directory begins, 8; how many chunks, 4; zeros, 4; SipHash-2-4 (key of zeros) of the first 32
 *                     bytes, the directory and the 16 bytes before this word */
#ifndef LMDB_SNAPSHOTS_H
#define LMDB_SNAPSHOTS_H

#include "backends/lmdb/files.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>

#include <trading/plugin/store.h>

struct snapshot_writing; /* one that is not finished */

struct snapshots {
    struct folder folder; /* fd −1: there is none, and none is made */
    struct memory *memory;
    bool read_only;
    pthread_mutex_t lock; /* of the list */
    struct snapshot_writing *writing;
};

int32_t snapshots_open(struct snapshots *snapshots, const struct folder *parent, struct memory *memory, bool read_only,
                       trading_error *error);
void snapshots_close(struct snapshots *snapshots);

/* As trading_store_ops says; one may be unfinished in each partition. */
int32_t snapshots_put(struct snapshots *snapshots, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                      uint64_t size, bool last, trading_error *error);
int32_t snapshots_find(struct snapshots *snapshots, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                       trading_error *error);
int32_t snapshots_get(struct snapshots *snapshots, uint32_t partition, int64_t position, uint32_t chunk,
                      trading_store_bytes take, void *arg, trading_error *error);
int32_t snapshots_drop(struct snapshots *snapshots, uint32_t partition, int64_t position, trading_error *error);
/* That each one's directory is what was written. */
int32_t snapshots_check(struct snapshots *snapshots, trading_error *error);

#endif
