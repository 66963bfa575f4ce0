/* How a run lies in its blob:
 *
 *   pages of 4,096 bytes   up to 371 entries, each the leading 48 bits of the hash and 40 bits of position, from the run's first one;
 *                          then zeros, the number of entries, and the sum of the page
 *   the filter             lines of 64 bytes
 *   the footer             struct key_footer
 *
 * An entry's home is the page that its hash says, of those that there are for all hashes; there is room for a tenth more keys than there
 * are. What its home has no room for is in the next page that has: so a search ends at the first page that is not full. Entries are
 * little-endian; all else is in the machine's order of bytes, which the footer tells. */
#ifndef KEYS_RUN_FORMAT_H
#define KEYS_RUN_FORMAT_H

#include "base/checksum.h"
#include "keys/entry.h"

#include <endian.h>

#define KEY_FORMAT       1u
#define KEY_BYTE_ORDER   UINT32_C(0x01020304)
#define KEY_MAGIC_BYTES  16u
#define KEY_RUN_MAGIC    "a run of keys\0\0" /* with its end 16 bytes */
#define KEY_PAGE_FILL    334u                /* entries a page on average */
#define KEY_ENTRY_BYTES  11u
#define KEY_PAGE_ENTRIES 371u

struct key_page {
    uint8_t entries[KEY_PAGE_ENTRIES * KEY_ENTRY_BYTES];
    uint8_t zeros[5];
    uint16_t count;
    uint64_t sum;
};

struct key_footer {
    char magic[KEY_MAGIC_BYTES];
    uint32_t format;
    uint32_t byte_order;
    uint64_t number; /* of the blob */
    uint64_t count;
    struct key_span span;
    uint64_t home_pages;
    uint64_t pages; /* those and the ones that took what is over at the end */
    uint64_t lines;
    uint64_t filter_sum;
    uint64_t sum; /* of all before it */
};

_Static_assert(sizeof(struct key_page) == 4096 && sizeof(struct key_footer) == 112, "the file's layout");

/* Words of an entry: past it there is more of the page. */
static inline uint64_t key_word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static inline uint64_t key_prefix_at(const uint8_t *entry)
{
    return key_word_at(entry) & ((UINT64_C(1) << KEY_PREFIX_BITS) - 1);
}

/* Of its position from the run's first. */
static inline int64_t key_distance_at(const uint8_t *entry)
{
    return (int64_t)(key_word_at(entry + KEY_PREFIX_BITS / 8) & (uint64_t)(KEY_SPAN_MAX - 1));
}

/* What follows it gets zeros, and is to be written after it. */
static inline void key_entry_write(uint8_t *entry, uint64_t prefix, int64_t distance)
{
    uint64_t words[2] = {htole64(prefix), htole64((uint64_t)distance)};
    memcpy(entry, &words[0], sizeof words[0]);
    memcpy(entry + KEY_PREFIX_BITS / 8, &words[1], sizeof words[1]);
}

static inline uint64_t key_home(uint64_t hash, uint64_t home_pages)
{
    return (hash >> 32) * home_pages >> 32;
}

static inline uint64_t key_page_sum(const struct key_page *page, uint64_t number, uint64_t at)
{
    return checksum(page, offsetof(struct key_page, sum), hash_mix(number) + at);
}

static inline uint64_t key_footer_sum(const struct key_footer *footer)
{
    return checksum(footer, offsetof(struct key_footer, sum), KEY_FORMAT);
}

#endif
