/* Arrays in the order of keys: of records that begin with one, compared as bytes. */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where the record with the key is, or belongs. */
static inline size_t sorted_seat(const void *records, size_t count, size_t record_bytes, const void *key, size_t key_bytes,
                                 bool *there)
{
    const uint8_t *first = records;
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(first + middle * record_bytes, key, key_bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < count && memcmp(first + low * record_bytes, key, key_bytes) == 0;
    return low;
}

#endif
