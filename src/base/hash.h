/* Spreading numbers over 64 bits, for tables whose keys are not hashes already. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

/* The finalizer of SplitMix64: a bijection. */
static inline uint64_t hash_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

#endif
