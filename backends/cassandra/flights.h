/* Appends that were begun and are polled for. A few threads work on them. The transactions of a partition are run in their order, one
 * after another; while one is under way, the bytes of those behind it are written, and other partitions have theirs.
 *
 * Those behind an append that did not end well are not done: they were decided on what it would have brought. They answer
 * TRADING_E_POSITION, and so does what is begun before the caller has polled that failure; even if the partition, by another's commit,
 * happens to stand where they begin. */
#ifndef CASSANDRA_FLIGHTS_H
#define CASSANDRA_FLIGHTS_H

#include "backends/cassandra/store.h"

int32_t flights_begin(struct cassandra *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                      uint64_t tag, trading_error *error);
int32_t flights_poll(struct cassandra *store, int64_t timeout, uint64_t *tag, trading_error *outcome);
/* Ends the threads after the appends that they are at; what was not begun is not done. */
void flights_close(struct cassandra *store);

#endif
