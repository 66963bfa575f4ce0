/* Runs read as one: a tree of contests, of which each leaf is the next key of a run, and each node the lesser of two. */
#include "keys/merge.h"

/* A hash, and in the bits that a run keeps nothing of whose it is: of one hash the newer run's come first, which are of later positions. */
static uint64_t contestant(uint32_t number, uint64_t hash)
{
    return hash | (KEY_MERGE_MOST - 1 - number);
}

static uint32_t number_of(uint64_t contestant)
{
    return KEY_MERGE_MOST - 1 - (uint32_t)(contestant % KEY_MERGE_MOST);
}

/* No jump depends on who wins, which nobody can foresee. */
static void contest(struct key_merge *merge, uint32_t number, uint64_t entrant)
{
    uint32_t at = merge->leaves + number;
    merge->tree[at] = entrant;
    for (; at > 1; at /= 2) {
        uint64_t other = merge->tree[at ^ 1];
        entrant = other < entrant ? other : entrant;
        merge->tree[at / 2] = entrant;
    }
}

/* Enters the reader's next key. False: it cannot be read. */
static bool enter_next(struct key_merge *merge, uint32_t number)
{
    struct key_reader *reader = &merge->readers[number];
    enum key_read read = key_reader_next(reader);
    contest(merge, number, read == KEY_READ_ENTRY ? contestant(number, key_reader_hash(reader)) : KEY_MERGE_ENDED);
    return read != KEY_READ_DAMAGED;
}

const struct key_run *key_merge_begin(struct key_merge *merge, struct key_run *const *runs, uint32_t count)
{
    merge->count = count;
    for (merge->leaves = 1; merge->leaves < count;)
        merge->leaves *= 2;
    for (uint32_t i = 0; i < 2 * merge->leaves; i++)
        merge->tree[i] = KEY_MERGE_ENDED;
    for (uint32_t i = 0; i < count; i++) {
        merge->readers[i] = (struct key_reader){.run = runs[i]};
        if (!enter_next(merge, i))
            return runs[i];
    }
    return NULL;
}

const struct key_run *key_merge_read(struct key_merge *merge, struct key_entry *entries, uint32_t most, uint32_t *count)
{
    uint32_t read = 0;
    for (; read < most && !key_merge_has_ended(merge); read++) {
        uint32_t least = number_of(merge->tree[1]);
        const struct key_reader *reader = &merge->readers[least];
        entries[read] = (struct key_entry){key_reader_hash(reader), key_reader_position(reader)};
        if (entries[read].position < 0 || !enter_next(merge, least))
            return reader->run;
    }
    *count = read;
    return NULL;
}
