/* `trading feed`: the events of the journal, in order, as far as they go or for as long as it is wanted. */
#include "arguments.h"
#include "monotonic.h"
#include "output.h"
#include "record.h"
#include "session.h"
#include "stop.h"

#include <stdio.h>
#include <string.h>

const struct argument feed_arguments[] = {
    {ARGUMENT_OPTION, "from", "POSITION|TIME", "begin there (default: at the first event)", NULL},
    {ARGUMENT_OPTION, "cursor", "NAME", "begin where this durable cursor stands, and move it on", NULL},
    {ARGUMENT_OPTION, "account", "ACCOUNT", "only events of this account, its portfolios and orders", NULL},
    {ARGUMENT_OPTION, "event", "NAME", "only events of this kind: FUNDS_DEPOSITED", NULL},
    {ARGUMENT_OPTION, "partition", "N", "of a store of several: which, from 0 (default: the account's, or 0)", NULL},
    {ARGUMENT_FLAG, "follow", NULL, "go on with new events until interrupted", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

/* How often a follower looks for new events, and which part of its time it may spend on opening the store for that. */
#define LOOK_MILLISECONDS 200
#define OPENING_SHARE     10

struct feed {
    const struct arguments *arguments;
    trading_filter filter;
    struct point from;
    int64_t position; /* the next event wanted; TRADING_FEED_AT_CURSOR at first with a cursor */
    int64_t acknowledged;
    bool warned;
};

/* The details of an event for people: its members that have no column of their own. */
static void print_details(const json_t *event)
{
    static const char *const elsewhere[] = {"position", "time", "event", "key", "actor", "correlation", "command"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)event, key, value)
    {
        bool shown = false;
        for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
            shown = shown || !strcmp(key, elsewhere[i]);
        if (!shown)
            printf(" %s=%s", key, json_string_value(value));
    }
}

static void print_event(const json_t *event, bool json)
{
    if (json) {
        output_json(stdout, event);
        return;
    }
    printf("%10s  %-30s  %-20s", json_string_value(json_object_get(event, "position")),
           json_string_value(json_object_get(event, "time")), json_string_value(json_object_get(event, "event")));
    print_details(event);
    printf("\n");
}

#define EVENTS 256

/* Prints what the feed has, and moves on. */
static int32_t print_events(struct feed *feed, trading_feed *events, trading_view *view, trading_error *error)
{
    trading_event page[EVENTS];
    size_t count;
    int32_t code;
    while ((code = trading_feed_next(events, page, EVENTS, &count, 0, error)) == TRADING_OK) {
        for (size_t i = 0; i < count; i++) {
            json_t *event = record_event(view, &page[i]);
            print_event(event, feed->arguments->json);
            json_decref(event);
        }
        feed->position = trading_feed_position(events);
        if (stop_requested() || ferror(stdout))
            return TRADING_OK;
    }
    feed->position = trading_feed_position(events);
    return code == TRADING_E_TIMEOUT ? TRADING_OK : code;
}

static uint32_t partition_of(const struct feed *feed, trading_engine *engine)
{
    uint32_t partition = feed->filter.partition;
    if (!trading_id_is_zero(&feed->filter.account))
        (void)trading_engine_partition_of(engine, TRADING_ENTITY_ACCOUNT, &feed->filter.account, &partition, NULL);
    return partition;
}

/* Turns --from into a position: of a time, where a view of just before it stands. */
static int32_t find_start(struct feed *feed, trading_engine *engine, trading_error *error)
{
    trading_view *view;
    if (feed->from.kind == POINT_POSITION)
        feed->position = feed->from.position;
    if (feed->from.kind == POINT_TIME && feed->from.time > 0) {
        int32_t code = trading_view_open_at_time(&view, engine, feed->from.time - 1, error);
        if (code != TRADING_OK)
            return code;
        feed->position = trading_view_partition_position(view, partition_of(feed, engine));
        trading_view_close(view);
    }
    feed->from.kind = POINT_NOW;
    return TRADING_OK;
}

static int32_t print_new(struct feed *feed, trading_engine *engine, trading_error *error)
{
    const char *cursor = argument_value(feed->arguments, "cursor");
    trading_view *view = NULL;
    trading_feed *events = NULL;
    int32_t code = find_start(feed, engine, error);
    if (code == TRADING_OK)
        code = trading_view_open(&view, engine, TRADING_VIEW_LATEST, error);
    if (code == TRADING_OK)
        code = trading_feed_open(&events, engine, feed->position, &feed->filter, cursor, error);
    if (code == TRADING_OK) {
        if (feed->position == TRADING_FEED_AT_CURSOR)
            feed->acknowledged = trading_feed_position(events);
        code = print_events(feed, events, view, error);
    }
    trading_feed_close(events);
    trading_view_close(view);
    return code;
}

/* One look at the journal: a read-only engine shows what was there when it was opened, and lets another process write meanwhile. */
static int look(struct feed *feed)
{
    struct session session;
    trading_error error;
    int code = session_open_to_read(&session, &feed->arguments->store);
    if (code != EXIT_DONE)
        return code;
    int32_t failure = print_new(feed, session.engine, &error);
    code = output_finish(EXIT_DONE);
    if (failure == TRADING_E_NOT_FOUND) {
        code = output_no_position(&error);
    } else if (failure != TRADING_OK) {
        code = output_failure(&error);
    }
    return session_close(&session, code);
}

static int send_acknowledgement(struct feed *feed, trading_engine *engine, const char *cursor)
{
    trading_error error;
    trading_result result;
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    body.name = (trading_text){cursor, strlen(cursor)};
    body.position = feed->position;
    const trading_command command = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    if (trading_engine_execute(engine, &command, 1, &result, &error) != TRADING_OK)
        return output_failure(&error);
    if (result.status != TRADING_STATUS_ACCEPTED) {
        fprintf(stderr, "rejected: %s: %s\n", trading_reason_name(result.reason), trading_reason_text(result.reason));
        return EXIT_REFUSED;
    }
    feed->acknowledged = feed->position;
    return EXIT_DONE;
}

/* Moves the durable cursor, which takes an engine that writes. Beside another writer it stays where it is until that one is gone, which
 * is a failure only when it is the last chance. */
static int acknowledge(struct feed *feed, bool last)
{
    struct session session;
    bool locked;
    const char *cursor = argument_value(feed->arguments, "cursor");
    if (!cursor || feed->acknowledged == feed->position)
        return EXIT_DONE;
    int code = session_open_unless_locked(&session, &feed->arguments->store, &locked);
    if (code == EXIT_DONE)
        return session_close(&session, send_acknowledgement(feed, session.engine, cursor));
    if (!locked)
        return code;
    if (last || !feed->warned)
        fprintf(stderr, "trading feed: cursor %s %s at %lld, as another program writes to the store\n", cursor,
                last ? "was left" : "stays for now", (long long)feed->acknowledged);
    feed->warned = true;
    return last ? EXIT_STORE : EXIT_DONE;
}

static int follow(struct feed *feed)
{
    int code = EXIT_DONE;
    while (code == EXIT_DONE && !stop_requested() && !ferror(stdout)) {
        int64_t start = monotonic_now();
        code = look(feed);
        if (code == EXIT_DONE)
            code = acknowledge(feed, false);
        int64_t pause = OPENING_SHARE * ((monotonic_now() - start) / 1000000);
        if (code == EXIT_DONE)
            stop_poll(NULL, 0, (int)(pause > LOOK_MILLISECONDS ? pause : LOOK_MILLISECONDS));
    }
    int moved = acknowledge(feed, true);
    return code == EXIT_DONE ? moved : code;
}

static bool read_kind(struct feed *feed, const char *name)
{
    if (!name)
        return true;
    for (int32_t kind = 1; kind < TRADING_EVENT_KINDS; kind++)
        if (!strcmp(trading_event_name(kind), name)) {
            feed->filter.kinds[kind / 64] |= UINT64_C(1) << kind % 64;
            return true;
        }
    return false;
}

static bool read_partition(struct feed *feed, const char *text)
{
    int64_t number;
    if (!text)
        return true;
    if (!position_parse(text, strlen(text), &number) || number >= POINT_HOME)
        return false;
    feed->filter.partition = (uint32_t)number;
    return true;
}

static int read_feed(struct feed *feed, const struct arguments *arguments)
{
    const char *from = argument_value(arguments, "from");
    const char *account = argument_value(arguments, "account");
    const char *event = argument_value(arguments, "event");
    if (from && !point_parse(&feed->from, from, strlen(from)))
        return arguments_complain(arguments, "--from: \"%s\" is neither a position nor a time such as 2013-03-01", from);
    if (from && feed->from.kind == POINT_POSITION && feed->from.partition != POINT_HOME)
        return arguments_complain(arguments, "--from: a feed is of one partition: --partition N --from POSITION");
    if (from && argument_value(arguments, "cursor"))
        return arguments_complain(arguments, "--from and --cursor both say where to begin; give one");
    if (account && trading_id_parse(TRADING_ENTITY_ACCOUNT, account, strlen(account), &feed->filter.account) != TRADING_OK)
        return arguments_complain(arguments, "--account: \"%s\" is not an account's id: A-...", account);
    if (!read_partition(feed, argument_value(arguments, "partition")))
        return arguments_complain(arguments, "--partition is a number from 0");
    if (!read_kind(feed, event))
        return arguments_complain(arguments, "--event: there is no kind of event \"%s\"; docs/cli.md lists them", event);
    return EXIT_DONE;
}

int feed_main(int argc, char **argv)
{
    struct arguments arguments;
    struct feed feed = {.arguments = &arguments, .filter = TRADING_FILTER_INIT};
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    code = read_feed(&feed, &arguments);
    if (code != EXIT_DONE)
        return code;
    if (argument_value(&arguments, "cursor"))
        feed.position = TRADING_FEED_AT_CURSOR;
    stop_prepare();
    stop_listen();
    if (argument_value(&arguments, "follow"))
        return follow(&feed);
    code = look(&feed);
    return code == EXIT_DONE ? acknowledge(&feed, true) : code;
}
