/* Opening the engine of one partition, and closing it. */
#include "cloud_event.h"
#include "owned_inside.h"
#include "reference.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_PATH_BYTES 4096

static trading_time record_clock(void *context)
{
    struct owned *owned = context;
    return atomic_load(&owned->clock);
}

/* Makes the folder of a partition's state. */
static bool make_state_path(const struct owned *owned, char *path, trading_error *error)
{
    int length = snprintf(path, STATE_PATH_BYTES, "%s/%" PRIu32, owned->serving->state, owned->partition);
    if (length > 0 && length < STATE_PATH_BYTES) {
        mkdir(owned->serving->state, 0700);
        mkdir(path, 0700);
        return true;
    }
    *error = (trading_error){.code = TRADING_E_INVALID, .message = "the path of --state is too long"};
    return false;
}

static int32_t open_engine(struct owned *owned, trading_engine **engine, trading_error *error)
{
    char path[STATE_PATH_BYTES];
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_ONE_PARTITION | TRADING_ENGINE_FAIL_STOP;
    options.partitions = owned->serving->partitions;
    options.partition = owned->partition;
    if (owned->serving->commit_bytes)
        options.commit_bytes = owned->serving->commit_bytes;
    if (owned->serving->state) {
        if (!make_state_path(owned, path, error))
            return error->code;
        options.state_path = path;
    }
    if (owned->serving->record_time) {
        options.clock = record_clock;
        options.clock_context = owned;
    }
    return trading_engine_open(engine, owned->serving->host, owned->serving->store, &options, error);
}

/* A topic that was lost and made anew has other commands at the positions that are done with. */
static int32_t check_topic(const struct owned *owned, trading_error *error)
{
    int64_t end;
    const char *topic = owned->serving->wire.commands;
    int32_t code = trading_bus_end(owned->bus, topic, owned->partition, &end, error);
    if (code != TRADING_OK || owned->cursor <= end)
        return code;
    *error = (trading_error){.code = TRADING_E_POSITION};
    snprintf(error->message, sizeof error->message,
             "the commands before %" PRId64 " are done, but %.63s ends at %" PRId64
             ": if it was lost and made anew, serve under another --prefix",
             owned->cursor, topic, end);
    return error->code;
}

/* Where the commands go on: a partition that never had any of this topic begins with the oldest. */
static int32_t find_cursor(struct owned *owned, trading_error *error)
{
    int32_t code = trading_view_cursor(owned->desk.latest, owned->serving->wire.commands, &owned->cursor, error);
    if (code == TRADING_E_NOT_FOUND) {
        owned->cursor = 0;
        code = TRADING_OK;
    }
    owned->acknowledged = owned->cursor;
    return code == TRADING_OK ? check_topic(owned, error) : code;
}

static void *open_cloud_events(const struct serving *serving, uint32_t partition, uint32_t batch, trading_view *view)
{
    return cloud_events_open(&serving->wire, partition, batch, view);
}

static void close_cloud_events(void *cloud)
{
    cloud_events_close(cloud);
}

static void start_relays(struct owned *owned)
{
    const struct serving *serving = owned->serving;
    const struct relay_purpose events = {.name = WIRE_EVENTS,
                                         .kinds = {serving->event_kinds[0], serving->event_kinds[1]},
                                         .open = open_cloud_events,
                                         .close = close_cloud_events,
                                         .encode = cloud_events_encode};
    if (serving->tells_events)
        owned->relays[0] = relay_start(serving, owned->partition, owned->desk.engine, &events);
    if (serving->reference.on)
        owned->relays[1] = relay_start(serving, owned->partition, owned->desk.engine, &reference_purpose);
}

static int32_t start_routing(struct owned *owned, trading_error *error)
{
    const struct serving *serving = owned->serving;
    if (!serving->venue.uri)
        return TRADING_OK;
    owned->routing = routing_start(serving->host, owned->desk.engine, 0, owned->partition, &serving->venue, error);
    return owned->routing ? TRADING_OK : error->code;
}

bool owned_open(struct owned *owned)
{
    trading_error error = {0};
    trading_engine *engine;
    int32_t code = trading_bus_open(&owned->bus, owned->serving->host, owned->serving->bus, NULL, &error);
    if (code == TRADING_OK && (code = open_engine(owned, &engine, &error)) == TRADING_OK &&
        (code = desk_open(&owned->desk, engine, &error)) != TRADING_OK)
        trading_engine_close(engine, TRADING_CLOSE_ABANDON, NULL);
    if (code == TRADING_OK)
        code = find_cursor(owned, &error);
    if (code == TRADING_OK)
        code = start_routing(owned, &error);
    if (code != TRADING_OK) {
        owned_fail(owned, &error);
        return false;
    }
    owned_send_quotes(owned);
    start_relays(owned);
    return true;
}

/* One that ends as it was asked to leaves a checkpoint; one that failed, or must be gone, leaves all as the journal has it. */
void owned_close(struct owned *owned)
{
    trading_error error;
    bool drain = owned->error.code == TRADING_OK && atomic_load(&owned->wish) == WISH_DRAIN;
    for (size_t i = 0; i < OWNED_RELAYS; i++)
        relay_stop(owned->relays[i]);
    routing_stop(owned->routing);
    if (owned->desk.engine) {
        trading_engine *engine = owned->desk.engine;
        desk_close(&owned->desk);
        if (trading_engine_close(engine, drain ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON, &error) != TRADING_OK && drain)
            owned->counters.failures++;
    }
    owned_drop_batches(owned);
    parcels_free(&owned->commands);
    parcels_free(&owned->outgoing);
    trading_bus_close(owned->bus);
}
