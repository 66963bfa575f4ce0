/* Snapshots: all tables as they were at one position, in the event store, for reads of the past and for a machine that begins
 * without a state store.
 *
 *   first chunk   partition and position, and the shape, of SNAPSHOT_FORMAT
 *   more chunks   u32 bytes (little endian), then so many bytes of pages in order of table and page, packed with zstd where that makes them
 *                 fewer: of each table that has some there, u32 table, u32 pages, and the records of these whole pages as columns
 *                 (base/columns.h); together at most SNAPSHOT_CHUNK_BYTES
 *   last chunk    BLAKE2b-256 of the checksums of all before it (sum_chunk)
 *
 * An increment holds the pages alone that are not in an older snapshot, its base, as they are now. What stands behind the position of its first
 * chunk has a checksum where a shape has its own, so that who knows no increments says that the format is newer:
 *
 *   varints SNAPSHOT_INCREMENT, the base's position, how many increments there are down to a whole one, this included
 *   the base's last chunk, then the shape, then BLAKE2b-128 of all this
 *
 * and the numbers of a table's pages, u32 (little endian), come behind its columns. A base is an increment or whole; a chain has at most
 * SNAPSHOT_INCREMENTS_MOST of them, and who begins from it reads half as many pages again as there are at most.
 *
 * What older libraries wrote is read. The format of its shape is SHAPE_FORMAT, and the images of pages of one table and the next lie in its
 * chunks as they are, in an increment each behind its table and page, two u32. Its last chunk is BLAKE2b-256 of all before it. */
#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include "state/shape.h"
#include "state/table.h"

#include <trading/plugin/store.h>

#define SNAPSHOT_CHUNK_BYTES     (1u << 20)
#define SNAPSHOT_SUM_BYTES       32u
#define SNAPSHOT_INCREMENTS_MOST 8u
#define SNAPSHOT_INCREMENT       3u /* where the shape has its format */
#define SNAPSHOT_FORMAT          4u

/* Where a snapshot goes or comes from. */
struct snapshot_place {
    const trading_store_ops *ops;
    void *store;
    uint32_t partition;
    int64_t position;
};

/* What the newest snapshot is, for the next to be an increment of it. Zeros: there is none. Of the same tables for as long as they are open.
 * Its owner writes one snapshot at a time. */
struct snapshot_base {
    bool there;
    int64_t position;
    uint64_t horizon;    /* of its pin: what changed after it is not in it */
    uint32_t increments; /* down to a whole one */
    uint64_t pages;      /* in all of these */
    uint64_t bytes;      /* of this alone */
    uint8_t sum[SNAPSHOT_SUM_BYTES];
};

/* Any thread, beside the writer. memory is for what it needs on the way. base: NULL for a snapshot that is whole; else it is an increment of that
 * where that is shorter, and is the base from then on; after a failure there is none. TRADING_E_VIEW_EXPIRED when the pin expired. */
int32_t snapshot_write(const struct tables *tables, struct pin *pin, const void *meta, size_t meta_size,
                       const struct snapshot_place *place, struct snapshot_base *base, struct memory *memory,
                       trading_error *error);

/* Fills tables that are fresh and have no readers yet from a snapshot of so many chunks, and those below it. Nothing in them is
 * trusted. Errors as checkpoint_load; after a failure the tables are good for nothing but to be closed. */
int32_t snapshot_load(struct tables *tables, const struct snapshot_place *place, uint32_t chunks, struct shape *shape,
                      struct memory *memory, trading_error *error);

/* About how many bytes the snapshot of so many chunks would have if it were whole: those of the whole one below it, by some of its chunks. */
int32_t snapshot_weigh(const struct snapshot_place *place, uint32_t chunks, uint64_t *bytes, trading_error *error);

/* Where the base of the snapshot stands; −1: it is whole, or damaged or gone, so that nobody reads its base for it. Fails where the store does, and
 * it is not known then. */
int32_t snapshot_base_of(const struct snapshot_place *place, int64_t *base, trading_error *error);

#endif
