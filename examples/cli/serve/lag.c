#include "lag.h"

#include "record.h"

#include <inttypes.h>
#include <stdio.h>

/* The relays, and what their members are called. */
static const struct {
    const char *relay;
    const char *mark;
    const char *lag;
} relays[] = {
    {WIRE_EVENTS, "events_mark", "events_lag"},
    {WIRE_REFERENCE, "reference_mark", "reference_lag"},
};

enum { RELAYS = sizeof relays / sizeof relays[0] };

struct lag {
    trading_engine *engine;
    trading_view *view;
    trading_bus *bus; /* NULL: none */
    const struct wire *wire;
    /* all partitions together */
    int64_t commands;
    int64_t events[RELAYS]; /* −1: the relay marked nothing */
    char lost[160];         /* why the lag of commands is not told; "": it is */
    trading_error unknown;  /* why marks cannot be told; of code TRADING_OK: they can */
};

/* ---- one partition ---- */

/* What the writer has appended since the engine was opened: opening a feed looks. */
static int32_t look_again(const struct lag *lag, uint32_t partition, trading_error *error)
{
    trading_feed *feed;
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = partition;
    int32_t code = trading_feed_open(&feed, lag->engine, 0, &filter, NULL, error);
    if (code == TRADING_OK)
        trading_feed_close(feed);
    return code;
}

/* Where its commands go on. */
static int32_t find_cursor(const struct lag *lag, uint32_t partition, int64_t *cursor, trading_error *error)
{
    *cursor = 0;
    int32_t code = trading_view_partition_cursor(lag->view, partition, lag->wire->commands, cursor, error);
    return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
}

static int32_t ask_end(const struct lag *lag, uint32_t partition, int64_t *end, trading_error *error)
{
    return trading_bus_end(lag->bus, lag->wire->commands, partition, end, error);
}

static void put_lag(struct lag *lag, uint32_t partition, int64_t end, int64_t cursor, json_t *row)
{
    put_integer(row, "commands_end", end);
    if (cursor > end) {
        snprintf(lag->lost, sizeof lag->lost,
                 "the commands before %" PRId64 " of partition %" PRIu32 " are done, but its topic ends at %" PRId64
                 ": was it lost?",
                 cursor, partition, end);
        return;
    }
    put_integer(row, "lag", end - cursor);
    lag->commands += end - cursor;
}

/* The end of the topic is asked for before the journal is looked at, so that no command is counted that waited for nobody. Where it was passed
 * meanwhile, it is asked for again. */
static int32_t put_commands(struct lag *lag, uint32_t partition, json_t *row, trading_error *error)
{
    int64_t end = 0;
    int64_t cursor = 0;
    int32_t code = lag->bus ? ask_end(lag, partition, &end, error) : TRADING_OK;
    if (code == TRADING_OK)
        code = look_again(lag, partition, error);
    if (code == TRADING_OK)
        code = find_cursor(lag, partition, &cursor, error);
    if (code == TRADING_OK && lag->bus && cursor > end)
        code = ask_end(lag, partition, &end, error);
    if (code != TRADING_OK)
        return code;
    put_integer(row, "position", trading_view_partition_position(lag->view, partition));
    if (lag->bus || cursor > 0)
        put_integer(row, "next_command", cursor);
    if (lag->bus)
        put_lag(lag, partition, end, cursor, row);
    return TRADING_OK;
}

static void put_mark(struct lag *lag, uint32_t partition, int relay, int64_t mark, json_t *row)
{
    int64_t position = trading_view_partition_position(lag->view, partition);
    int64_t events = position > mark ? position - mark : 0; /* it may have gone on */
    put_integer(row, relays[relay].mark, mark);
    put_integer(row, relays[relay].lag, events);
    lag->events[relay] = (lag->events[relay] < 0 ? 0 : lag->events[relay]) + events;
}

