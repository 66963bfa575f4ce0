/* Snapshots and secrets: as the functions of trading_store_ops; the arguments are checked. */
#ifndef CASSANDRA_KEEPING_H
#define CASSANDRA_KEEPING_H

#include "backends/cassandra/store.h"

int32_t snapshot_put(struct cassandra *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                     uint64_t size, bool last, trading_error *error);
int32_t snapshot_find(struct cassandra *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                      trading_error *error);
int32_t snapshot_get(struct cassandra *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                     void *arg, trading_error *error);
int32_t snapshot_drop(struct cassandra *store, uint32_t partition, int64_t position, trading_error *error);
void snapshot_forget(struct cassandra *store); /* the unfinished ones, at close */

int32_t secret_put(struct cassandra *store, const trading_store_secret *secrets, size_t count, trading_error *error);
int32_t secret_add(struct cassandra *store, const trading_store_secret *secrets, size_t count, trading_error *error);
int32_t secret_get(struct cassandra *store, const trading_id *name, uint8_t value[32], trading_error *error);
int32_t secret_delete(struct cassandra *store, const trading_id *name, trading_error *error);

#endif
