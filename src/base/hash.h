/* Spreading numbers over 64 bits, for tables whose keys are not hashes already. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The finalizer of SplitMix64: a bijection. */
static inline uint64_t hash_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* Drawn for each store, so that nobody who chooses what is hashed can choose what collides. */
struct hash_secret {
    uint64_t words[4];
};

/* Both halves of a product of 128 bits, folded: each bit of the result depends on all bits of both factors. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A keyed hash of three words for tables in memory and on disk that a comparison follows: not for what an outsider gets to see. */
static inline uint64_t hash_keyed(const struct hash_secret *secret, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t first = hash_fold(a ^ secret->words[0], b ^ secret->words[1]);
    return hash_fold(first ^ secret->words[2], c ^ secret->words[3]);
}

/* The same of bytes. */
static inline uint64_t hash_keyed_bytes(const struct hash_secret *secret, const uint8_t *bytes, size_t size)
{
    uint64_t hash = size ^ secret->words[0];
    uint64_t pair[2];
    size_t left = size;
    for (; left >= sizeof pair; left -= sizeof pair, bytes += sizeof pair) {
        memcpy(pair, bytes, sizeof pair);
        hash = hash_fold(pair[0] ^ hash, pair[1] ^ secret->words[1]);
    }
    if (left) { /* the rest as if zeros followed */
        pair[0] = pair[1] = 0;
        memcpy(pair, bytes, left);
        hash = hash_fold(pair[0] ^ hash, pair[1] ^ secret->words[1]);
    }
    return hash_fold(hash ^ secret->words[2], secret->words[3]);
}

#endif
