#include "journal/commit.h"

#include "base/error.h"
#include "base/id.h"

#include <endian.h>
#include <sodium.h>
#include <stddef.h>

#define COMPRESSED 1u

/* As stored; each integer in little endian. */
struct stored_header {
    uint8_t magic[4];
    uint16_t format;
    uint16_t flags;
    uint32_t partition;
    uint32_t entries;
    uint32_t events;
    uint32_t stored_size;
    uint32_t body_size;
    uint32_t zero;
    int64_t first_position;
    trading_time time;
    trading_id nonce;
    uint8_t previous[COMMIT_DIGEST_BYTES];
};
_Static_assert(sizeof(struct stored_header) == COMMIT_HEADER_BYTES, "the header is the format, without padding");
_Static_assert(COMMIT_DIGEST_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

static const uint8_t magic[4] = {'T', 'R', 'C', 'M'};

static void digest_of(const uint8_t *bytes, size_t size, uint8_t digest[COMMIT_DIGEST_BYTES])
{
    crypto_generichash(digest, COMMIT_DIGEST_BYTES, bytes, size, NULL, 0);
}

/* Lets libsodium choose its fastest BLAKE2b for this processor. */
static int32_t prepare_digests(trading_error *error)
{
    if (sodium_init() < 0)
        return error_set(error, TRADING_E_UNSUPPORTED, "libsodium cannot be initialised, so commits cannot be hashed");
    return TRADING_OK;
}

/* What makes a header that of no commit, or NULL. */
static const char *fault_of(const struct commit *commit)
{
    if (commit->events < 1)
        return "it has no events";
    if (commit->entries < 1 || commit->entries > commit->events)
        return "its entries are none, or more than its events";
    if (commit->first_position < 0 || commit->first_position > INT64_MAX - commit->events)
        return "its first position is out of range";
    if (id_is_zero(&commit->nonce))
        return "its nonce is zero";
    bool first = commit->first_position == 0;
    if (first != (bool)sodium_is_zero(commit->previous, sizeof commit->previous))
        return first ? "its digest of the commit before it is not zero, though it is the first"
                     : "its digest of the commit before it is zero, though it is not the first";
    return NULL;
}

int32_t commit_builder_open(struct commit_builder *builder, struct memory *memory, size_t body_limit, int32_t compression,
                            trading_error *error)
{
    *builder = (struct commit_builder){.memory = memory};
    if (body_limit < 1 || body_limit > COMMIT_BODY_MAX)
        return error_set(error, TRADING_E_INVALID, "a commit cannot be limited to %zu bytes: give 1 to %u", body_limit,
                         COMMIT_BODY_MAX);
    int32_t status = prepare_digests(error);
    if (!status && compression)
        status = packer_open(&builder->packer, memory, compression, error);
    if (status)
        return status;
    builder->capacity = body_limit + COMMIT_FRAME_BYTES;
    builder->buffer = memory_allocate(memory, builder->capacity);
    if (compression)
        builder->packed = memory_allocate(memory, builder->capacity);
    if (!builder->buffer || (compression && !builder->packed)) {
        commit_builder_close(builder);
        return error_no_memory(error, "building commits");
    }
    commit_builder_reset(builder);
    return TRADING_OK;
}

void commit_builder_close(struct commit_builder *builder)
{
    if (!builder->memory)
        return;
    memory_release(builder->memory, builder->buffer, builder->capacity);
    memory_release(builder->memory, builder->packed, builder->capacity);
    packer_close(&builder->packer);
    *builder = (struct commit_builder){0};
}

void commit_builder_reset(struct commit_builder *builder)
{
    builder->body = (struct writer){
        .at = builder->buffer + COMMIT_HEADER_BYTES,
        .end = builder->buffer + builder->capacity - COMMIT_DIGEST_BYTES,
    };
}

static void write_header(uint8_t *frame, const struct commit *header, size_t stored_size)
{
    struct stored_header stored = {
        .magic = {magic[0], magic[1], magic[2], magic[3]},
        .format = htole16(COMMIT_FORMAT),
        .flags = htole16(stored_size < header->body_size ? COMPRESSED : 0),
        .partition = htole32(header->partition),
        .entries = htole32(header->entries),
        .events = htole32(header->events),
        .stored_size = htole32((uint32_t)stored_size),
        .body_size = htole32((uint32_t)header->body_size),
        .first_position = (int64_t)htole64((uint64_t)header->first_position),
        .time = (int64_t)htole64((uint64_t)header->time),
        .nonce = header->nonce,
    };
    memcpy(stored.previous, header->previous, sizeof stored.previous);
    memcpy(frame, &stored, sizeof stored);
}

int32_t commit_build(struct commit_builder *builder, struct commit *header, trading_store_commit *commit, trading_error *error)
{
    const uint8_t *body = builder->buffer + COMMIT_HEADER_BYTES;
    size_t body_size = (size_t)(builder->body.at - body);
    const char *fault = builder->body.full ? "its entries pass its limit of bytes"
                        : body_size        ? fault_of(header)
                                           : "it is empty";
    if (fault)
        return error_set(error, TRADING_E_INVALID, "partition %u: a commit at position %lld cannot be built: %s",
                         header->partition, (long long)header->first_position, fault);
    header->body = body;
    header->body_size = body_size;

    uint8_t *frame = builder->buffer;
    size_t stored_size = 0;
    if (builder->packed)
        stored_size = pack(&builder->packer, body, body_size, builder->packed + COMMIT_HEADER_BYTES);
    if (stored_size)
        frame = builder->packed;
    else
        stored_size = body_size;
    write_header(frame, header, stored_size);
    size_t hashed = COMMIT_HEADER_BYTES + stored_size;
    digest_of(frame, hashed, frame + hashed);
    memcpy(header->digest, frame + hashed, COMMIT_DIGEST_BYTES);
    *commit = (trading_store_commit){
        .first_position = header->first_position,
        .event_count = header->events,
        .nonce = header->nonce,
        .data = frame,
        .size = hashed + COMMIT_DIGEST_BYTES,
    };
    return TRADING_OK;
}

void commit_scratch_close(struct commit_scratch *scratch)
{
    if (scratch->buffer)
        memory_release(scratch->memory, scratch->buffer, scratch->capacity);
    unpacker_close(&scratch->unpacker);
    *scratch = (struct commit_scratch){.memory = scratch->memory};
}

static int32_t scratch_reserve(struct commit_scratch *scratch, size_t size, trading_error *error)
{
    if (memory_grow(scratch->memory, &scratch->buffer, &scratch->capacity, size, 1))
        return error_no_memory(error, "the body of a commit");
    return TRADING_OK;
}

static int32_t damaged(const trading_store_commit *stored, uint32_t partition, const char *fault, trading_error *error)
{
    error_set(error, TRADING_E_DAMAGED,
              "partition %u, commit at position %lld: %s; the journal is damaged there, restore it from a copy", partition,
              (long long)stored->first_position, fault);
    return TRADING_E_DAMAGED;
}

static bool has_digest(const trading_store_commit *stored)
{
    const uint8_t *bytes = stored->data;
    size_t hashed = (size_t)stored->size - COMMIT_DIGEST_BYTES;
    uint8_t digest[COMMIT_DIGEST_BYTES];
    digest_of(bytes, hashed, digest);
    return !memcmp(digest, bytes + hashed, sizeof digest);
}

/* The header of what is surely a commit of this format, whatever its fields say. A format that is not ours is believed only with
 * its digest, whether or not `proven` asks for that of ours. */
static int32_t open_frame(const trading_store_commit *stored, uint32_t partition, bool proven, struct stored_header *header,
                          trading_error *error)
{
    if (!stored->data || stored->size <= COMMIT_FRAME_BYTES)
        return damaged(stored, partition, "it is shorter than any commit", error);
    if (stored->size > (uint64_t)COMMIT_BODY_MAX + COMMIT_FRAME_BYTES)
        return damaged(stored, partition, "it is longer than any commit", error);
    memcpy(header, stored->data, sizeof *header);
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return damaged(stored, partition, "it does not begin as a commit", error);
    unsigned format = le16toh(header->format);
    if ((proven || format != COMMIT_FORMAT) && !has_digest(stored))
        return damaged(stored, partition, "its digest is not that of its bytes", error);
    if (format > COMMIT_FORMAT)
        return error_set(
            error, TRADING_E_NEWER_FORMAT,
            "partition %u, commit at position %lld: its format, %u, is newer than this library's, %u; use a newer one",
            partition, (long long)stored->first_position, format, COMMIT_FORMAT);
    if (format < COMMIT_FORMAT)
        return damaged(stored, partition, "its format is 0", error);
    return TRADING_OK;
}

/* What is wrong with the frame around the body, or NULL. */
static const char *frame_fault(const struct stored_header *header, uint64_t size)
{
    uint32_t stored_size = le32toh(header->stored_size);
    uint32_t body_size = le32toh(header->body_size);
    uint16_t flags = le16toh(header->flags);
    if (flags & ~COMPRESSED)
        return "it has flags that its format does not know";
    if (header->zero)
        return "its reserved field is not zero";
    if (size != (uint64_t)stored_size + COMMIT_FRAME_BYTES)
        return "its size is not the one that it states";
    if (body_size > COMMIT_BODY_MAX)
        return "its body is larger than any";
    if (flags & COMPRESSED ? stored_size >= body_size : stored_size != body_size)
        return "its body's sizes with and without compression contradict each other";
    return NULL;
}

static void read_fields(const struct stored_header *header, struct commit *commit)
{
    *commit = (struct commit){
        .partition = le32toh(header->partition),
        .entries = le32toh(header->entries),
        .events = le32toh(header->events),
        .first_position = (int64_t)le64toh((uint64_t)header->first_position),
        .time = (int64_t)le64toh((uint64_t)header->time),
        .nonce = header->nonce,
        .body_size = le32toh(header->body_size),
    };
    memcpy(commit->previous, header->previous, sizeof commit->previous);
}

/* Where the store and the commit contradict each other, or NULL. */
static const char *place_fault(const struct commit *commit, const trading_store_commit *stored, uint32_t partition)
{
    if (commit->partition != partition)
        return "it is of another partition";
    if (commit->first_position != stored->first_position)
        return "its first position is not the one that the store says";
    if ((int64_t)commit->events != stored->event_count)
        return "its count of events is not the one that the store says";
    if (!id_equal(&commit->nonce, &stored->nonce))
        return "its nonce is not the one that the store says";
    return NULL;
}

static int32_t read_header(const trading_store_commit *stored, uint32_t partition, bool proven, struct commit *commit,
                           bool *compressed, trading_error *error)
{
    struct stored_header header;
    int32_t status = open_frame(stored, partition, proven, &header, error);
    if (status)
        return status;
    const char *fault = frame_fault(&header, stored->size);
    if (!fault) {
        read_fields(&header, commit);
        *compressed = le16toh(header.flags) & COMPRESSED;
        fault = fault_of(commit);
    }
    if (!fault)
        fault = place_fault(commit, stored, partition);
    return fault ? damaged(stored, partition, fault, error) : TRADING_OK;
}

static int32_t decompress(const trading_store_commit *stored, uint32_t partition, struct commit_scratch *scratch,
                          size_t body_size, trading_error *error)
{
    const uint8_t *packed = (const uint8_t *)stored->data + COMMIT_HEADER_BYTES;
    size_t packed_size = (size_t)stored->size - COMMIT_FRAME_BYTES;
    if (!packed_holds(packed, packed_size, body_size))
        return damaged(stored, partition, "its compressed body is not one zstd frame of the stated size", error);
    scratch->unpacker.memory = scratch->memory;
    int32_t status = unpacker_ready(&scratch->unpacker, error);
    if (!status)
        status = scratch_reserve(scratch, body_size, error);
    if (!status && !unpack(&scratch->unpacker, packed, packed_size, scratch->buffer, body_size))
        status = damaged(stored, partition, "its body cannot be decompressed", error);
    return status;
}

int32_t commit_read(const trading_store_commit *stored, uint32_t partition, struct commit_scratch *scratch,
                    struct commit *commit, trading_error *error)
{
    if (!scratch->ready) {
        int32_t status = prepare_digests(error);
        if (status)
            return status;
        scratch->ready = true;
    }
    struct commit read;
    bool compressed;
    int32_t status = read_header(stored, partition, true, &read, &compressed, error);
    if (!status && compressed)
        status = decompress(stored, partition, scratch, read.body_size, error);
    if (status)
        return status;
    const uint8_t *bytes = stored->data;
    read.body = compressed ? scratch->buffer : bytes + COMMIT_HEADER_BYTES;
    memcpy(read.digest, bytes + stored->size - COMMIT_DIGEST_BYTES, sizeof read.digest);
    *commit = read;
    return TRADING_OK;
}

void commit_move(void *bytes, size_t size, uint32_t partition, const uint8_t previous[COMMIT_DIGEST_BYTES],
                 uint8_t digest[COMMIT_DIGEST_BYTES])
{
    uint8_t *frame = bytes;
    size_t hashed = size - COMMIT_DIGEST_BYTES;
    uint32_t little = htole32(partition);
    memcpy(frame + offsetof(struct stored_header, partition), &little, sizeof little);
    memcpy(frame + offsetof(struct stored_header, previous), previous, COMMIT_DIGEST_BYTES);
    digest_of(frame, hashed, frame + hashed);
    memcpy(digest, frame + hashed, COMMIT_DIGEST_BYTES);
}

int32_t commit_read_header(const trading_store_commit *stored, uint32_t partition, struct commit *commit, trading_error *error)
{
    struct commit read;
    bool compressed;
    int32_t status = read_header(stored, partition, false, &read, &compressed, error);
    if (!status)
        *commit = read;
    return status;
}

int32_t commit_keep(struct commit *commit, struct commit_scratch *scratch, trading_error *error)
{
    if (commit->body == scratch->buffer)
        return TRADING_OK;
    int32_t status = scratch_reserve(scratch, commit->body_size, error);
    if (status)
        return status;
    memcpy(scratch->buffer, commit->body, commit->body_size);
    commit->body = scratch->buffer;
    return TRADING_OK;
}

int32_t commit_follows(const struct commit *commit, int64_t position, const uint8_t previous[COMMIT_DIGEST_BYTES],
                       trading_error *error)
{
    if (commit->first_position != position)
        return error_set(
            error, TRADING_E_DAMAGED,
            "partition %u: the commit after position %lld begins at %lld; the journal has a gap or an overlap there, "
            "restore it from a copy",
            commit->partition, (long long)position - 1, (long long)commit->first_position);
    if (memcmp(commit->previous, previous, COMMIT_DIGEST_BYTES) != 0)
        return error_set(
            error, TRADING_E_DAMAGED,
            "partition %u, commit at position %lld: it was not written after the commit that stands before it; one of "
            "the two was replaced, restore the journal from a copy",
            commit->partition, (long long)position);
    return TRADING_OK;
}
