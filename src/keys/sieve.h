/* The sieve: tells of most hashes that no run has them, by one line of the cache instead of one of each run's filter. What is stored is
 * told apart by eras, each of keys that lie beside each other in time. The line of a hash, by its leading bits, has a bit of each era in
 * each of its bytes; a key sets its era's in four of them. So the four bytes of a hash, and together, are the eras that may have it: with
 * eight keys of an era in a line 3 % of the hashes pass by each era, and the filters of the runs that have keys in it tell more.
 *
 * A byte a key of memory, when all eras are full. An era is filled up, and what of a run it has no room for goes into the next: a run may be
 * larger than an era, and the sieve is as large as all keys need, not as the largest run. It is stored at closing (sieve_store.c), and made
 * anew from the runs when it has become too small. Upkeep alone changes it: bits are added before the list that they are of is shown, and an
 * era is cleared when no list has a run of it any more. */
#ifndef KEYS_SIEVE_H
#define KEYS_SIEVE_H

#include "keys/entry.h"

#define SIEVE_ERAS          8u
#define SIEVE_LINE_WORDS    8u
#define SIEVE_KEYS_PER_LINE 8u   /* of an era */
#define SIEVE_SHARES        256u /* of a run's keys, by a byte of the hash: each is entered into one era */

struct key_sieve {
    uint64_t lists; /* that show it */
    uint64_t lines;
    uint64_t turns;   /* which gives the newest era */
    uint64_t entered; /* keys in that */
    _Atomic uint64_t (*line)[SIEVE_LINE_WORDS];
};

/* A sieve for so many keys in an era. NULL: no memory. */
struct key_sieve *key_sieve_new(struct key_memory *memory, uint64_t era_keys);

static inline size_t key_sieve_bytes(const struct key_sieve *sieve)
{
    return sieve->lines * sizeof *sieve->line;
}

static inline void key_sieve_free(struct key_memory *memory, struct key_sieve *sieve)
{
    if (!sieve)
        return;
    key_unreserve(memory, sieve->line, key_sieve_bytes(sieve));
    key_release(memory, sieve, sizeof *sieve);
}

static inline uint64_t key_sieve_era_keys(const struct key_sieve *sieve)
{
    return sieve->lines * SIEVE_KEYS_PER_LINE;
}

static inline uint32_t key_sieve_newest(const struct key_sieve *sieve)
{
    return (uint32_t)(sieve->turns % SIEVE_ERAS);
}

static inline _Atomic uint64_t *key_sieve_line(const struct key_sieve *sieve, uint64_t hash)
{
    return sieve->line[(hash >> 32) * sieve->lines >> 32];
}

/* Where in its line a hash has its four bytes: six bits for each, those on the left first. */
#define SIEVE_PLACES     4u
#define SIEVE_PLACE_BITS 6u

static inline uint64_t key_sieve_places(uint64_t hash)
{
    return key_prefix(hash) * UINT64_C(0xd1342543de82ef95);
}

/* The eras that may have this hash, a bit for each. */
static inline uint32_t key_sieve_eras(const struct key_sieve *sieve, uint64_t hash)
{
    const _Atomic uint64_t *line = key_sieve_line(sieve, hash);
    uint64_t places = key_sieve_places(hash);
    uint64_t eras = UINT8_MAX;
    for (uint32_t i = 0; i < SIEVE_PLACES; i++, places <<= SIEVE_PLACE_BITS)
        eras &= atomic_load_explicit(&line[places >> 61], memory_order_relaxed) >> (places >> 55 & 56);
    return (uint32_t)eras;
}

/* Which eras a run's keys go into. Those of each are spread over all hashes, so that all lines of an era are as full. */
struct key_sieve_plan {
    uint32_t eras; /* a bit for each */
    uint8_t share[SIEVE_SHARES];
};

/* Plans for so many keys: the newest era is filled up, then the next is cleared and filled, and so on, but for those in use: where the next
 * is, the newest takes more than its part, and passes more. */
void key_sieve_plan(struct key_sieve *sieve, struct key_sieve_plan *plan, uint64_t keys, uint32_t in_use);
void key_sieve_enter(struct key_sieve *sieve, const struct key_sieve_plan *plan, uint64_t hash);

static inline void key_sieve_prefetch(const struct key_sieve *sieve, uint64_t hash)
{
    __builtin_prefetch((const void *)key_sieve_line(sieve, hash));
}

#endif
