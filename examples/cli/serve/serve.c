/* `trading serve`: one of any number of processes that run the partitions of a store, with commands and results by topic. */
#include "arguments.h"
#include "node.h"
#include "session.h"
#include "stop.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400

/* A view waits so long for the position that it is to have seen. */
#define EARLY_WAIT INT64_C(10000000000)

static const struct argument serve_arguments[] = {
    {ARGUMENT_REQUIRED, "bus", "URI", "the bus: kafka://HOST:PORT/, or another plugin's", NULL},
    {ARGUMENT_OPTION, "partitions", "N", "of the store and the topics; fixed when they are made (default: 1)", NULL},
    {ARGUMENT_OPTION, "prefix", "TEXT", "what the topics' names begin with (default: trading)", NULL},
    {ARGUMENT_OPTION, "group", "NAME", "whose members share the partitions out (default: the prefix)", NULL},
    {ARGUMENT_OPTION, "metrics", "SECONDS", "write a line of JSON for each partition every so often", NULL},
    {ARGUMENT_OPTION, "events", "KINDS", "publish events by topic: all, or FUNDS_DEPOSITED,ORDER_EXECUTED ...", NULL},
    {ARGUMENT_OPTION, "compat", "SYSTEM", "stand in for a service of another system: reference; see docs/compat.md", NULL},
    {ARGUMENT_OPTION, "venue", "[NAME=]URI", "send routed orders to a venue, and book what it reports; see docs/venue.md",
     NULL},
    {ARGUMENT_OPTION, "clock", "SOURCE", "system (the default), or records: the time that a command has on the bus", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

static bool is_stopped(void *context)
{
    (void)context;
    return stop_requested();
}

static bool read_clock(const struct arguments *arguments, bool *by_records)
{
    const char *clock = argument_value(arguments, "clock");
    *by_records = clock && !strcmp(clock, "records");
    if (!clock || *by_records || !strcmp(clock, "system"))
        return true;
    arguments_complain(arguments, "--clock: \"%s\" is neither system nor records", clock);
    return false;
}

static bool read_kind(const char *name, size_t length, uint64_t kinds[2])
{
    for (int32_t kind = 1; kind < TRADING_EVENT_KINDS; kind++) {
        const char *known = trading_event_name(kind);
        if (strlen(known) != length || strncmp(known, name, length) != 0)
            continue;
        kinds[kind / 64] |= UINT64_C(1) << kind % 64;
        return true;
    }
    return false;
}

static bool read_events(const struct arguments *arguments, struct serving *serving)
{
    const char *kinds = argument_value(arguments, "events");
    serving->tells_events = kinds != NULL;
    if (!kinds || !strcmp(kinds, "all"))
        return true;
    for (const char *at = kinds;;) {
        size_t length = strcspn(at, ",");
        if (!read_kind(at, length, serving->event_kinds)) {
            arguments_complain(arguments, "--events: there is no kind of event \"%.*s\"; docs/cli.md lists them", (int)length,
                               at);
            return false;
        }
        if (!at[length])
            return true;
        at += length + 1;
    }
}

static bool read_compat(const struct arguments *arguments, struct reference *reference)
{
    char complaint[256];
    const char *compat = argument_value(arguments, "compat");
    if (!compat || reference_init(reference, compat, complaint, sizeof complaint))
        return true;
    arguments_complain(arguments, "--compat: %s", complaint);
    return false;
}

static bool read_venue(const struct arguments *arguments, struct serving *serving)
{
    const char *venue = argument_value(arguments, "venue");
    if (!venue)
        return true;
    if (serving->reference.on) {
        arguments_complain(arguments, "--venue: routed orders go to the system of --compat, or to a venue");
        return false;
    }
    if (routing_choose(&serving->venue, venue))
        return true;
    arguments_complain(arguments, "--venue: a venue is named by 1 to 32 characters, as in NAME=URI");
    return false;
}

static bool read_options(const struct arguments *arguments, struct node_options *options)
{
    long partitions = 1;
    long metrics = 0;
    const char *prefix = argument_value(arguments, "prefix");
    const char *group = argument_value(arguments, "group");
    prefix = prefix ? prefix : WIRE_PREFIX;
    if (!arguments_count(arguments, "partitions", SERVING_PARTITIONS_MAX, &partitions) ||
        !arguments_count(arguments, "metrics", SECONDS_MAX, &metrics) ||
        !read_clock(arguments, &options->serving.record_time) || !read_events(arguments, &options->serving) ||
        !read_compat(arguments, &options->serving.reference) || !read_venue(arguments, &options->serving))
        return false;
    if (!wire_init(&options->serving.wire, prefix)) {
        arguments_complain(arguments, "--prefix has 1 to %d characters", WIRE_PREFIX_MAX);
        return false;
    }
    options->serving.early_wait = EARLY_WAIT;
    options->serving.partitions = (uint32_t)partitions;
    options->serving.bus = argument_value(arguments, "bus");
    options->serving.state = arguments->store.state;
    options->group = group ? group : prefix;
    options->metrics = metrics * INT64_C(1000000000);
    return true;
}

/* What is on this machine alone has one engine at a time. */
static bool is_shared(const char *store)
{
    return strncmp(store, "lmdb:", 5) != 0 && strncmp(store, "memory:", 7) != 0;
}

static int serve_main(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    struct node_options options = {.stopped = is_stopped};
    char buffer[SESSION_URI_BYTES];
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    if (!read_options(&arguments, &options))
        return EXIT_USAGE;
    options.serving.store = session_chosen_uri(&arguments.store, true, buffer, &code);
    if (!options.serving.store)
        return code;
    if (options.serving.partitions > 1 && !is_shared(options.serving.store))
        return arguments_complain(&arguments, "several partitions need a store on a server; %s is for one",
                                  options.serving.store);
    stop_prepare();
    code = session_open_host(&session, &arguments.store);
    if (code != EXIT_DONE)
        return code;
    stop_listen();
    options.serving.host = session.host;
    code = node_run(&options);
    trading_host_close(session.host, NULL);
    return code;
}

static const struct subcommand subcommands[] = {
    {
        .name = "serve",
        .summary = "Run partitions of a store, with commands and results by topic",
        .about = "One of any number of processes, each with the same arguments. docs/serve.md describes them, and the topics.",
        .examples = "  trading serve --partitions 8 --store cassandra://db1,db2/trading --state /var/lib/trading \\\n"
                    "      --bus kafka://broker1,broker2/\n",
        .arguments = serve_arguments,
        .common = COMMON_STORE,
        .main = serve_main,
    },
    {
        .name = "send",
        .summary = "Send requests to those who serve, a line of JSON each",
        .about = "What `trading run` does with a store, with a deployment: docs/serve.md, docs/json-lines.md.",
        .examples = "  trading send --bus kafka://broker1/ day.jsonl\n"
                    "  echo '{\"op\":\"accounts\"}' | trading send --bus kafka://broker1/\n",
        .arguments = send_arguments,
        .common = COMMON_PLUGIN,
        .main = send_main,
    },
};

const struct subcommand_group serve_group = {"Many processes", subcommands, sizeof subcommands / sizeof subcommands[0]};
