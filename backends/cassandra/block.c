/* Commits as the bytes of a block, and back. */
#include "backends/cassandra/journal.h"
#include "base/error.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#define MOST_BYTES (UINT64_C(1) << 30)

struct block_header {
    uint64_t event_count; /* lowest byte first, as the next */
    uint64_t size;
    trading_id nonce;
};

_Static_assert(sizeof(struct block_header) == BLOCK_HEADER, "the header of a commit in a block is packed");

int32_t block_size(const trading_store_commit *commits, size_t count, uint64_t *size, trading_error *error)
{
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        if (commits[i].size > MOST_BYTES - BLOCK_HEADER || *size > MOST_BYTES - BLOCK_HEADER - commits[i].size)
            return error_set(error, TRADING_E_INVALID, "an append to this store has at most %" PRIu64 " bytes", MOST_BYTES);
        *size += BLOCK_HEADER + commits[i].size;
    }
    return TRADING_OK;
}

void block_pack(const trading_store_commit *commits, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        struct block_header header = {.event_count = htole64((uint64_t)commits[i].event_count),
                                      .size = htole64(commits[i].size),
                                      .nonce = commits[i].nonce};
        bytes = mempcpy(bytes, &header, sizeof header);
        bytes = mempcpy(bytes, commits[i].data, commits[i].size);
    }
}

bool block_unpack(const uint8_t **bytes, uint64_t *size, int64_t first_position, trading_store_commit *commit)
{
    struct block_header header;
    if (*size < sizeof header)
        return false;
    memcpy(&header, *bytes, sizeof header);
    uint64_t events = le64toh(header.event_count);
    uint64_t data = le64toh(header.size);
    if (data < 1 || data > *size - sizeof header || events < 1 || events > (uint64_t)(INT64_MAX - first_position))
        return false;
    *commit = (trading_store_commit){.first_position = first_position,
                                     .event_count = (int64_t)events,
                                     .nonce = header.nonce,
                                     .data = *bytes + sizeof header,
                                     .size = data};
    *bytes += sizeof header + data;
    *size -= sizeof header + data;
    return true;
}
