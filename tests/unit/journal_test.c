#include "journal_test.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>

static void *allocate_rationed(void *context, size_t bytes)
{
    struct rationed_memory *rationed = context;
    if (!rationed->left)
        return NULL;
    rationed->left--;
    return malloc(bytes);
}

static void release_rationed(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

void ration(struct rationed_memory *rationed, size_t allocations)
{
    *rationed = (struct rationed_memory){
        .memory = {.allocate = allocate_rationed, .release = release_rationed, .context = rationed}, .left = allocations};
}

struct commit sample_header(void)
{
    struct commit header = {.partition = 7,
                            .entries = 2,
                            .events = 3,
                            .first_position = 40,
                            .time = INT64_C(1700000000123456789),
                            .nonce = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}};
    memset(header.previous, 0xab, sizeof header.previous);
    return header;
}

void write_pattern(struct writer *writer, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        write_u8(writer, (uint8_t)(i % 16 ? i % 16 : i / 64 + seed));
}

void write_noise(struct writer *writer, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        write_u8(writer, (uint8_t)(seed >> 32));
    }
}

void open_filled(struct commit_builder *builder, struct memory *memory, size_t size, int32_t compression)
{
    trading_error error = {0};
    if (commit_builder_open(builder, memory, size, compression, &error))
        fail_msg("%s", error.message);
    write_pattern(&builder->body, size, 1);
    assert_false(builder->body.full);
}

void fix_digest(uint8_t *bytes, size_t size)
{
    crypto_generichash(bytes + size - COMMIT_DIGEST_BYTES, COMMIT_DIGEST_BYTES, bytes, size - COMMIT_DIGEST_BYTES, NULL, 0);
}

void put_u32(uint8_t *bytes, uint32_t value)
{
    value = htole32(value);
    memcpy(bytes, &value, sizeof value);
}

int main(void)
{
    int failed = 0;
    failed += commit_suite();
    failed += commit_damage_suite();
    failed += entry_suite();
    failed += read_suite();
    failed += seal_suite();
    return failed != 0;
}
