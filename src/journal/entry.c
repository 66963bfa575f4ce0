#include "journal/entry.h"

#include "base/id.h"

#include <endian.h>

/* The longest form: type, flags, key, digest, account, actor, correlation, events, version. */
_Static_assert(1 + 1 + 16 + 8 + 5 + 16 + 16 + 2 + 9 <= ENTRY_FRAME_BYTES, "an entry without its events fits");

static uint32_t flags_of(const struct cause *cause)
{
    uint32_t flags = cause->flags & (ENTRY_CONTINUED | ENTRY_MESSAGE);
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

void entry_message_key(trading_id *key, uint32_t partition, int64_t position)
{
    static const char tag[4] = "msg";
    uint32_t from = htole32(partition);
    uint64_t at = htole64((uint64_t)position);
    memcpy(key->bytes, &from, sizeof from);
    memcpy(key->bytes + 4, &at, sizeof at);
    memcpy(key->bytes + 12, tag, sizeof tag);
}

/* What names the command, or the message in its place. */
static inline uint8_t *put_name(uint8_t *at, const struct cause *cause, uint32_t flags)
{
    if (flags & ENTRY_MESSAGE)
        return varint_put(varint_put(at, cause->partition), (uint64_t)cause->position);
    at = put(at, &cause->key, sizeof cause->key);
    return flags & ENTRY_CONTINUED ? at : put(at, &(uint64_t){htole64(cause->digest)}, sizeof cause->digest);
}

static void read_message(struct reader *reader, struct cause *cause)
{
    cause->partition = read_u32(reader);
    cause->position = read_amount(reader);
    entry_message_key(&cause->key, cause->partition, cause->position);
}

void entry_begin(struct writer *writer, const struct cause *cause, struct entry_mark *mark)
{
    mark->count = NULL;
    if (cause->type < 1 || cause->type > UINT8_MAX) {
        writer_fill(writer);
        return;
    }
    if (!writer_has(writer, ENTRY_FRAME_BYTES)) {
        writer_fill(writer);
        return;
    }
    uint32_t flags = flags_of(cause);
    uint8_t *at = writer->at;
    *at++ = (uint8_t)cause->type;
    *at++ = (uint8_t)flags;
    at = put_name(at, cause, flags);
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
        writer_fill(writer);
        return;
    }
    uint16_t count = htole16((uint16_t)events);
    memcpy(mark->count, &count, sizeof count);
    write_amount(writer, version);
}

/* An id that is only written when it is not zero. */
static void read_present(struct reader *reader, trading_id *id)
{
    read_copy(reader, id, sizeof *id);
    if (id_is_zero(id))
        reader->bad = true;
}

void entry_read(struct reader *reader, struct cause *cause, uint32_t *events)
{
    *cause = (struct cause){0};
    cause->type = read_u8(reader);
    cause->flags = read_u8(reader);
    if (cause->flags & ENTRY_MESSAGE)
        read_message(reader, cause);
    else
        read_copy(reader, &cause->key, sizeof cause->key);
    if (!(cause->flags & (ENTRY_CONTINUED | ENTRY_MESSAGE))) {
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
    bool both = (cause->flags & ENTRY_CONTINUED) && (cause->flags & ENTRY_MESSAGE);
    if (!cause->type || cause->flags & ~ENTRY_FLAGS || both || !*events)
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
