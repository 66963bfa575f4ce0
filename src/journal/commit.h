/* A commit: the unit of durability, as bytes. The entries of a batch of commands, framed, chained to the commit before it, and
 * optionally compressed. What is inside an entry is process/'s business; what a store does with the bytes is the store's.
 *
 * All integers are little endian.
 *
 *   offset size  header
 *        0    4  magic "TRCM"
 *        4    2  format, 1
 *        6    2  flags: 1 = the body is compressed (zstd)
 *        8    4  partition
 *       12    4  entries, 1 to events
 *       16    4  events, ≥ 1
 *       20    4  body bytes as stored
 *       24    4  body bytes once decompressed, ≥ 1; the same when it is not compressed, more when it is
 *       28    4  zero
 *       32    8  first position
 *       40    8  time
 *       48   16  nonce of the writer, not zero
 *       64   32  digest of the commit before it; zero in a partition's first and in no other
 *       96    …  body; compressed: one zstd frame that says its content's size, and nothing behind it
 *        …   32  digest: BLAKE2b-256 of all before it
 *
 * Magic, format and digest stand where they are in every later format, so that a newer commit is told from a damaged one.
 */
#ifndef JOURNAL_COMMIT_H
#define JOURNAL_COMMIT_H

#include "base/bytes.h"
#include "base/memory.h"
#include "base/pack.h"

#include <trading/error.h>
#include <trading/id.h>
#include <trading/plugin/store.h>
#include <trading/time.h>

#define COMMIT_FORMAT       1u
#define COMMIT_HEADER_BYTES 96u
#define COMMIT_DIGEST_BYTES 32u
/* What framing adds to a body, and the largest body that is accepted from a store. */
#define COMMIT_FRAME_BYTES (COMMIT_HEADER_BYTES + COMMIT_DIGEST_BYTES)
#define COMMIT_BODY_MAX    (64u << 20)

/* The header of a commit, read. */
struct commit {
    uint32_t partition;
    uint32_t entries;
    uint32_t events;
    int64_t first_position;
    trading_time time;
    trading_id nonce;
    uint8_t previous[COMMIT_DIGEST_BYTES];
    uint8_t digest[COMMIT_DIGEST_BYTES];
    const uint8_t *body; /* decompressed */
    size_t body_size;
};

/* Builds one commit after another in a buffer of its own. */
struct commit_builder {
    struct memory *memory;
    uint8_t *buffer; /* header, body, digest */
    size_t capacity;
    uint8_t *packed; /* the same with the body compressed; as large; NULL where compression is off */
    struct packer packer;
    struct writer body; /* write the entries here */
};

/* body_limit: the most bytes of entries in one commit, 1 to COMMIT_BODY_MAX. compression: zstd level, 0: none. */
int32_t commit_builder_open(struct commit_builder *builder, struct memory *memory, size_t body_limit, int32_t compression,
                            trading_error *error);
void commit_builder_close(struct commit_builder *builder);
/* Empties the body for the next commit. */
void commit_builder_reset(struct commit_builder *builder);

/* Frames what was written to `body`; fills in header->digest (and its body, body_size). The bytes lie in the builder until the next
 * reset. Bodies that do not shrink are stored as they are. May be called again for the same body with another header: after a
 * conflict. TRADING_E_INVALID, and nothing built, for a header that commit_read would refuse or a body that did not fit. */
int32_t commit_build(struct commit_builder *builder, struct commit *header, trading_store_commit *commit, trading_error *error);

/* Room for bodies that are not read where they are stored; zero-initialised but for the memory, grown as needed. */
struct commit_scratch {
    struct memory *memory;
    void *buffer;
    size_t capacity;
    struct unpacker unpacker;
    bool ready;
};
void commit_scratch_close(struct commit_scratch *scratch);

/* Reads a commit and proves it: magic, format, sizes, digest; that it is of the partition and position that the store says, and has
 * its event count and nonce. Does not know the commit before it: compare `previous` (commit_follows). The body points into the
 * stored bytes, or into the scratch when it was compressed. TRADING_E_DAMAGED or _NEWER_FORMAT, naming partition, position and
 * field; `commit` is then as it was. */
int32_t commit_read(const trading_store_commit *stored, uint32_t partition, struct commit_scratch *scratch,
                    struct commit *commit, trading_error *error);

/* Makes the stored bytes of a proven commit that of another partition, behind another commit there; what it holds stays as it is. */
void commit_move(void *bytes, size_t size, uint32_t partition, const uint8_t previous[COMMIT_DIGEST_BYTES],
                 uint8_t digest[COMMIT_DIGEST_BYTES]);

/* The header alone, without proof: what says so may be damaged. body is NULL and digest zero. */
int32_t commit_read_header(const trading_store_commit *stored, uint32_t partition, struct commit *commit, trading_error *error);

/* Moves the body of a commit that was read with this scratch into it, unless it is there already: the commit then outlives the
 * stored bytes, until the scratch is used again. */
int32_t commit_keep(struct commit *commit, struct commit_scratch *scratch, trading_error *error);

/* The position that the next commit begins at. */
static inline int64_t commit_end(const struct commit *commit)
{
    return commit->first_position + commit->events;
}

/* TRADING_OK when `commit` begins at `position` and is chained to a commit of the given digest; else TRADING_E_DAMAGED. */
int32_t commit_follows(const struct commit *commit, int64_t position, const uint8_t previous[COMMIT_DIGEST_BYTES],
                       trading_error *error);

#endif
