/* What writing and loading snapshots share. */
#ifndef STATE_SNAPSHOT_INSIDE_H
#define STATE_SNAPSHOT_INSIDE_H

#include "base/bytes.h"
#include "base/checksum.h"
#include "state/snapshot.h"

#include <sodium.h>

/* Varints, the base's sum and another of the increment beside the shape. */
#define FIRST_BYTES  (SHAPE_BYTES + 50u + SNAPSHOT_SUM_BYTES + SHAPE_SUM_BYTES)
#define LENGTH_BYTES sizeof(uint32_t)             /* before what is packed */
#define PAGE_NUMBER  ((uint32_t)sizeof(uint32_t)) /* behind the columns of an increment, for each page */

/* Before the columns of a table's pages. */
struct run_head {
    uint32_t table; /* little endian, both */
    uint32_t pages;
};

/* Adds a chunk to what the last one is the digest of. */
static inline void sum_chunk(crypto_generichash_state *sum, const void *chunk, size_t size)
{
    uint8_t rest[sizeof(uint64_t)] = {0};
    size_t whole = size / sizeof rest * sizeof rest;
    memcpy(rest, (const uint8_t *)chunk + whole, size - whole);
    uint64_t word = checksum(rest, sizeof rest, checksum(chunk, whole, size));
    crypto_generichash_update(sum, (const uint8_t *)&word, sizeof word);
}

#endif
