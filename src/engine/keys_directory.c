#include "engine/keys_directory.h"

#include "base/bytes.h"
#include "base/error.h"

#include <endian.h>

#define FORMAT          1u
#define BYTE_ORDER_MARK UINT32_C(0x01020304)
#define SUM_BYTES       16u
#define RUN_MAX         (UINT64_C(1) << 32) /* no run is longer */

static const uint8_t directory_key[] = {STATE_KEYS, 'd'};

void key_part_key(uint64_t id, uint32_t part, uint8_t key[PART_KEY_BYTES])
{
    uint64_t ordered_id = htobe64(id);
    uint32_t ordered_part = htobe32(part);
    key[0] = STATE_KEYS;
    key[1] = 'r';
    memcpy(key + 2, &ordered_id, sizeof ordered_id);
    memcpy(key + RUN_KEY_BYTES, &ordered_part, sizeof ordered_part);
}

void key_part_sum(uint64_t id, uint32_t part, const void *entries, uint64_t count, uint8_t sum[PART_SUM_BYTES])
{
    struct {
        uint64_t id;
        uint32_t part;
        uint32_t count;
    } place = {htole64(id), htole32(part), htole32((uint32_t)count)};
    _Static_assert(sizeof place == crypto_shorthash_KEYBYTES, "a key of SipHash");
    crypto_shorthash(sum, entries, count * sizeof(struct key_entry), (const unsigned char *)&place);
}

static size_t directory_write(const struct key_directory *directory, uint8_t bytes[DIRECTORY_BYTES])
{
    struct writer writer = {.at = bytes, .end = bytes + DIRECTORY_BYTES - SUM_BYTES};
    uint32_t mark = BYTE_ORDER_MARK;
    write_u64(&writer, FORMAT);
    write_bytes(&writer, &mark, sizeof mark);
    write_u64(&writer, directory->lineage);
    write_u64(&writer, directory->next_id);
    write_u64(&writer, directory->count);
    for (uint32_t i = 0; i < directory->count; i++) {
        const struct stored_run *run = &directory->runs[i];
        write_u64(&writer, run->id);
        write_u64(&writer, run->kind);
        write_u64(&writer, run->count);
        write_i64(&writer, run->span.first_position);
        write_i64(&writer, run->span.last_position);
        write_i64(&writer, run->span.first_time);
        write_i64(&writer, run->span.last_time);
    }
    size_t size = (size_t)(writer.at - bytes);
    crypto_generichash(bytes + size, SUM_BYTES, bytes, size, NULL, 0);
    return size + SUM_BYTES;
}

static void read_run(struct reader *reader, struct stored_run *run)
{
    run->id = read_u64(reader);
    run->kind = read_u32(reader);
    run->count = read_u64(reader);
    run->span.first_position = read_i64(reader);
    run->span.last_position = read_i64(reader);
    run->span.first_time = read_i64(reader);
    run->span.last_time = read_i64(reader);
}

static int32_t read_runs(struct reader *reader, struct key_directory *directory, trading_error *error)
{
    directory->lineage = read_u64(reader);
    directory->next_id = read_u64(reader);
    directory->count = read_u32(reader);
    bool sound = directory->count <= DIRECTORY_RUNS;
    for (uint32_t i = 0; sound && i < directory->count; i++) {
        struct stored_run *run = &directory->runs[i];
        read_run(reader, run);
        bool last = i + 1 == directory->count;
        sound = run->count && run->count <= RUN_MAX && run->id < directory->next_id &&
                ((run->kind == STORED_RUN && i < KEY_RUNS_MAX) ||
                 (run->kind == STORED_LOG && last && run->count <= KEY_YOUNG_MAX)) &&
                (!i || run->span.first_position >= run[-1].span.last_position) &&
                run->span.first_position <= run->span.last_position;
    }
    if (!sound || !directory->lineage || reader->bad || reader->at != reader->end)
        return error_set(error, TRADING_E_DAMAGED, "the directory of command keys contradicts itself");
    return TRADING_OK;
}

static int32_t directory_read(const uint8_t *bytes, size_t size, struct key_directory *directory, trading_error *error)
{
    uint8_t sum[SUM_BYTES];
    size_t summed = size < SUM_BYTES ? 0 : size - SUM_BYTES;
    crypto_generichash(sum, sizeof sum, bytes, summed, NULL, 0);
    if (size < SUM_BYTES || memcmp(sum, bytes + summed, sizeof sum) != 0)
        return error_set(error, TRADING_E_DAMAGED, "the directory of command keys does not match its checksum");
    struct reader reader = {.at = bytes, .end = bytes + summed};
    uint64_t format = read_u64(&reader);
    if (format > FORMAT)
        return error_set(error, TRADING_E_NEWER_FORMAT, "command keys have format %llu, this library knows %u: use a newer one",
                         (unsigned long long)format, FORMAT);
    uint32_t mark = 0;
    read_copy(&reader, &mark, sizeof mark);
    if (format != FORMAT || mark != BYTE_ORDER_MARK)
        return error_set(error, TRADING_E_UNSUPPORTED, "command keys have an older format or the other byte order");
    return read_runs(&reader, directory, error);
}

struct taking {
    struct key_directory *directory;
    trading_error *error;
    int32_t status;
};

static void take_directory(void *arg, const void *value, size_t size)
{
    struct taking *taking = arg;
    taking->status = directory_read(value, size, taking->directory, taking->error);
}

int32_t key_directory_get(const struct state_store *store, void *write, struct key_directory *directory, trading_error *error)
{
    struct taking taking = {directory, error, TRADING_OK};
    int32_t status = store->ops->get(store->store, write, directory_key, sizeof directory_key, take_directory, &taking, error);
    return status ? status : taking.status;
}

int32_t key_directory_put(const struct state_store *store, void *write, const struct key_directory *directory,
                          trading_error *error)
{
    uint8_t bytes[DIRECTORY_BYTES];
    size_t size = directory_write(directory, bytes);
    return store->ops->put(write, directory_key, sizeof directory_key, bytes, size, error);
}
