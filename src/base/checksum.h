/* The checksum of pages, filters and indexes: against damage, not against an adversary, at the speed at which memory is read. Each step is a
 * bijection of its lane, so that no change of a single word goes unnoticed. In the order of the machine. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/hash.h"

#include <stddef.h>
#include <string.h>

static inline uint64_t checksum_step(uint64_t lane, const uint8_t *word)
{
    uint64_t value;
    memcpy(&value, word, sizeof value);
    value = (lane ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return value << 29 | value >> 35;
}

/* Of a whole number of 8-byte words. */
static inline uint64_t checksum(const void *bytes, size_t size, uint64_t seed)
{
    const uint8_t *at = bytes;
    const uint8_t *end = at + size;
    uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
    for (; end - at >= 32; at += 32)
        for (size_t i = 0; i < 4; i++)
            lanes[i] = checksum_step(lanes[i], at + i * 8);
    for (size_t i = 0; at < end; at += 8, i++)
        lanes[i] = checksum_step(lanes[i], at);
    uint64_t sum = size;
    for (size_t i = 0; i < 4; i++)
        sum = hash_mix(sum ^ lanes[i]) + sum;
    return sum;
}

#endif
