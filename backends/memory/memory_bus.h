/* The bus within a process: a broker, which its opener shares among those who open buses with it. */
#ifndef MEMORY_BUS_H
#define MEMORY_BUS_H

#include "base/memory.h"
#include "plugin/bus.h"

struct memory_broker;

/* The broker outlives its buses. NULL when memory runs out. */
struct memory_broker *memory_broker_open(struct memory *memory);
void memory_broker_close(struct memory_broker *broker);

extern const struct bus_ops memory_bus_ops;

#endif
