#include "cloud_event.h"

#include "output.h"
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS    8
#define TYPE_BYTES 64

/* One event: what its record points to. */
struct envelope {
    char *value; /* JSON */
    char id[48];
    char type[TYPE_BYTES];
    char time[TRADING_TIME_TEXT];
    char subject[TRADING_ID_TEXT];
    trading_bus_header headers[HEADERS];
};

struct cloud_events {
    const struct wire *wire;
    uint32_t partition;
    uint32_t batch;
    trading_view *view;
    char source[WIRE_TOPIC_BYTES + 1];
    struct envelope envelopes[];
};

struct cloud_events *cloud_events_open(const struct wire *wire, uint32_t partition, uint32_t batch, trading_view *view)
{
    struct cloud_events *cloud = calloc(1, sizeof *cloud + batch * sizeof *cloud->envelopes);
    if (!cloud)
        out_of_memory();
    cloud->wire = wire;
    cloud->partition = partition;
    cloud->batch = batch;
    cloud->view = view;
    snprintf(cloud->source, sizeof cloud->source, "/%s", wire->events);
    return cloud;
}

static void let_go(struct cloud_events *cloud)
{
    for (uint32_t i = 0; i < cloud->batch; i++) {
        free(cloud->envelopes[i].value);
        cloud->envelopes[i].value = NULL;
    }
}

void cloud_events_close(struct cloud_events *cloud)
{
    if (cloud)
        let_go(cloud);
    free(cloud);
}

/* What the event is about: the entity whose history it is in. */
static void choose_subject(const trading_event *event, char subject[TRADING_ID_TEXT])
{
    const trading_id *const ids[] = {[TRADING_ENTITY_ACCOUNT] = &event->account,
                                     [TRADING_ENTITY_PORTFOLIO] = &event->portfolio,
                                     [TRADING_ENTITY_ORDER] = &event->order};
    subject[0] = '\0';
    if (event->entity == TRADING_ENTITY_INSTRUMENT)
        snprintf(subject, TRADING_ID_TEXT, "%s", event->symbol.text);
    else if (event->entity >= TRADING_ENTITY_ACCOUNT && event->entity <= TRADING_ENTITY_ORDER)
        trading_id_format(event->entity, ids[event->entity], subject);
}

static void fill(struct cloud_events *cloud, const trading_event *event, struct envelope *envelope)
{
    json_t *json = record_event(cloud->view, event);
    envelope->value = output_text(json);
    json_decref(json);
    snprintf(envelope->id, sizeof envelope->id, "%" PRIu32 "/%" PRId64, cloud->partition, event->position);
    snprintf(envelope->type, sizeof envelope->type, "trading.%s", trading_event_name(event->kind));
    trading_time_format(event->time, envelope->time);
    choose_subject(event, envelope->subject);
}

/* The subject last: not every event has one. */
static uint32_t put_headers(const struct cloud_events *cloud, const trading_event *event, struct envelope *envelope)
{
    trading_bus_header *headers = envelope->headers;
    uint32_t count = 0;
    headers[count++] = wire_text_header("ce_specversion", "1.0");
    headers[count++] = wire_text_header("ce_id", envelope->id);
    headers[count++] = wire_text_header("ce_source", cloud->source);
    headers[count++] = wire_text_header("ce_type", envelope->type);
    headers[count++] = wire_text_header("ce_time", envelope->time);
    headers[count++] = wire_text_header("content-type", "application/json");
    headers[count++] = wire_text_header("EVENT_TYPE", trading_event_name(event->kind));
    if (envelope->subject[0])
        headers[count++] = wire_text_header("ce_subject", envelope->subject);
    return count;
}

int32_t cloud_events_encode(void *context, const trading_event *events, size_t count, trading_bus_record *records,
                            trading_error *error)
{
    struct cloud_events *cloud = context;
    (void)error;
    let_go(cloud);
    for (size_t i = 0; i < count; i++) {
        struct envelope *envelope = &cloud->envelopes[i];
        fill(cloud, &events[i], envelope);
        records[i].topic = cloud->wire->events;
        records[i].time = events[i].time;
        records[i].value = envelope->value;
        records[i].value_size = strlen(envelope->value);
        records[i].headers = envelope->headers;
        records[i].header_count = put_headers(cloud, &events[i], envelope);
    }
    return TRADING_OK;
}
