#include "venue/router.h"

#include "base/error.h"
#include "engine/feed.h"
#include "plugin/venue.h"

#include <stdio.h>
#include <string.h>

#define BATCH_MAX 65536u

/* ---- opening and closing ---- */

static bool is_name(const char *name)
{
    size_t length = strnlen(name, ROUTER_NAME_BYTES + 1);
    return length > 0 && length <= ROUTER_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
}

static int32_t check_options(const trading_router_options *options, trading_error *error)
{
    if (options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID,
                         "the options of a router are not initialised: use trading_router_options_init");
    if (options->name && !is_name(options->name))
        return error_set(error, TRADING_E_INVALID,
                         "a venue is named by 1 to %u letters, digits, '.', '_' and '-', not \"%.80s\"", ROUTER_NAME_BYTES,
                         options->name);
    if (options->batch == 0 || options->batch > BATCH_MAX || options->acknowledge == 0)
        return error_set(error, TRADING_E_INVALID,
                         "a router takes 1 to %u events at once, and moves its cursor after 1 or more", BATCH_MAX);
    return TRADING_OK;
}

static bool has_room(trading_router *router)
{
    size_t batch = router->options.batch;
    router->events = memory_zeroed(router->memory, batch, sizeof *router->events);
    router->reports = memory_zeroed(router->memory, batch, sizeof *router->reports);
    router->commands = memory_zeroed(router->memory, batch, sizeof *router->commands);
    router->results = memory_zeroed(router->memory, batch, sizeof *router->results);
    router->bookings = memory_zeroed(router->memory, batch, sizeof *router->bookings);
    return router->events && router->reports && router->commands && router->results && router->bookings;
}

static void want(trading_filter *filter, int32_t kind)
{
    filter->kinds[kind / 64] |= UINT64_C(1) << (kind % 64);
}

static int32_t open_feed(trading_router *router, trading_error *error)
{
    char cursor[ROUTER_NAME_BYTES + 16];
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = router->options.partition;
    want(&filter, TRADING_EVENT_ORDER_ROUTED);
    want(&filter, TRADING_EVENT_CANCEL_ROUTED);
    want(&filter, TRADING_EVENT_ORDER_EXECUTED);
    want(&filter, TRADING_EVENT_ORDER_CANCELED);
    want(&filter, TRADING_EVENT_ORDER_EXPIRED);
    if (venue_takes_quotes(router->venue))
        want(&filter, TRADING_EVENT_QUOTE_SET);
    snprintf(cursor, sizeof cursor, "venue %s", router->name);
    int32_t code = trading_feed_open(&router->feed, router->engine, TRADING_FEED_AT_CURSOR, &filter, cursor, error);
    if (!code)
        router->position = router->cursor = trading_feed_position(router->feed);
    return code;
}

/* All that is durable is known before anything is sent: so an order that has ended is not asked for. */
static int32_t catch_up(trading_router *router, trading_error *error)
{
    int64_t end = feed_end(router->feed);
    int32_t code = TRADING_OK;
    while (!code && router->position < end) {
        code = trading_feed_next(router->feed, router->events, router->options.batch, &router->event_count, 0, error);
        for (size_t i = 0; !code && i < router->event_count; i++)
            code = router_take_event(router, &router->events[i], error);
        router->position = trading_feed_position(router->feed);
    }
    router->event_count = 0;
    return code == TRADING_E_TIMEOUT ? TRADING_OK : code;
}

/* What was routed before may have reached the venue or not: it is asked. */
static void begin_with_questions(trading_router *router)
{
    for (struct routed_order *at = router->orders.oldest; at; at = at->newer)
        at->told = at->booked;
    orders_plan_asking(&router->orders);
}

static int32_t set_up(trading_router *router, trading_error *error)
{
    int32_t code = has_room(router) ? TRADING_OK : error_no_memory(error, "a router");
    if (!code)
        code = open_feed(router, error);
    if (!code)
        code = catch_up(router, error);
    if (!code)
        begin_with_questions(router);
    return code;
}

int32_t trading_router_open(trading_router **router, trading_engine *engine, trading_venue *venue,
                            const trading_router_options *options, trading_error *error)
{
    trading_router_options defaults = TRADING_ROUTER_OPTIONS_INIT;
    if (!router)
        return error_set(error, TRADING_E_INVALID, "trading_router_open needs a place for the router");
    *router = NULL;
    if (!options)
        options = &defaults;
    int32_t code = engine_check(engine, error);
    if (!code && !venue)
        code = error_set(error, TRADING_E_INVALID, "a router needs a venue");
    if (!code)
        code = check_options(options, error);
    if (code)
        return code;
    trading_router *made = memory_zeroed(&engine->memory, 1, sizeof *made);
    if (!made)
        return error_no_memory(error, "a router");
    made->engine = engine;
    made->venue = venue;
    made->memory = made->orders.memory = &engine->memory;
    made->options = *options;
    snprintf(made->name, sizeof made->name, "%s", options->name ? options->name : "outside");
    pthread_mutex_init(&made->lock, NULL);
    code = set_up(made, error);
    if (code) {
        trading_router_close(made);
        return code;
    }
    *router = made;
    return error_clear(error);
}

void trading_router_close(trading_router *router)
{
    if (!router)
        return;
    size_t batch = router->options.batch;
    orders_drop_all(&router->orders);
    memory_release(router->memory, router->events, batch * sizeof *router->events);
    memory_release(router->memory, router->reports, batch * sizeof *router->reports);
    memory_release(router->memory, router->commands, batch * sizeof *router->commands);
    memory_release(router->memory, router->results, batch * sizeof *router->results);
    memory_release(router->memory, router->bookings, batch * sizeof *router->bookings);
    pthread_mutex_destroy(&router->lock);
    trading_feed *feed = router->feed;
    memory_release(router->memory, router, sizeof *router);
    trading_feed_close(feed); /* the engine may go with it */
}

int32_t trading_router_get_info(trading_router *router, trading_router_info *info, trading_error *error)
{
    if (!router || !info || info->size != sizeof *info)
        return error_set(error, TRADING_E_INVALID,
                         "trading_router_get_info needs a router, and an info that was set up by trading_router_info_init");
    pthread_mutex_lock(&router->lock);
    *info = router->counts;
    info->size = sizeof *info;
    info->position = router->position;
    info->cursor = router->cursor;
    info->open = router->orders.count;
    pthread_mutex_unlock(&router->lock);
    info->next_position = feed_end(router->feed);
    return error_clear(error);
}
