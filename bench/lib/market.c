#include "bench/lib/market.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* For so long nothing is appended by partitions that have nothing more to tell each other: some syncs of a slow disk. */
#define QUIET (SECOND / 2)
#define LOOK  (SECOND / 1000) /* between two looks at that */

/* ---- the flow ---- */

static void begin_order(void *context, void *body)
{
    const struct market *market = context;
    trading_place_order *order = body;
    trading_place_order_init(order);
    order->symbol = market->symbol;
    order->type = TRADING_ORDER_TYPE_LIMIT;
    order->time_in_force = TRADING_TIME_IN_FORCE_GTC;
}

static void next_order(void *context, uint64_t *random, trading_command *command, void *body)
{
    const struct market *market = context;
    trading_place_order *order = body;
    uint64_t u = random_next(random);
    (void)command;
    order->side = u & 1 ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
    order->limit_price = (trading_decimal)(9950 + (u >> 1) % 101) * (TRADING_DECIMAL_ONE / 100);
    order->quantity = (trading_decimal)(1 + (u >> 20) % 100) * TRADING_DECIMAL_ONE;
    order->portfolio = market->portfolios[(u >> 32) % MARKET_USERS];
}

/* Of several partitions orders and executions travel on as messages. They are done when nothing is appended any more. */
static int32_t market_settle(void *context, int64_t *idle, trading_error *error)
{
    const struct market *market = context;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    *idle = 0;
    if (market->subject->settings->engine.partitions < 2)
        return TRADING_OK;
    uint64_t events = 0;
    int64_t now = bench_now();
    int64_t changed = now;
    int32_t code = TRADING_OK;
    while (!code && now - changed < QUIET) {
        code = trading_engine_get_info(market->subject->engine, &info, error);
        changed = info.events == events ? changed : now;
        events = info.events;
        bench_sleep_until(now + LOOK);
        now = bench_now();
    }
    *idle = now - changed;
    return code;
}

struct flow market_flow(struct market *market)
{
    return (struct flow){.type = TRADING_COMMAND_PLACE_ORDER,
                         .body_bytes = sizeof(trading_place_order),
                         .context = market,
                         .begin = begin_order,
                         .next = next_order,
                         .settle = market_settle};
}

/* ---- the users ---- */

static int32_t list_portfolios(struct market *market, trading_error *error)
{
    trading_view *view;
    int32_t code = trading_view_open(&view, market->subject->engine, TRADING_VIEW_LATEST, error);
    if (code)
        return code;
    for (size_t i = 0; !code && i < MARKET_USERS; i++) {
        uint64_t cursor = 0;
        size_t count = 0;
        code = trading_view_portfolios(view, &market->subject->accounts[i], &cursor, &market->portfolios[i], 1, &count, error);
    }
    trading_view_close(view);
    return code;
}

static int32_t set_quote(struct market *market, uint64_t number, trading_decimal ask, trading_error *error)
{
    trading_result result;
    trading_set_quote quote = TRADING_SET_QUOTE_INIT;
    quote.symbol = market->symbol;
    quote.ask = ask;
    trading_command command = {.type = TRADING_COMMAND_SET_QUOTE,
                               .key = subject_key(market->subject, market->stream, number),
                               .body = &quote,
                               .body_size = sizeof quote};
    return subject_execute(market->subject, &command, &result, 1, error);
}

static int32_t buy_shares(struct market *market, trading_error *error)
{
    trading_command commands[MARKET_USERS];
    trading_place_order orders[MARKET_USERS];
    trading_result *results = calloc(MARKET_USERS, sizeof *results);
    if (!results)
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for the users' first orders");
    for (size_t i = 0; i < MARKET_USERS; i++) {
        begin_order(market, &orders[i]);
        orders[i].portfolio = market->portfolios[i];
        orders[i].side = TRADING_SIDE_BUY;
        orders[i].type = TRADING_ORDER_TYPE_MARKET;
        orders[i].time_in_force = 0;
        orders[i].quantity = 10000000 * TRADING_DECIMAL_ONE;
        commands[i] = (trading_command){.type = TRADING_COMMAND_PLACE_ORDER,
                                        .key = subject_key(market->subject, market->stream, 2 + i),
                                        .body = &orders[i],
                                        .body_size = sizeof orders[i]};
    }
    int32_t code = subject_execute(market->subject, commands, results, MARKET_USERS, error);
    free(results);
    return code;
}

