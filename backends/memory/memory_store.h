/* The event store in memory, `memory:`, for tests and for state that need not last. Whatever the location, each open is a store of
 * its own, empty, which ends with its close: what several opens would share would be state of the process. */
#ifndef MEMORY_STORE_H
#define MEMORY_STORE_H

#include <trading/plugin/store.h>

extern const trading_store_ops memory_store_ops;

#endif
