/* Events for everybody: CloudEvents 1.0 in the binary mode of the Kafka binding, the value being the event as `trading feed --json` prints it. */
#ifndef SERVE_CLOUD_EVENT_H
#define SERVE_CLOUD_EVENT_H

#include "wire.h"

#include <trading/outbox.h>
#include <trading/view.h>

struct cloud_events;

/* For the events of one partition, read through the view. Never NULL: the program ends when there is no memory. */
struct cloud_events *cloud_events_open(const struct wire *wire, uint32_t partition, uint32_t batch, trading_view *view);
void cloud_events_close(struct cloud_events *cloud);

/* A trading_outbox_encode; its context is a struct cloud_events. */
int32_t cloud_events_encode(void *context, const trading_event *events, size_t count, trading_bus_record *records,
                            trading_error *error);

#endif
