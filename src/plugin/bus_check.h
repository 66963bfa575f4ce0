/* What the handle of a bus refuses before any bus is asked: misuse by its caller. Each returns TRADING_OK, or fills `error`. */
#ifndef PLUGIN_BUS_CHECK_H
#define PLUGIN_BUS_CHECK_H

#include <trading/bus.h>

int32_t bus_check_options(const trading_bus_options *options, trading_error *error);
/* Of a topic, a group or a writer, as `what` says. */
int32_t bus_check_name(const char *what, const char *name, trading_error *error);
/* A topic, and a position from which to read. */
int32_t bus_check_place(const char *topic, int64_t position, trading_error *error);
int32_t bus_check_records(const trading_bus_record *records, size_t count, trading_error *error);

#endif
