/* Snapshots: all tables as they were at one position, in the event store, for reads of the past and for a machine that begins
 * without a state store.
 *
 *   first chunk   partition and position, and the shape
 *   more chunks   u32 bytes (little endian), then so many bytes of images in order of table and page, packed with zstd where that
 *                 makes them fewer; whole images, together at most SNAPSHOT_CHUNK_BYTES
 *   last chunk    BLAKE2b-256 of all before it
 */
#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include "state/shape.h"
#include "state/table.h"

#include <trading/plugin/store.h>

#define SNAPSHOT_CHUNK_BYTES (1u << 20)

/* Where a snapshot goes or comes from. */
struct snapshot_place {
    const trading_store_ops *ops;
    void *store;
    uint32_t partition;
    int64_t position;
};

/* Any thread, beside the writer. memory is for what it needs on the way. TRADING_E_VIEW_EXPIRED when the pin expired. */
int32_t snapshot_write(const struct tables *tables, struct pin *pin, const void *meta, size_t meta_size,
                       const struct snapshot_place *place, struct memory *memory, trading_error *error);

/* Fills tables that are fresh and have no readers yet from a snapshot of so many chunks. Nothing in it is trusted. Errors as
 * checkpoint_load; after a failure the tables are good for nothing but to be closed. */
int32_t snapshot_load(struct tables *tables, const struct snapshot_place *place, uint32_t chunks, struct shape *shape,
                      struct memory *memory, trading_error *error);

#endif
