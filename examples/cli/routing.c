#include "routing.h"

#include "monotonic.h"
#include "record.h"
#include "session.h"
#include "stop.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP     INT64_C(100000000) /* nanoseconds that a call waits for something to come */
#define REST     INT64_C(100000000) /* after the first failure; twice as long after each, up to */
#define REST_MAX INT64_C(5000000000)
#define LOOK     INT64_C(2000000) /* nanoseconds between looks whether all has settled */

/* Sending, or receiving. */
struct side {
    struct routing *routing;
    int32_t (*step)(trading_router *router, int64_t timeout, uint64_t *count, trading_error *error);
    pthread_t thread;
    int64_t rest;
};

struct routing {
    struct routing_choice choice;
    uint32_t partition; /* of the store */
    trading_venue *venue;
    trading_router *router;
    struct side sending;
    struct side receiving;
    atomic_int_fast64_t heard; /* of monotonic_now: when something was last sent or reported */
    atomic_uint_fast64_t failures;
    atomic_bool stops;
};

bool routing_choose(struct routing_choice *choice, const char *text)
{
    size_t length = strcspn(text, "=:");
    const char *name = text;
    choice->uri = text + length + 1;
    if (text[length] != '=') { /* a URI alone, which may have a '=' later */
        choice->uri = text;
        name = "outside";
        length = strlen(name);
    }
    if (length == 0 || length >= sizeof choice->name)
        return false;
    memcpy(choice->name, name, length);
    choice->name[length] = '\0';
    return true;
}

/* ---- the threads ---- */

static void rest(const struct routing *routing, int64_t nanoseconds)
{
    int64_t until = monotonic_now() + nanoseconds;
    while (!routing->stops && monotonic_now() < until)
        nanosleep(&(struct timespec){.tv_nsec = LOOK}, NULL);
}

/* Says once that it fails, and tries on. */
static void take_failure(struct side *side, const trading_error *error)
{
    if (!side->rest)
        fprintf(stderr, "trading: venue %s, partition %" PRIu32 ": %s\n", side->routing->choice.name, side->routing->partition,
                error->message);
    side->routing->failures++;
    side->rest = side->rest ? 2 * side->rest : REST;
    if (side->rest > REST_MAX)
        side->rest = REST_MAX;
    rest(side->routing, side->rest);
}

static void *run(void *argument)
{
    struct side *side = argument;
    struct routing *routing = side->routing;
    stop_leave_to_main();
    while (!routing->stops) {
        trading_error error = {0};
        int32_t code = side->step(routing->router, STEP, NULL, &error);
        if (code == TRADING_E_CLOSED || code == TRADING_E_POISONED || code == TRADING_E_FENCED)
            break;
        if (code == TRADING_OK)
            routing->heard = monotonic_now();
        if (code == TRADING_OK || code == TRADING_E_TIMEOUT)
            side->rest = 0;
        else
            take_failure(side, &error);
    }
    return NULL;
}

/* ---- life ---- */

static void tell_refused(void *context, const trading_execution_report *report, const trading_result *result)
{
    const struct routing *routing = context;
    fprintf(stderr, "trading: venue %s: %s of %s, ExecID %s, is refused: %s\n", routing->choice.name,
            trading_exec_type_name(report->exec_type), report->cl_ord_id, report->exec_id, trading_reason_text(result->reason));
}

/* The partition's number in place of {}. */
static bool make_uri(char *uri, size_t bytes, const char *text, uint32_t partition)
{
    const char *place = strstr(text, "{}");
    int length = place ? snprintf(uri, bytes, "%.*s%" PRIu32 "%s", (int)(place - text), text, partition, place + 2)
                       : snprintf(uri, bytes, "%s", text);
    return length > 0 && (size_t)length < bytes;
}

