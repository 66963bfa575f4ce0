/* The manifest: which blobs are the runs, and how far they go. It is blob 0, and replaced at once; so a crash leaves the set before or the
 * set after, and what it does not name is dropped when the keys are opened again. */
#include "base/bytes.h"
#include "base/error.h"
#include "keys/inside.h"

#include <inttypes.h>

#define MANIFEST     UINT64_C(0) /* the number of its blob */
#define SUM_BYTES    8u
#define BYTES_MOST   (64u + (KEY_RUNS_MAX + 1) * 20u)
#define ORPHANS_MOST 64u

static const char magic[KEY_MAGIC_BYTES] = "keys manifest";

/* ---- writing ---- */

static size_t manifest_write(const struct keys *keys, const struct key_set *set, const struct keys_stored *stored,
                             uint8_t *bytes)
{
    struct writer writer = {.at = bytes, .end = bytes + BYTES_MOST - (size_t)2 * SUM_BYTES};
    write_bytes(&writer, magic, sizeof magic);
    write_u64(&writer, KEY_FORMAT);
    write_u64(&writer, keys->next_number);
    write_amount(&writer, stored->next_position);
    write_bytes(&writer, &stored->hash, sizeof stored->hash);
    write_u64(&writer, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        write_u64(&writer, set->runs[i]->footer.number);
        write_bytes(&writer, &set->runs[i]->footer.sum, SUM_BYTES);
    }
    if (keys->stored_sieve.number) {
        write_u64(&writer, keys->stored_sieve.number);
        write_bytes(&writer, &keys->stored_sieve.sum, SUM_BYTES);
    }
    while ((writer.at - bytes) % 8) /* the sum is of words */
        write_u8(&writer, 0);
    size_t size = (size_t)(writer.at - bytes);
    uint64_t sum = checksum(bytes, size, KEY_FORMAT);
    memcpy(bytes + size, &sum, sizeof sum);
    return size + SUM_BYTES;
}

int32_t keys_write_manifest(struct keys *keys, const struct key_set *set, const struct keys_stored *stored,
                            trading_error *error)
{
    uint8_t bytes[BYTES_MOST];
    const struct state_store_ops *ops = keys->store.ops;
    void *blob;
    size_t size = manifest_write(keys, set, stored, bytes);
    int32_t code = ops->blob_create(keys->store.store, MANIFEST, &blob, error);
    if (code)
        return code;
    code = ops->blob_append(blob, bytes, size, error);
    if (!code)
        code = ops->blob_seal(blob, error);
    if (code)
        ops->blob_abandon(blob);
    return code;
}

/* ---- reading ---- */

static int32_t damaged(trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "the manifest of command keys is damaged");
}

static int32_t open_run(struct keys *keys, struct reader *reader, trading_error *error)
{
    uint64_t number = read_u64(reader);
    uint64_t sum;
    read_copy(reader, &sum, sizeof sum);
    if (reader->bad || number == MANIFEST || number >= keys->next_number)
        return damaged(error);
    struct key_run *run;
    int32_t code = key_run_open(&run, &keys->memory, &keys->store, number, error);
    if (code == TRADING_E_NOT_FOUND)
        return error_set(error, TRADING_E_DAMAGED, "run %" PRIu64 " of command keys is missing", number);
    if (code)
        return code;
    const struct key_set *set = &keys->set;
    int64_t after = set->count ? set->runs[set->count - 1]->footer.span.last_position : -1;
    bool follows = run->footer.sum == sum && run->footer.span.first_position > after &&
                   run->footer.span.last_position < keys->stored.next_position;
    keys->set.runs[keys->set.count++] = run;
    return follows ? TRADING_OK : error_set(error, TRADING_E_DAMAGED, "run %" PRIu64 " of command keys is another", number);
}

/* What is behind the runs: a sieve, or zeros. */
static int32_t read_sieve(struct keys *keys, struct reader *reader, trading_error *error)
{
    uint64_t number = reader->at < reader->end ? read_u64(reader) : 0;
    if (!number)
        return TRADING_OK;
    keys->stored_sieve.number = number;
    read_copy(reader, &keys->stored_sieve.sum, SUM_BYTES);
    return reader->bad || number >= keys->next_number ? damaged(error) : TRADING_OK;
}

static int32_t manifest_read(struct keys *keys, const uint8_t *bytes, size_t size, trading_error *error)
{
    uint64_t sum;
    if (size < KEY_MAGIC_BYTES + SUM_BYTES || size % 8 || memcmp(bytes, magic, sizeof magic) != 0)
        return damaged(error);
    memcpy(&sum, bytes + size - SUM_BYTES, sizeof sum);
    if (sum != checksum(bytes, size - SUM_BYTES, KEY_FORMAT))
        return damaged(error);
    struct reader reader = {.at = bytes + KEY_MAGIC_BYTES, .end = bytes + size - SUM_BYTES};
    uint64_t format = read_u64(&reader);
    if (format > KEY_FORMAT)
        return error_set(error, TRADING_E_NEWER_FORMAT, "command keys have format %" PRIu64 ", this library knows %u", format,
                         KEY_FORMAT);
    keys->next_number = read_u64(&reader);
    keys->stored.next_position = read_amount(&reader);
    read_copy(&reader, &keys->stored.hash, sizeof keys->stored.hash);
    uint64_t count = read_u64(&reader);
    if (reader.bad || count > KEY_RUNS_MAX || !keys->next_number)
        return damaged(error);
    int32_t code = TRADING_OK;
    while (!code && count--)
        code = open_run(keys, &reader, error);
    return code ? code : read_sieve(keys, &reader, error);
}

int32_t keys_read_manifest(struct keys *keys, trading_error *error)
{
    struct state_blob blob;
    int32_t code = keys->store.ops->blob_map(keys->store.store, MANIFEST, &blob, error);
    if (code)
        return code;
    code = manifest_read(keys, blob.bytes, blob.size, error);
    keys->store.ops->blob_unmap(keys->store.store, &blob);
    return code;
}

/* ---- orphans ---- */

struct orphans {
    const struct keys *keys;
    uint32_t count;
    uint64_t numbers[ORPHANS_MOST];
};

static bool is_named(const struct keys *keys, uint64_t number)
{
    bool named = number == MANIFEST ? keys->stored.next_position : number == keys->stored_sieve.number;
    for (uint32_t i = 0; !named && i < keys->set.count; i++)
        named = keys->set.runs[i]->footer.number == number;
    return named;
}

static int take_orphan(void *arg, uint64_t number)
{
    struct orphans *orphans = arg;
    if (!is_named(orphans->keys, number))
        orphans->numbers[orphans->count++] = number;
    return orphans->count == ORPHANS_MOST;
}

int32_t keys_drop_orphans(struct keys *keys, trading_error *error)
{
    const struct state_store_ops *ops = keys->store.ops;
    struct orphans orphans = {.keys = keys};
    int32_t code;
    do {
        orphans.count = 0;
        code = ops->blob_list(keys->store.store, take_orphan, &orphans, error);
        for (uint32_t i = 0; !code && i < orphans.count; i++)
            code = ops->blob_drop(keys->store.store, orphans.numbers[i], error);
    } while (!code && orphans.count == ORPHANS_MOST);
    return code;
}
