/* `trading info`: how much there is in a store, and how far those who serve it are behind. */
#include "arguments.h"
#include "operation.h"
#include "operation_read.h"
#include "record.h"
#include "serve/lag.h"
#include "session.h"

#include <string.h>

const struct argument info_arguments[] = {
    {ARGUMENT_OPTION, "bus", "URI", "of those who serve the store: show what of their topics is not done yet", NULL},
    {ARGUMENT_OPTION, "prefix", "TEXT", "what the topics' names begin with (default: trading)", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

/* ---- for people ---- */

static void print_store(const json_t *result)
{
    static const struct column columns[] = {
        {"library", "library", COLUMN_TEXT},
        {"state", "state", COLUMN_TEXT},
        {"last commit", "last_time", COLUMN_TEXT},
        {"next position", "position", COLUMN_ORDINAL},
        {"checkpoint at", "checkpoint_position", COLUMN_ORDINAL},
        {"accounts", "accounts", COLUMN_NUMBER},
        {"portfolios", "portfolios", COLUMN_NUMBER},
        {"orders", "orders", COLUMN_NUMBER},
        {"instruments", "instruments", COLUMN_NUMBER},
        {"keys remembered", "keys", COLUMN_NUMBER},
        {"events replayed", "replayed_events", COLUMN_NUMBER},
        {"bytes of memory", "memory_bytes", COLUMN_NUMBER},
        {"bytes on disk", "store_bytes_used", COLUMN_NUMBER},
        {"bytes reserved", "store_bytes_reserved", COLUMN_NUMBER},
        {"commands waiting", "lag", COLUMN_NUMBER},
        {"events to be published", "events_lag", COLUMN_NUMBER},
        {"events to be told", "reference_lag", COLUMN_NUMBER},
        {"commands waiting", "commands_unknown", COLUMN_TEXT},
        {"events to be published", "events_unknown", COLUMN_TEXT},
        {"dead letters", "dead_letters", COLUMN_NUMBER},
    };
    output_list(stdout, columns, sizeof columns / sizeof columns[0], result);
}

/* Of a store of several partitions, and of one that is served. */
static void print_partitions(const json_t *result)
{
    static const struct column columns[] = {
        {"PARTITION", "partition", COLUMN_ORDINAL},
        {"NEXT POSITION", "position", COLUMN_ORDINAL},
        {"NEXT COMMAND", "next_command", COLUMN_ORDINAL},
        {"COMMANDS END", "commands_end", COLUMN_ORDINAL},
        {"WAITING", "lag", COLUMN_NUMBER},
        {"EVENTS MARK", "events_mark", COLUMN_ORDINAL},
        {"TO PUBLISH", "events_lag", COLUMN_NUMBER},
        {"REFERENCE MARK", "reference_mark", COLUMN_ORDINAL},
        {"TO TELL", "reference_lag", COLUMN_NUMBER},
    };
    size_t count = sizeof columns / sizeof columns[0];
    const json_t *partitions = json_object_get(result, "partitions");
    const char *last = json_object_get(result, "reference_lag")  ? "reference_lag"
                       : json_object_get(result, "events_lag")   ? "events_lag"
                       : json_object_get(result, "dead_letters") ? "lag"
                                                                 : "next_command";
    while (strcmp(columns[count - 1].key, last) != 0)
        count--;
    if (json_array_size(partitions) < 2 && !json_object_get(json_array_get(partitions, 0), "next_command"))
        return;
    printf("\n");
    output_table(stdout, columns, count, partitions, "");
}

/* ---- asking ---- */

static struct outcome tell_store(trading_engine *engine)
{
    trading_error error;
    struct desk desk;
    struct request request = {.op = OP_INFO};
    if (desk_open(&desk, engine, &error) != TRADING_OK)
        return operation_failed(&error);
    struct outcome outcome = operation_execute(&desk, &request);
    desk_close(&desk);
    return outcome;
}

/* How far each partition has come, and then how much there is by now. */
static struct outcome tell(trading_engine *engine, trading_bus *bus, const struct wire *wire)
{
    trading_error error;
    json_t *lag = lag_tell(engine, bus, wire, &error);
    if (!lag)
        return operation_failed(&error);
    struct outcome outcome = tell_store(engine);
    if (outcome.code == EXIT_DONE && json_object_update(outcome.json, lag) != 0)
        out_of_memory();
    json_decref(lag);
    return outcome;
}

static int show(const struct arguments *arguments, const struct outcome *outcome)
{
    int code = output_outcome(outcome, arguments->json);
    if (code == EXIT_DONE && !arguments->json) {
        print_store(outcome->json);
        print_partitions(outcome->json);
    }
    json_decref(outcome->json);
    return code;
}

static int inform(const struct arguments *arguments, const struct session *session, const struct wire *wire)
{
    trading_error error;
    trading_bus *bus = NULL;
    struct outcome outcome;
    const char *uri = argument_value(arguments, "bus");
    if (uri && trading_bus_open(&bus, session->host, uri, NULL, &error) != TRADING_OK)
        outcome = operation_failed(&error);
    else
        outcome = tell(session->engine, bus, wire);
    trading_bus_close(bus);
    return show(arguments, &outcome);
}

int info_main(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    struct wire wire;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    const char *prefix = argument_value(&arguments, "prefix");
    if (!wire_init(&wire, prefix ? prefix : WIRE_PREFIX))
        return arguments_complain(&arguments, "--prefix has 1 to %d characters", WIRE_PREFIX_MAX);
    code = session_open_to_read(&session, &arguments.store);
    return code == EXIT_DONE ? session_close(&session, inform(&arguments, &session, &wire)) : code;
}
