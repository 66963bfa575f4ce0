/* Bytes in pieces under an id of 16 bytes: blocks that are too large for their transaction, and chunks of snapshots. */
#ifndef CASSANDRA_PIECES_H
#define CASSANDRA_PIECES_H

#include "backends/cassandra/store.h"

/* Writes all pieces, several at a time. When it fails, some may be there: nothing names them. */
int32_t pieces_put(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], const void *data, uint64_t size,
                   trading_error *error);
/* Reads `size` bytes into `data`; TRADING_E_NOT_FOUND when there are fewer, or more. */
int32_t pieces_get(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], void *data, uint64_t size, trading_error *error);
int32_t pieces_drop(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], trading_error *error);

#endif
