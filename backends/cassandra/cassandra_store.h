/* Cassandra as the journal: cassandra://user@host1,host2:port/keyspace?… See docs/cassandra.md. */
#ifndef CASSANDRA_STORE_TABLE_H
#define CASSANDRA_STORE_TABLE_H

#include <trading/plugin/store.h>

extern const trading_store_ops cassandra_store_ops;

#endif
