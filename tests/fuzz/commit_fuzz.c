/* Commits from a store that cannot be trusted. The first byte says what is made right before the rest is read as a stored commit: else
 * no mutation would get past the digest. What is accepted must be what the writer would write. A trap is a property that does not
 * hold. */
#include "base/id.h"
#include "journal/commit.h"
#include "journal/entry.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Bits of the first byte. */
#define FIX_DIGEST 1u /* appends the digest */
#define FIX_SIZE   2u /* states the size of the body as it is stored */
#define FIX_BODY   4u /* the body that follows is plain: states its size, and that it is not compressed */

/* Offsets in the header. */
#define AT_FLAGS    6
#define AT_STORED   20
#define AT_BODY     24
#define AT_POSITION 32
#define AT_NONCE    48

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void put_u32(uint8_t *bytes, size_t value)
{
    uint32_t little = htole32((uint32_t)value);
    memcpy(bytes, &little, sizeof little);
}

static void repair(uint8_t *bytes, size_t size, unsigned fixes)
{
    size_t stored_size = size - COMMIT_FRAME_BYTES;
    if (fixes & (FIX_SIZE | FIX_BODY))
        put_u32(bytes + AT_STORED, stored_size);
    if (fixes & FIX_BODY) {
        put_u32(bytes + AT_BODY, stored_size);
        memset(bytes + AT_FLAGS, 0, 2);
    }
    size_t hashed = size - COMMIT_DIGEST_BYTES;
    crypto_generichash(bytes + hashed, COMMIT_DIGEST_BYTES, bytes, hashed, NULL, 0);
}

/* What a store would say of these bytes: what they say themselves. Returns the partition. */
static uint32_t describe(trading_store_commit *stored, const uint8_t *bytes, size_t size)
{
    *stored = (trading_store_commit){.data = bytes, .size = size};
    if (size < COMMIT_HEADER_BYTES)
        return 0;
    uint32_t partition;
    uint32_t events;
    uint64_t position;
    memcpy(&partition, bytes + 8, sizeof partition);
    memcpy(&events, bytes + 16, sizeof events);
    memcpy(&position, bytes + AT_POSITION, sizeof position);
    memcpy(&stored->nonce, bytes + AT_NONCE, sizeof stored->nonce);
    stored->first_position = (int64_t)le64toh(position);
    stored->event_count = le32toh(events);
    return le32toh(partition);
}

/* A plain commit is built the same again, byte by byte. */
static void check_built(const trading_store_commit *stored, const struct commit *commit, struct memory *memory)
{
    if (commit->body_size != stored->size - COMMIT_FRAME_BYTES)
        return;
    struct commit_builder builder;
    struct commit header = *commit;
    trading_store_commit built;
    require(commit_builder_open(&builder, memory, commit->body_size, 0, NULL) == TRADING_OK);
    write_bytes(&builder.body, commit->body, commit->body_size);
    require(commit_build(&builder, &header, &built, NULL) == TRADING_OK);
    require(built.size == stored->size && !memcmp(built.data, stored->data, built.size));
    commit_builder_close(&builder);
}

/* An entry is written the same again, byte by byte, up to its events. */
static void check_entry(const uint8_t *begin, const uint8_t *end, const struct cause *cause, uint32_t events)
{
    uint8_t bytes[ENTRY_FRAME_BYTES];
    struct writer writer = {.at = bytes, .end = bytes + sizeof bytes};
    struct entry_mark mark;
    entry_begin(&writer, cause, &mark);
    uint8_t *after = writer.at;
    entry_end(&writer, &mark, events, INT64_MAX);
    require(!writer.full);
    require(after - bytes == end - begin && !memcmp(bytes, begin, (size_t)(end - begin)));
}

/* As many entries as the bytes hold; an event is taken to be one byte. */
static void read_entries(const struct commit *commit)
{
    struct reader reader = {.at = commit->body, .end = commit->body + commit->body_size};
    while (!reader.bad && reader.at < reader.end) {
        const uint8_t *begin = reader.at;
        struct cause cause;
        uint32_t events;
        entry_read(&reader, &cause, &events);
        require(reader.bad == (events == 0));
        if (!reader.bad)
            check_entry(begin, reader.at, &cause, events);
        read_bytes(&reader, events);
        require(entry_read_version(&reader) >= 0);
    }
}

static void check_commit(const uint8_t *bytes, size_t size)
{
    struct memory memory;
    memory_init(&memory);
    struct commit_scratch scratch = {.memory = &memory};
    trading_store_commit stored;
    uint32_t partition = describe(&stored, bytes, size);
    struct commit commit;
    struct commit header;
    trading_error error = {0};
    int32_t status = commit_read(&stored, partition, &scratch, &commit, &error);
    require(status == error.code && memory.bytes <= COMMIT_BODY_MAX + (1u << 20));
    if (status) {
        require(status == TRADING_E_DAMAGED || status == TRADING_E_NEWER_FORMAT);
        commit_read_header(&stored, partition, &header, NULL);
    } else {
        require(commit_read_header(&stored, partition, &header, NULL) == TRADING_OK);
        require(header.body_size == commit.body_size && id_equal(&header.nonce, &commit.nonce));
        check_built(&stored, &commit, &memory);
        read_entries(&commit);
    }
    commit_scratch_close(&scratch);
    require(memory.bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    unsigned fixes = *data++;
    size--;
    bool repaired = fixes & FIX_DIGEST && size >= COMMIT_HEADER_BYTES;
    size_t whole = size + (repaired ? COMMIT_DIGEST_BYTES : 0);
    uint8_t *bytes = malloc(whole ? whole : 1); /* of its own, so that a read past its end is seen */
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if (repaired)
        repair(bytes, whole, fixes);
    check_commit(bytes, whole);
    free(bytes);
    return 0;
}
