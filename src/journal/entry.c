#include "journal/entry.h"

#include "base/id.h"

#include <endian.h>

/* The longest form: type, flags, key, digest, account, actor, correlation, events, version. */
_Static_assert(1 + 1 + 16 + 8 + 5 + 16 + 16 + 2 + 9 <= ENTRY_FRAME_BYTES, "an entry without its events fits");

static uint32_t flags_of(const struct cause *cause)
{
    uint32_t flags = cause->flags & ENTRY_CONTINUED;
    if (!id_is_zero(&cause->actor))
        flags |= ENTRY_ACTOR;
    if (!id_is_zero(&cause->correlation))
        flags |= ENTRY_CORRELATION;
    return flags;
}

static inline uint8_t *put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

void entry_begin(struct writer *writer, const struct cause *cause, struct entry_mark *mark)
{
    mark->count = NULL;
    if (cause->type < 1 || cause->type > UINT8_MAX) {
        writer->full = true;
        return;
    }
    if (!writer_has(writer, ENTRY_FRAME_BYTES)) {
        writer->full = true;
        return;
    }
    uint32_t flags = flags_of(cause);
    uint8_t *at = writer->at;
    *at++ = (uint8_t)cause->type;
    *at++ = (uint8_t)flags;
    at = put(at, &cause->key, sizeof cause->key);
    if (!(flags & ENTRY_CONTINUED))
        at = put(at, &(uint64_t){htole64(cause->digest)}, sizeof cause->digest);
    at = varint_put(at, cause->account);
    if (flags & ENTRY_ACTOR)
        at = put(at, &cause->actor, sizeof cause->actor);
    if (flags & ENTRY_CORRELATION)
        at = put(at, &cause->correlation, sizeof cause->correlation);
    mark->count = at;
    writer->at = put(at, (uint8_t[2]){0}, 2);
}

void entry_end(struct writer *writer, const struct entry_mark *mark, uint32_t events, int64_t version)
{
    if (!mark->count || events < 1 || events > ENTRY_EVENTS_MAX || version < 0) {
        writer->full = true;
        return;
    }
    uint16_t count = htole16((uint16_t)events);
    memcpy(mark->count, &count, sizeof count);
    write_amount(writer, version);
}

#define START_BYTES (1u + 1u + sizeof(trading_id)) /* type, flags and key, which every entry has */

/* An id that is only written when it is not zero. */
static void read_present(struct reader *reader, trading_id *id)
{
    read_copy(reader, id, sizeof *id);
    if (id_is_zero(id))
        reader->bad = true;
}

void entry_read(struct reader *reader, struct cause *cause, uint32_t *events)
{
    uint8_t start[START_BYTES];
    *cause = (struct cause){0};
    read_copy(reader, start, sizeof start);
    cause->type = start[0];
    cause->flags = start[1];
    memcpy(&cause->key, start + 2, sizeof cause->key);
    if (!(cause->flags & ENTRY_CONTINUED)) {
        uint64_t digest;
        read_copy(reader, &digest, sizeof digest);
        cause->digest = le64toh(digest);
    }
    cause->account = read_u32(reader);
    if (cause->flags & ENTRY_ACTOR)
        read_present(reader, &cause->actor);
    if (cause->flags & ENTRY_CORRELATION)
        read_present(reader, &cause->correlation);
    uint16_t count;
    read_copy(reader, &count, sizeof count);
    *events = le16toh(count);
    if (!cause->type || cause->flags & ~ENTRY_FLAGS || !*events)
        reader->bad = true;
    if (reader->bad) {
        *cause = (struct cause){0};
        *events = 0;
    }
}

int64_t entry_read_version(struct reader *reader)
{
    return read_amount(reader);
}