/* Of a relay that marked something. Its mark is asked for after the journal was looked at, for the same reason. */
static int32_t put_relay(struct lag *lag, uint32_t partition, int relay, json_t *row, trading_error *error)
{
    char writer[WIRE_WRITER_BYTES];
    int64_t mark;
    wire_writer(lag->wire, relays[relay].relay, partition, writer);
    int32_t code = trading_bus_mark_of(lag->bus, writer, &mark, error);
    if (code == TRADING_E_UNSUPPORTED)
        lag->unknown = *error;
    if (code == TRADING_OK)
        put_mark(lag, partition, relay, mark, row);
    return code == TRADING_E_UNSUPPORTED || code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
}

static int32_t put_partition(struct lag *lag, uint32_t partition, json_t *row, trading_error *error)
{
    put_integer(row, "partition", partition);
    int32_t code = put_commands(lag, partition, row, error);
    for (int relay = 0; relay < RELAYS && lag->bus && code == TRADING_OK; relay++)
        code = put_relay(lag, partition, relay, row, error);
    return code;
}

/* ---- all of them ---- */

/* A relay that marked something in one partition is there for all, and has published nothing where it marked nothing. */
static void put_missing_marks(struct lag *lag, json_t *rows)
{
    size_t partition;
    json_t *row;
    for (int relay = 0; relay < RELAYS; relay++)
        json_array_foreach(rows, partition, row)
        {
            if (lag->events[relay] >= 0 && !json_object_get(row, relays[relay].mark))
                put_mark(lag, (uint32_t)partition, relay, 0, row);
        }
}

static int32_t put_all(const struct lag *lag, json_t *object, trading_error *error)
{
    int64_t dead;
    int32_t code = trading_bus_end(lag->bus, lag->wire->dead, 0, &dead, error);
    if (code != TRADING_OK)
        return code;
    if (!lag->lost[0]) /* what is told of the others is not all */
        put_integer(object, "lag", lag->commands);
    for (int relay = 0; relay < RELAYS; relay++)
        if (lag->events[relay] >= 0)
            put_integer(object, relays[relay].lag, lag->events[relay]);
    if (lag->lost[0])
        put_text(object, "commands_unknown", lag->lost);
    if (lag->unknown.code != TRADING_OK)
        put_text(object, "events_unknown", lag->unknown.message);
    put_integer(object, "dead_letters", dead);
    return TRADING_OK;
}

/* That the store is the one whose commands are in the topic: a new one does not know yet how many partitions it is to have. */
static int32_t check_topic(const struct lag *lag, trading_error *error)
{
    uint32_t topic;
    uint32_t store = 0;
    while (trading_view_partition_position(lag->view, store) >= 0)
        store++;
    int32_t code = trading_bus_partitions(lag->bus, lag->wire->commands, &topic, error);
    if (code != TRADING_OK || topic == store)
        return code;
    *error = (trading_error){.code = TRADING_E_INVALID};
    snprintf(error->message, sizeof error->message,
             "the store has %" PRIu32 " partitions, and %.63s %" PRIu32
             ": they are not of one deployment, or it was never at work",
             store, lag->wire->commands, topic);
    return error->code;
}

static int32_t put_partitions(struct lag *lag, json_t *object, trading_error *error)
{
    int32_t code = lag->bus ? check_topic(lag, error) : TRADING_OK;
    json_t *rows = new_array();
    put(object, "partitions", rows);
    for (uint32_t i = 0; code == TRADING_OK && trading_view_partition_position(lag->view, i) >= 0; i++) {
        json_t *row = new_object();
        append(rows, row);
        code = put_partition(lag, i, row, error);
    }
    put_missing_marks(lag, rows);
    return code == TRADING_OK && lag->bus ? put_all(lag, object, error) : code;
}

json_t *lag_tell(trading_engine *engine, trading_bus *bus, const struct wire *wire, trading_error *error)
{
    struct lag lag = {.engine = engine, .bus = bus, .wire = wire, .events = {-1, -1}};
    if (trading_view_open(&lag.view, engine, TRADING_VIEW_LATEST, error) != TRADING_OK)
        return NULL;
    json_t *object = new_object();
    int32_t code = put_partitions(&lag, object, error);
    trading_view_close(lag.view);
    if (code == TRADING_OK)
        return object;
    json_decref(object);
    return NULL;
}
