/* The bus within a process: "memory:NAME", shared by all who open the name with the same host. Its topics live as long as the host. */
#ifndef MEMORY_BUS_H
#define MEMORY_BUS_H

#include "base/memory.h"

#include <pthread.h>

#include <trading/plugin/bus.h>

/* The brokers of a host, one for each name. */
struct memory_brokers {
    struct memory *memory;
    pthread_mutex_t lock;
    struct memory_broker *first;
};

void memory_brokers_open(struct memory_brokers *brokers, struct memory *memory);
/* After all buses. */
void memory_brokers_close(struct memory_brokers *brokers);

/* What this bus is opened with: its `request.size` says that the brokers are there. */
struct memory_bus_request {
    trading_bus_request request;
    struct memory_brokers *brokers;
};

extern const trading_bus_ops memory_bus_ops;

#endif