static int32_t open_router(struct routing *routing, trading_host *host, trading_engine *engine, uint32_t part,
                           trading_error *error)
{
    trading_router_options options = TRADING_ROUTER_OPTIONS_INIT;
    options.partition = part;
    options.name = routing->choice.name;
    options.refused = tell_refused;
    options.refused_context = routing;
    char uri[SESSION_URI_BYTES];
    if (!make_uri(uri, sizeof uri, routing->choice.uri, routing->partition)) {
        *error = (trading_error){.code = TRADING_E_SYNTAX, .message = "the URI of the venue is too long"};
        return error->code;
    }
    int32_t code = trading_venue_open(&routing->venue, host, uri, error);
    return code ? code : trading_router_open(&routing->router, engine, routing->venue, &options, error);
}

static void close_router(struct routing *routing)
{
    trading_router_close(routing->router);
    trading_venue_close(routing->venue);
    routing->router = NULL;
    routing->venue = NULL;
}

static void start_side(struct side *side, struct routing *routing,
                       int32_t (*step)(trading_router *router, int64_t timeout, uint64_t *count, trading_error *error))
{
    *side = (struct side){.routing = routing, .step = step};
    if (pthread_create(&side->thread, NULL, run, side) != 0)
        out_of_memory();
}

struct routing *routing_start(trading_host *host, trading_engine *engine, uint32_t part, uint32_t partition,
                              const struct routing_choice *choice, trading_error *error)
{
    struct routing *routing = calloc(1, sizeof *routing);
    if (!routing)
        out_of_memory();
    routing->choice = *choice;
    routing->partition = partition;
    routing->heard = monotonic_now();
    if (open_router(routing, host, engine, part, error) != TRADING_OK) {
        close_router(routing);
        routing_free(routing);
        return NULL;
    }
    start_side(&routing->sending, routing, trading_router_send);
    start_side(&routing->receiving, routing, trading_router_receive);
    return routing;
}

void routing_stop(struct routing *routing)
{
    if (!routing)
        return;
    routing->stops = true;
    pthread_join(routing->sending.thread, NULL);
    pthread_join(routing->receiving.thread, NULL);
    close_router(routing);
}

void routing_free(struct routing *routing)
{
    free(routing);
}

/* ---- what it came to ---- */

static bool is_settled(struct routing *routing, int64_t silence)
{
    trading_router_info info = TRADING_ROUTER_INFO_INIT;
    trading_router_get_info(routing->router, &info, NULL);
    bool done = info.open == 0 && info.position == info.next_position;
    return done || monotonic_now() - routing->heard >= silence;
}

uint64_t routing_failures(const struct routing *routing)
{
    return routing ? routing->failures : 0;
}

/* ---- all partitions ---- */

/* How many the engine has. */
static int32_t count_partitions(trading_engine *engine, uint32_t *count, trading_error *error)
{
    trading_view *view;
    int32_t code = trading_view_open(&view, engine, TRADING_VIEW_LATEST, error);
    for (*count = 0; !code && *count < SESSION_PARTITIONS_MAX && trading_view_partition_position(view, *count) >= 0;)
        ++*count;
    if (!code)
        trading_view_close(view);
    return code;
}

int32_t routings_start(struct routings *routings, trading_host *host, trading_engine *engine,
                       const struct routing_choice *choice, trading_error *error)
{
    uint32_t count;
    *routings = (struct routings){0};
    int32_t code = count_partitions(engine, &count, error);
    while (!code && routings->count < count) {
        struct routing *routing = routing_start(host, engine, routings->count, routings->count, choice, error);
        if (routing)
            routings->each[routings->count++] = routing;
        else
            code = error->code;
    }
    if (code)
        routings_stop(routings);
    return code;
}

void routings_settle(struct routings *routings, int64_t silence, bool (*stopped)(void))
{
    for (uint32_t i = 0; i < routings->count; i++)
        routings->each[i]->heard = monotonic_now(); /* what the last line did may not have been seen yet */
    for (uint32_t i = 0; i < routings->count; i++)
        while (!stopped() && !is_settled(routings->each[i], silence))
            nanosleep(&(struct timespec){.tv_nsec = LOOK}, NULL);
}

void routings_stop(struct routings *routings)
{
    for (uint32_t i = 0; i < routings->count; i++) {
        routing_stop(routings->each[i]);
        routing_free(routings->each[i]);
    }
    routings->count = 0;
}
