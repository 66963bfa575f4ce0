/* A commit as journal.mdb has it: its key, and what its value begins with (journal.h). */
#include "backends/lmdb/journal.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#define COVERED_BYTES 24u /* of the head, before its check */

void journal_key(uint32_t partition, int64_t position, uint8_t key[JOURNAL_KEY_BYTES])
{
    uint32_t high = htobe32(partition);
    uint64_t low = htobe64((uint64_t)position);
    memcpy(key, &high, sizeof high);
    memcpy(key + sizeof high, &low, sizeof low);
}

/* Of a head of so many bytes: the check stands between what it covers. */
static uint64_t head_check(const uint8_t key[JOURNAL_KEY_BYTES], const uint8_t *head, size_t head_size, uint64_t data_size)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    uint8_t message[JOURNAL_KEY_BYTES + JOURNAL_HEAD_BYTES];
    uint8_t *at = message;
    uint64_t check;
    _Static_assert(crypto_shorthash_BYTES == sizeof check, "the check is one word");
    _Static_assert(sizeof check == sizeof data_size, "the size is in the place of the check");
    memcpy(at, key, JOURNAL_KEY_BYTES);
    at += JOURNAL_KEY_BYTES;
    memcpy(at, head, head_size);
    memcpy(at + COVERED_BYTES, &data_size, sizeof data_size);
    crypto_shorthash((uint8_t *)&check, message, JOURNAL_KEY_BYTES + head_size, zeros);
    return check;
}

void journal_value_head(const uint8_t key[JOURNAL_KEY_BYTES], const trading_store_commit *commit,
                        const struct journal_seal *seal, uint8_t head[JOURNAL_HEAD_BYTES])
{
    memcpy(head, commit->nonce.bytes, 16);
    memcpy(head + 16, &commit->event_count, 8);
    memcpy(head + 32, &seal->commits, 8);
    memcpy(head + 40, &seal->sum, 8);
    uint64_t check = head_check(key, head, JOURNAL_HEAD_BYTES, commit->size);
    memcpy(head + COVERED_BYTES, &check, 8);
}

/* Whether the value begins with a head of this size. */
static bool head_matches(const uint8_t *key, const uint8_t *head, size_t head_size, uint64_t value_size)
{
    uint64_t check;
    memcpy(&check, head + COVERED_BYTES, sizeof check);
    return value_size > head_size && check == head_check(key, head, head_size, value_size - head_size);
}

const char *journal_decode(const uint8_t *key, uint32_t key_size, const uint8_t *head, uint64_t value_size,
                           struct journal_record *record)
{
    *record = (struct journal_record){.head_bytes = JOURNAL_HEAD_BYTES};
    if (key_size != JOURNAL_KEY_BYTES)
        return "a key is no commit's";
    if (value_size <= JOURNAL_HEAD_BYTES_1)
        return "a commit is too short";
    if (!head_matches(key, head, JOURNAL_HEAD_BYTES, value_size)) {
        if (!head_matches(key, head, JOURNAL_HEAD_BYTES_1, value_size))
            return "a commit's head does not match its check";
        record->head_bytes = JOURNAL_HEAD_BYTES_1;
    } else {
        memcpy(&record->seal.commits, head + 32, 8);
        memcpy(&record->seal.sum, head + 40, 8);
    }
    uint32_t high;
    uint64_t low;
    memcpy(&high, key, sizeof high);
    memcpy(&low, key + sizeof high, sizeof low);
    trading_store_commit *commit = &record->commit;
    record->partition = be32toh(high);
    commit->first_position = (int64_t)be64toh(low);
    commit->size = value_size - record->head_bytes;
    memcpy(commit->nonce.bytes, head, 16);
    memcpy(&commit->event_count, head + 16, 8);
    if (commit->first_position < 0 || commit->event_count < 1 || commit->event_count > INT64_MAX - commit->first_position)
        return "a commit's positions are impossible";
    return NULL;
}
