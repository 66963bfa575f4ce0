/* Appends that were begun and are polled for: a few threads work on them, those of one partition in their order, one after another,
 * those of different partitions at the same time. */
#ifndef CASSANDRA_FLIGHTS_H
#define CASSANDRA_FLIGHTS_H

#include "backends/cassandra/store.h"

int32_t flights_begin(struct cassandra *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                      uint64_t tag, trading_error *error);
int32_t flights_poll(struct cassandra *store, int64_t timeout, uint64_t *tag, trading_error *outcome);
/* Ends the threads after the appends that they are at; what was not begun is not done. */
void flights_close(struct cassandra *store);

#endif
