/* Reading and writing packed bytes with bounds: a writer that runs out or a reader that meets nonsense remembers it, does nothing
 * more, and is asked once at the end. Integers are LEB128 varints (at most 10 bytes, shortest form only), signed ones zigzag. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
    uint8_t *at;
    uint8_t *end;
    bool full; /* something did not fit; what was written before it stands, and it ends there */
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad; /* ran past the end, or met a varint that is too long; all reads give 0 from then on */
};

#define VARINT_BYTES 10u /* the longest */

/* True when so many bytes may be written at writer->at without looking further. */
static inline bool writer_has(const struct writer *writer, size_t size)
{
    return (size_t)(writer->end - writer->at) >= size;
}

/* Nothing more fits. */
static inline void writer_fill(struct writer *writer)
{
    writer->full = true;
    writer->end = writer->at;
}

static inline void write_bytes(struct writer *writer, const void *data, size_t size)
{
    if (!writer_has(writer, size)) {
        writer_fill(writer);
        return;
    }
    if (size) {
        memcpy(writer->at, data, size);
        writer->at += size;
    }
}

static inline void write_u8(struct writer *writer, uint8_t value)
{
    write_bytes(writer, &value, 1);
}

/* Writes a varint where there is room for the longest, and gives the place behind it. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* The same of bytes. */
static inline uint8_t *bytes_put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static inline void write_u64(struct writer *writer, uint64_t value)
{
    if (writer_has(writer, VARINT_BYTES)) {
        writer->at = varint_put(writer->at, value);
        return;
    }
    uint8_t bytes[VARINT_BYTES];
    write_bytes(writer, bytes, (size_t)(varint_put(bytes, value) - bytes));
}

static inline uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline void write_i64(struct writer *writer, int64_t value)
{
    write_u64(writer, zigzag(value));
}

/* `size` bytes where they lie, or NULL and bad. No bytes of an empty reader may be NULL too. */
static inline const uint8_t *read_bytes(struct reader *reader, size_t size)
{
    if (reader->bad || (size_t)(reader->end - reader->at) < size) {
        reader->bad = true;
        return NULL;
    }
    const uint8_t *data = reader->at;
    if (size)
        reader->at += size;
    return data;
}

static inline void read_copy(struct reader *reader, void *into, size_t size)
{
    const uint8_t *data = read_bytes(reader, size);
    if (data)
        memcpy(into, data, size);
    else
        memset(into, 0, size);
}

static inline uint8_t read_u8(struct reader *reader)
{
    const uint8_t *data = read_bytes(reader, 1);
    return data ? *data : 0;
}

/* Puts the low seven bits of each byte side by side. */
static inline uint64_t varint_join(uint64_t bytes)
{
    bytes = (bytes & UINT64_C(0x007f007f007f007f)) | (bytes & UINT64_C(0x7f007f007f007f00)) >> 1;
    bytes = (bytes & UINT64_C(0x00003fff00003fff)) | (bytes & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (bytes & UINT64_C(0x000000000fffffff)) | (bytes & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* One byte after another: the longest, and those near the end. */
static inline uint64_t read_u64_slowly(struct reader *reader)
{
    const uint8_t *at = reader->at;
    size_t left = reader->bad ? 0 : (size_t)(reader->end - at);
    uint64_t value = 0;
    size_t most = left < VARINT_BYTES ? left : VARINT_BYTES;
    for (size_t i = 0; i < most; i++) {
        value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] >= 0x80)
            continue;
        bool overflows = i == VARINT_BYTES - 1 && at[i] > 1;
        bool padded = i > 0 && at[i] == 0;
        if (overflows || padded)
            break;
        reader->at = at + i + 1;
        return value;
    }
    reader->bad = true;
    return 0;
}

/* Up to eight bytes are read at once, as the end of a loop over them would be guessed wrong too often. */
static inline uint64_t read_u64(struct reader *reader)
{
    uint64_t bytes;
    if (reader->bad || (size_t)(reader->end - reader->at) < sizeof bytes)
        return read_u64_slowly(reader);
    if (*reader->at < 0x80)
        return *reader->at++;
    memcpy(&bytes, reader->at, sizeof bytes);
    bytes = le64toh(bytes);
    uint64_t ends = ~bytes & UINT64_C(0x8080808080808080);
    uint64_t used = ends ^ (ends - 1); /* all bits up to the first byte's highest that is not set */
    bool padded = !(bytes & used & ~(used >> 8));
    if (!ends || padded)
        return read_u64_slowly(reader);
    reader->at += (size_t)(__builtin_ctzll(ends) / 8) + 1;
    return varint_join(bytes & used);
}

static inline int64_t read_i64(struct reader *reader)
{
    uint64_t value = read_u64(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline uint32_t read_u32(struct reader *reader)
{
    uint64_t value = read_u64(reader);
    if (value > UINT32_MAX)
        reader->bad = true;
    return reader->bad ? 0 : (uint32_t)value;
}

/* Amounts that are never negative. */
static inline void write_amount(struct writer *writer, int64_t amount)
{
    write_u64(writer, (uint64_t)amount);
}

static inline int64_t read_amount(struct reader *reader)
{
    uint64_t amount = read_u64(reader);
    if (amount > INT64_MAX)
        reader->bad = true;
    return reader->bad ? 0 : (int64_t)amount;
}

/* Bytes with their length before them. */
static inline void write_block(struct writer *writer, const void *data, uint32_t size)
{
    write_u64(writer, size);
    write_bytes(writer, data, size);
}

static inline const uint8_t *read_block(struct reader *reader, uint32_t *size)
{
    *size = read_u32(reader);
    const uint8_t *data = read_bytes(reader, *size);
    if (!data)
        *size = 0;
    return data;
}

#endif