/* Where trades are counted, and from where on. */
static int32_t note_beginning(struct market *market, trading_error *error)
{
    trading_id symbol;
    trading_view *view;
    memcpy(&symbol, &market->symbol, sizeof symbol);
    int32_t code =
        trading_engine_partition_of(market->subject->engine, TRADING_ENTITY_INSTRUMENT, &symbol, &market->partition, error);
    if (!code)
        code = trading_view_open(&view, market->subject->engine, TRADING_VIEW_NOW, error);
    if (code)
        return code;
    market->begun = trading_view_partition_position(view, market->partition);
    trading_view_close(view);
    return TRADING_OK;
}

int32_t market_open(struct market *market, struct subject *subject, trading_error *error)
{
    *market = (struct market){.subject = subject, .stream = subject_stream(subject)};
    snprintf(market->symbol.text, sizeof market->symbol.text, "BENCH%08" PRIX32, (uint32_t)subject->run);
    if (subject->account_count < MARKET_USERS)
        return bench_fail(error, TRADING_E_INVALID, "orders need %u accounts", (unsigned)MARKET_USERS);
    int32_t code = list_portfolios(market, error);
    if (!code)
        code = set_quote(market, 0, TRADING_DECIMAL_ONE, error);
    if (!code)
        code = buy_shares(market, error);
    int64_t idle;
    if (!code)
        code = market_settle(market, &idle, error);
    if (!code)
        code = set_quote(market, 1, 0, error);
    return code ? code : note_beginning(market, error);
}

/* ---- what came of it ---- */

static void want(trading_filter *filter, uint32_t kind)
{
    filter->kinds[kind / 64] |= UINT64_C(1) << kind % 64;
}

/* Each trade is an execution of two orders, be they of this partition or of others. */
static int32_t count_trades(const struct market *market, struct market_sums *sums, trading_error *error)
{
    enum { PAGE = 512 };
    trading_feed *feed = NULL;
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = market->partition;
    want(&filter, TRADING_EVENT_ORDER_EXECUTED);
    want(&filter, TRADING_EVENT_GUEST_EXECUTED);
    trading_event *events = calloc(PAGE, sizeof *events);
    if (!events)
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for events");
    int32_t code = trading_feed_open(&feed, market->subject->engine, market->begun, &filter, NULL, error);
    uint64_t executions = 0;
    trading_decimal executed = 0;
    size_t count = 0;
    while (!code && !(code = trading_feed_next(feed, events, PAGE, &count, 0, error))) {
        executions += count;
        for (size_t i = 0; i < count; i++)
            executed += events[i].quantity;
    }
    if (code == TRADING_E_TIMEOUT)
        code = TRADING_OK;
    sums->trades = executions / 2;
    sums->shares = (uint64_t)(executed / TRADING_DECIMAL_ONE / 2);
    trading_feed_close(feed);
    free(events);
    return code;
}

static int32_t count_resting(const struct market *market, struct market_sums *sums, trading_error *error)
{
    enum { PAGE = 128 };
    static const int32_t sides[] = {TRADING_SIDE_BUY, TRADING_SIDE_SELL};
    trading_level levels[PAGE];
    trading_view *view;
    int32_t code = trading_view_open(&view, market->subject->engine, TRADING_VIEW_NOW, error);
    if (code)
        return code;
    for (size_t side = 0; !code && side < 2; side++) {
        uint64_t cursor = 0;
        size_t count = 1;
        while (!code && count) {
            code = trading_view_book(view, &market->symbol, sides[side], &cursor, levels, PAGE, &count, error);
            for (size_t i = 0; !code && i < count; i++)
                sums->resting += levels[i].orders;
        }
    }
    trading_view_close(view);
    return code;
}

int32_t market_count(const struct market *market, struct market_sums *sums, trading_error *error)
{
    *sums = (struct market_sums){0};
    int32_t code = count_trades(market, sums, error);
    return code ? code : count_resting(market, sums, error);
}
