#include "base/columns.h"

#include <string.h>

/* A block is a word of each of 16 records. Where a byte of it stands is told by seven bits: four of the record, three of its place in the word. */
#define WORD    8u
#define RECORDS 16u
#define BLOCK   (WORD * RECORDS)

/* Both halves into each other, byte by byte, as a deck of cards is riffled: the first of the seven bits becomes the last. Compilers make few
 * instructions of it (punpcklbw, zip1 …). */
static inline void riffle(uint8_t into[restrict BLOCK], const uint8_t from[restrict BLOCK])
{
    for (size_t i = 0; i < BLOCK / 2; i++) {
        into[2 * i] = from[i];
        into[2 * i + 1] = from[BLOCK / 2 + i];
    }
}

/* `columns`: where the first of the word's eight is to have its 16 bytes; the next is `count` bytes further on. */
static inline void turn_block(uint8_t *restrict columns, const uint8_t *restrict records, size_t count, size_t bytes)
{
    uint8_t a[BLOCK];
    uint8_t b[BLOCK];
    for (size_t i = 0; i < RECORDS; i++)
        memcpy(a + i * WORD, records + i * bytes, WORD);
    riffle(b, a);
    riffle(a, b);
    riffle(b, a);
    riffle(a, b); /* the record's four bits have become the last */
    for (size_t i = 0; i < WORD; i++)
        memcpy(columns + i * count, a + i * RECORDS, RECORDS);
}

static inline void turn_block_back(uint8_t *restrict records, const uint8_t *restrict columns, size_t count, size_t bytes)
{
    uint8_t a[BLOCK];
    uint8_t b[BLOCK];
    for (size_t i = 0; i < WORD; i++)
        memcpy(a + i * RECORDS, columns + i * count, RECORDS);
    riffle(b, a);
    riffle(a, b);
    riffle(b, a); /* and so have the three of its place in the word */
    for (size_t i = 0; i < RECORDS; i++)
        memcpy(records + i * bytes, b + i * WORD, WORD);
}

/* Word by word: eight columns are written at a time, and not as many as a record has bytes, which a cache cannot hold open. */
void columns_of_records(uint8_t *restrict columns, const uint8_t *restrict records, size_t count, size_t bytes)
{
    for (size_t word = 0; word < bytes; word += WORD) {
        size_t i = 0;
        for (; i + RECORDS <= count; i += RECORDS)
            turn_block(columns + word * count + i, records + i * bytes + word, count, bytes);
        for (; i < count; i++)
            for (size_t at = word; at < word + WORD; at++)
                columns[at * count + i] = records[i * bytes + at];
    }
}

void records_of_columns(uint8_t *restrict records, const uint8_t *restrict columns, size_t count, size_t bytes)
{
    for (size_t word = 0; word < bytes; word += WORD) {
        size_t i = 0;
        for (; i + RECORDS <= count; i += RECORDS)
            turn_block_back(records + i * bytes + word, columns + word * count + i, count, bytes);
        for (; i < count; i++)
            for (size_t at = word; at < word + WORD; at++)
                records[i * bytes + at] = columns[at * count + i];
    }
}
