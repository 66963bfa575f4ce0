/* A run's filter: lines of the cache's size, one for each hash by its leading bits, in the order of hashes, so that a run that is built
 * in that order fills its filter from end to end. A key sets four bits in each of two words of its line. Most strangers are told by the
 * first word alone: with 16 bits a key about one in 40 looks at the second, and one in 500 passes. */
#ifndef KEYS_FILTER_H
#define KEYS_FILTER_H

#include "keys/entry.h"

#define FILTER_LINE_WORDS    8u
#define FILTER_LINE_BYTES    64u
#define FILTER_KEYS_PER_LINE 32u

struct key_filter {
    const uint64_t *words;
    uint64_t lines;
};

/* What of a hash is looked for, whatever the filter: bits of a word. */
struct key_probe {
    uint64_t bits;
    uint64_t word; /* of the line */
};

static inline uint64_t filter_lines_for(uint64_t keys)
{
    return keys / FILTER_KEYS_PER_LINE + 1;
}

static inline uint64_t filter_line(uint64_t hash, uint64_t lines)
{
    return (hash >> 32) * lines >> 32;
}

static inline struct key_probe key_probe_of(uint64_t mix)
{
    uint64_t bits = UINT64_C(1) << (mix >> 55 & 63) | UINT64_C(1) << (mix >> 49 & 63) | UINT64_C(1) << (mix >> 43 & 63) |
                    UINT64_C(1) << (mix >> 37 & 63);
    return (struct key_probe){.bits = bits, .word = mix >> 61};
}

static inline struct key_probe key_first_probe(uint64_t hash)
{
    return key_probe_of(key_prefix(hash) * UINT64_C(0x9e3779b97f4a7c15));
}

/* In another word of the line. */
static inline struct key_probe key_second_probe(uint64_t hash, const struct key_probe *first)
{
    struct key_probe probe = key_probe_of(key_prefix(hash) * UINT64_C(0xd6e8feb86659fd93));
    probe.word = first->word ^ (probe.word | 1);
    return probe;
}

static inline bool key_probe_hits(const uint64_t *line, const struct key_probe *probe)
{
    return (line[probe->word] & probe->bits) == probe->bits;
}

static inline const uint64_t *key_filter_line(const struct key_filter *filter, uint64_t hash)
{
    return filter->words + filter_line(hash, filter->lines) * FILTER_LINE_WORDS;
}

/* By the first word alone. */
static inline bool key_filter_may_have(const struct key_filter *filter, uint64_t hash, const struct key_probe *first)
{
    return key_probe_hits(key_filter_line(filter, hash), first);
}

static inline bool key_filter_has(const struct key_filter *filter, uint64_t hash)
{
    struct key_probe first = key_first_probe(hash);
    struct key_probe second = key_second_probe(hash, &first);
    const uint64_t *line = key_filter_line(filter, hash);
    return key_probe_hits(line, &first) && key_probe_hits(line, &second);
}

static inline void key_filter_add(uint64_t *words, uint64_t lines, uint64_t hash)
{
    uint64_t *line = words + filter_line(hash, lines) * FILTER_LINE_WORDS;
    struct key_probe first = key_first_probe(hash);
    struct key_probe second = key_second_probe(hash, &first);
    line[first.word] |= first.bits;
    line[second.word] |= second.bits;
}

static inline void key_filter_prefetch(const struct key_filter *filter, uint64_t hash)
{
    __builtin_prefetch(key_filter_line(filter, hash));
}

#endif
