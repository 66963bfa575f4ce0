/*
 * Follows the journal: a thread prints each event as it becomes durable, while the main thread sets quotes. The feed has a durable
 * cursor, so that a second run on the same store goes on where the first one ended.
 *
 *     follow_feed [STORE]      such as lmdb:/tmp/store; without one, a store in memory
 */
#include "check.h"

#include <pthread.h>
#include <string.h>

enum { QUOTES = 3, PAGE = 64 };

/* What the following thread is given. It ends after `last_wanted` QUOTE_SET events. */
struct follower {
    trading_engine *engine;
    int quotes_wanted;
};

static void print_event(const trading_event *event)
{
    char time[TRADING_TIME_TEXT];
    char bid[TRADING_DECIMAL_TEXT];
    (void)trading_time_format(event->time, time);
    (void)trading_decimal_format(event->bid, 2, bid);
    (void)printf("%lld %s %s %s bid %s\n", (long long)event->position, time, trading_event_name(event->kind),
                 event->symbol.text, bid);
}

static void *follow(void *arg)
{
    struct follower *follower = arg;
    trading_error error;
    trading_filter filter = TRADING_FILTER_INIT;
    filter.kinds[TRADING_EVENT_QUOTE_SET / 64] |= UINT64_C(1) << (TRADING_EVENT_QUOTE_SET % 64);
    trading_feed *feed = NULL;
    check(trading_feed_open(&feed, follower->engine, TRADING_FEED_AT_CURSOR, &filter, "follow-feed example", &error), &error);

    int seen = 0;
    while (seen < follower->quotes_wanted) {
        trading_event events[PAGE];
        size_t count = 0;
        check(trading_feed_next(feed, events, PAGE, &count, -1, &error), &error);
        for (size_t i = 0; i < count; i++)
            print_event(&events[i]);
        seen += (int)count;
        /* Only what was dealt with is acknowledged: after a crash between the two, an event is seen again, never missed. */
        check(trading_feed_acknowledge(feed, trading_feed_position(feed), &error), &error);
    }
    trading_feed_close(feed);
    return NULL;
}

static void set_quote(trading_engine *engine, trading_decimal bid)
{
    trading_error error;
    trading_result result;
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    memcpy(body.symbol.text, "GOOG", 4);
    body.bid = bid;
    body.ask = bid + TRADING_DECIMAL_ONE;
    trading_command command = {.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    check(trading_engine_execute(engine, &command, 1, &result, &error), &error);
    check_accepted(&result);
}

int main(int argc, char **argv)
{
    trading_error error;
    trading_host *host = NULL;
    trading_engine *engine = NULL;
    check(trading_host_open(&host, NULL, &error), &error);
    check(trading_engine_open(&engine, host, argc > 1 ? argv[1] : "memory:", NULL, &error), &error);

    struct follower follower = {.engine = engine, .quotes_wanted = QUOTES};
    pthread_t thread;
    if (pthread_create(&thread, NULL, follow, &follower) != 0)
        return EXIT_FAILURE;
    for (int i = 0; i < QUOTES; i++)
        set_quote(engine, (800 + i) * TRADING_DECIMAL_ONE);
    (void)pthread_join(thread, NULL);

    check(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), &error);
    check(trading_host_close(host, &error), &error);
    return EXIT_SUCCESS;
}
