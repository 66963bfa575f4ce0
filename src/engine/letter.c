#include "engine/letter.h"

#include "base/error.h"

#include <sodium.h>

void letter_seal(uint8_t *data, size_t size, const uint8_t key[LETTER_KEY_BYTES])
{
    size_t sealed = size - LETTER_SEAL_BYTES;
    crypto_generichash(data + sealed, LETTER_SEAL_BYTES, data, sealed, key, LETTER_KEY_BYTES);
}

size_t letter_write(const struct message *message, const uint8_t key[LETTER_KEY_BYTES], uint8_t *into, size_t size)
{
    struct writer writer = {.at = into, .end = into + size};
    write_u8(&writer, LETTER_VERSION);
    write_u64(&writer, message->from);
    write_u64(&writer, message->to);
    write_amount(&writer, message->event.position);
    write_u8(&writer, (uint8_t)message->cause.type);
    write_bytes(&writer, &message->cause.actor, sizeof message->cause.actor);
    write_bytes(&writer, &message->cause.correlation, sizeof message->cause.correlation);
    event_write(&writer, &message->event);
    write_bytes(&writer, (uint8_t[LETTER_SEAL_BYTES]){0}, LETTER_SEAL_BYTES);
    if (writer.full)
        return 0;
    letter_seal(into, (size_t)(writer.at - into), key);
    return (size_t)(writer.at - into);
}

static bool is_sealed(const uint8_t *data, size_t size, const uint8_t key[LETTER_KEY_BYTES])
{
    uint8_t seal[LETTER_SEAL_BYTES];
    size_t sealed = size - LETTER_SEAL_BYTES;
    crypto_generichash(seal, sizeof seal, data, sealed, key, LETTER_KEY_BYTES);
    return sodium_memcmp(seal, data + sealed, sizeof seal) == 0;
}

/* All between version and seal. */
static bool read_inside(struct reader *reader, struct message *message)
{
    message->from = read_u32(reader);
    message->to = read_u32(reader);
    int64_t position = read_amount(reader);
    message->cause.type = read_u8(reader);
    read_copy(reader, &message->cause.actor, sizeof message->cause.actor);
    read_copy(reader, &message->cause.correlation, sizeof message->cause.correlation);
    if (reader->bad || position == INT64_MAX)
        return false;
    event_read(reader, position, &message->event);
    bool whole = !reader->bad && reader->at == reader->end && message->cause.type;
    return whole && message->event.to && message->event.to - 1 == message->to && message->from != message->to;
}

static bool is_written_so(const struct message *message, const uint8_t key[LETTER_KEY_BYTES], const uint8_t *data, size_t size)
{
    uint8_t again[LETTER_BYTES];
    return letter_write(message, key, again, sizeof again) == size && memcmp(again, data, size) == 0;
}

int32_t letter_read(struct message *message, const uint8_t key[LETTER_KEY_BYTES], const void *data, size_t size,
                    trading_error *error)
{
    const uint8_t *bytes = data;
    memset(message, 0, sizeof *message);
    if (size <= 1 + LETTER_SEAL_BYTES)
        return error_set(error, TRADING_E_DAMAGED, "a letter of %zu bytes is too short to be one", size);
    if (bytes[0] > LETTER_VERSION)
        return error_set(error, TRADING_E_NEWER_FORMAT, "a letter is of format %u, this library reads up to %u", bytes[0],
                         LETTER_VERSION);
    if (!is_sealed(bytes, size, key))
        return error_set(error, TRADING_E_DAMAGED,
                         "a letter does not have the seal of this store: it was changed, or is another's");
    struct reader reader = {.at = bytes + 1, .end = bytes + size - LETTER_SEAL_BYTES, .bad = bytes[0] == 0};
    if (!read_inside(&reader, message) || !is_written_so(message, key, bytes, size))
        return error_set(error, TRADING_E_DAMAGED,
                         "a letter cannot be read: its bytes are no message from one partition to another");
    return TRADING_OK;
}
