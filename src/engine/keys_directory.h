/* How keys lie in the state store: a directory of the runs, and the keys of each in parts.
 *
 *   STATE_KEYS 'd'              format, byte order, lineage, next id, number of runs, and of each what struct stored_run has;
 *                               then 16 bytes of BLAKE2b
 *   STATE_KEYS 'r' id part      8 bytes of SipHash under (id, part, count), then at most PART_KEYS entries; id and part big endian
 */
#ifndef ENGINE_KEYS_DIRECTORY_H
#define ENGINE_KEYS_DIRECTORY_H

#include "engine/keys_inside.h"

#include <sodium.h>

#define PART_SUM_BYTES  crypto_shorthash_BYTES
#define PART_KEYS       65534u /* with its sum, what 256 pages of LMDB hold */
#define PART_BYTES      (PART_SUM_BYTES + PART_KEYS * sizeof(struct key_entry))
#define RUN_KEY_BYTES   10u
#define PART_KEY_BYTES  14u
#define DIRECTORY_RUNS  (KEY_RUNS_MAX + 1u) /* and the log */
#define DIRECTORY_BYTES (64u + DIRECTORY_RUNS * 70u)

enum stored_kind {
    STORED_RUN = 1, /* in order of hash */
    STORED_LOG = 2, /* the newest keys, in order of position */
};

struct stored_run {
    uint64_t id;
    uint32_t kind;
    uint64_t count;
    struct key_span span;
};

struct key_directory {
    uint64_t lineage; /* of those saves, one after the other, that went into this store */
    uint64_t next_id;
    uint32_t count;
    struct stored_run runs[DIRECTORY_RUNS]; /* oldest first, none empty */
};

void key_part_key(uint64_t id, uint32_t part, uint8_t key[PART_KEY_BYTES]);
void key_part_sum(uint64_t id, uint32_t part, const void *entries, uint64_t count, uint8_t sum[PART_SUM_BYTES]);

/* What the store holds, as the write sees it when that is not NULL. TRADING_E_NOT_FOUND, _DAMAGED, _NEWER_FORMAT, _UNSUPPORTED. */
int32_t key_directory_get(const struct state_store *store, void *write, struct key_directory *directory, trading_error *error);
int32_t key_directory_put(const struct state_store *store, void *write, const struct key_directory *directory,
                          trading_error *error);

#endif
