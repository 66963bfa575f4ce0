#include "view_test.h"

#include <stdio.h>

const trading_id nobody = {{0}};

void must(int32_t code, const trading_error *error)
{
    if (code)
        fail_msg("%s: %s", trading_error_name(code), error->message);
}

static trading_time tick(void *context)
{
    struct desk *desk = context;
    return desk->now += TRADING_NANOSECONDS_PER_SECOND;
}

static void draw(void *context, void *buffer, size_t bytes)
{
    struct desk *desk = context;
    uint8_t *out = buffer;
    for (size_t i = 0; i < bytes; i++) {
        desk->entropy = desk->entropy * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(desk->entropy >> 56);
    }
}

void desk_open_store(struct desk *desk, const trading_engine_options *options, const char *uri)
{
    trading_error error;
    trading_engine_options all = TRADING_ENGINE_OPTIONS_INIT;
    all.flags = TRADING_ENGINE_MANUAL;
    if (options)
        all = *options;
    all.clock = tick;
    all.clock_context = desk;
    all.entropy = draw;
    all.entropy_context = desk;
    must(trading_engine_open(&desk->engine, desk->host, uri, &all, &error), &error);
}

void desk_open(struct desk *desk, const trading_engine_options *options)
{
    trading_error error;
    *desk = (struct desk){.now = INT64_C(1700000000) * TRADING_NANOSECONDS_PER_SECOND, .entropy = 7};
    must(trading_host_open(&desk->host, NULL, &error), &error);
    desk_open_store(desk, options, "memory:");
}

void desk_close(struct desk *desk)
{
    trading_error error;
    must(trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &error), &error);
    assert_int_equal(trading_host_memory(desk->host), 0);
    must(trading_host_close(desk->host, &error), &error);
}

trading_symbol symbol_of(const char *text)
{
    trading_symbol symbol = {{0}};
    strncpy(symbol.text, text, sizeof symbol.text - 1);
    return symbol;
}

trading_text text_of(const char *text)
{
    return (trading_text){.data = text, .length = strlen(text)};
}

trading_result desk_run(struct desk *desk, int32_t type, const trading_id *account, const void *body, size_t size)
{
    trading_error error;
    trading_result result;
    trading_command command = {.type = type, .account = *account, .body = body, .body_size = size};
    desk->keys++;
    memcpy(command.key.bytes, &desk->keys, sizeof desk->keys);
    command.key.bytes[15] = 1;
    must(trading_engine_execute(desk->engine, &command, 1, &result, &error), &error);
    return result;
}

static void must_be_accepted(const trading_result *result)
{
    if (result->status != TRADING_STATUS_ACCEPTED)
        fail_msg("%s: %s", trading_status_name(result->status), trading_reason_name(result->reason));
}

struct trader desk_trader(struct desk *desk, const char *name, trading_decimal deposit)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = deposit;
    body.name = text_of(name);
    body.profile_surname = text_of("Doe");
    body.email = text_of("doe@example.com");
    body.street = text_of("Main Street 1");
    trading_result result = desk_run(desk, TRADING_COMMAND_OPEN_ACCOUNT, &nobody, &body, sizeof body);
    must_be_accepted(&result);
    return (struct trader){result.account, result.portfolio};
}

void desk_cash(struct desk *desk, int32_t type, const trading_id *account, trading_decimal amount)
{
    trading_cash body = TRADING_CASH_INIT;
    body.amount = amount;
    trading_result result = desk_run(desk, type, account, &body, sizeof body);
    must_be_accepted(&result);
}

void desk_quote(struct desk *desk, const char *symbol, trading_decimal bid, trading_decimal ask)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = symbol_of(symbol);
    body.bid = bid;
    body.ask = ask;
    trading_result result = desk_run(desk, TRADING_COMMAND_SET_QUOTE, &nobody, &body, sizeof body);
    must_be_accepted(&result);
}

trading_result desk_place(struct desk *desk, const trading_place_order *order)
{
    return desk_run(desk, TRADING_COMMAND_PLACE_ORDER, &nobody, order, sizeof *order);
}

void desk_cancel(struct desk *desk, const trading_id *order)
{
    trading_cancel_order body = TRADING_CANCEL_ORDER_INIT;
    body.order = *order;
    trading_result result = desk_run(desk, TRADING_COMMAND_CANCEL_ORDER, &nobody, &body, sizeof body);
    must_be_accepted(&result);
}

trading_place_order order_of(const trading_id *portfolio, int32_t side, const char *symbol, trading_decimal quantity,
                             trading_decimal limit)
{
    trading_place_order order = TRADING_PLACE_ORDER_INIT;
    order.portfolio = *portfolio;
    order.side = side;
    order.type = limit ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    order.time_in_force = limit ? TRADING_TIME_IN_FORCE_GTC : 0;
    order.symbol = symbol_of(symbol);
    order.quantity = quantity;
    order.limit_price = limit;
    return order;
}

static trading_id place(struct desk *desk, const trading_place_order *order)
{
    trading_result result = desk_place(desk, order);
    must_be_accepted(&result);
    return result.order;
}

trading_id desk_buy(struct desk *desk, const struct trader *trader, const char *symbol, trading_decimal quantity,
                    trading_decimal limit)
{
    trading_place_order order = order_of(&trader->portfolio, TRADING_SIDE_BUY, symbol, quantity, limit);
    return place(desk, &order);
}

trading_id desk_sell(struct desk *desk, const struct trader *trader, const char *symbol, trading_decimal quantity,
                     trading_decimal limit)
{
    trading_place_order order = order_of(&trader->portfolio, TRADING_SIDE_SELL, symbol, quantity, limit);
    return place(desk, &order);
}

trading_id desk_sell_lot(struct desk *desk, const struct trader *trader, const trading_id *lot, trading_decimal quantity,
                         trading_decimal limit)
{
    trading_place_order order = order_of(&trader->portfolio, TRADING_SIDE_SELL, "AAPL", quantity, limit);
    order.lot = *lot;
    return place(desk, &order);
}

void desk_morning(struct desk *desk)
{
    desk->ann = desk_trader(desk, "Ann", UNITS(10000));
    desk->bob = desk_trader(desk, "Bob", UNITS(5000));
    desk_quote(desk, "AAPL", UNITS(99), UNITS(100));
    desk->lots[0] = desk_buy(desk, &desk->ann, "AAPL", UNITS(10), 0);
    desk_quote(desk, "AAPL", UNITS(109), UNITS(110));
    desk->lots[1] = desk_buy(desk, &desk->ann, "AAPL", UNITS(5), UNITS(110));
    desk_sell(desk, &desk->ann, "AAPL", UNITS(4), 0); /* of the first lot, at 109 */

    desk_quote(desk, "AAPL", UNITS(100), 0);
    desk_sell_lot(desk, &desk->ann, &desk->lots[1], UNITS(2), UNITS(120));
    desk_sell_lot(desk, &desk->ann, &desk->lots[1], UNITS(1), UNITS(125));
    desk_sell(desk, &desk->ann, "AAPL", UNITS(1), UNITS(130));
    desk->lots[2] = desk_buy(desk, &desk->bob, "AAPL", UNITS(3), UNITS(121)); /* two of them trade at 120 */

    trading_place_order day = order_of(&desk->bob.portfolio, TRADING_SIDE_BUY, "AAPL", UNITS(1), UNITS(105));
    day.time_in_force = TRADING_TIME_IN_FORCE_DAY;
    place(desk, &day);
    desk_buy(desk, &desk->bob, "AAPL", UNITS(2), UNITS(103));
    desk_buy(desk, &desk->bob, "AAPL", UNITS(1), UNITS(103));
    desk_quote(desk, "MSFT", CENTS(2050), CENTS(2055));
    desk_buy(desk, &desk->bob, "MSFT", UNITS(7), 0);

    trading_place_order dear = order_of(&desk->bob.portfolio, TRADING_SIDE_BUY, "MSFT", UNITS(1000), UNITS(20));
    trading_result rejected = desk_place(desk, &dear);
    assert_int_equal(rejected.reason, TRADING_REASON_INSUFFICIENT_FUNDS);
}

/* ---- at random ---- */

static uint64_t random_below(uint64_t *seed, uint64_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % limit;
}

static void random_order(struct desk *desk, uint64_t *seed)
{
    const struct trader *trader = random_below(seed, 2) ? &desk->ann : &desk->bob;
    const char *symbol = random_below(seed, 3) ? "AAPL" : "MSFT";
    int32_t side = random_below(seed, 2) ? TRADING_SIDE_BUY : TRADING_SIDE_SELL;
    trading_decimal limit = random_below(seed, 4) ? UNITS(95 + random_below(seed, 12)) : 0;
    trading_place_order order =
        order_of(&trader->portfolio, side, symbol, CENTS(50 * (1 + (int64_t)random_below(seed, 6))), limit);
    if (limit)
        order.time_in_force = 1 + (int32_t)random_below(seed, 3);
    desk_place(desk, &order); /* also when it is rejected */
}

static void random_cancel(struct desk *desk, uint64_t *seed)
{
    const struct trader *trader = random_below(seed, 2) ? &desk->ann : &desk->bob;
    trading_view *view = view_at(desk, TRADING_VIEW_NOW);
    trading_order open[8];
    uint64_t cursor = 0;
    size_t count;
    trading_error error;
    must(trading_view_orders(view, &trader->portfolio, 1, &cursor, open, 8, &count, &error), &error);
    trading_view_close(view);
    if (count)
        desk_cancel(desk, &open[random_below(seed, count)].id);
}

void desk_random(struct desk *desk, uint64_t *seed)
{
    trading_decimal price = UNITS(95 + random_below(seed, 10));
    switch (random_below(seed, 12)) {
    case 0:
        desk_quote(desk, random_below(seed, 2) ? "AAPL" : "MSFT", price, price + CENTS(25));
        break;
    case 1:
        desk_cash(desk, TRADING_COMMAND_DEPOSIT, &desk->ann.account, UNITS(20));
        break;
    case 2:
        random_cancel(desk, seed);
        break;
    case 3:
        desk_run(desk, TRADING_COMMAND_END_SESSION, &nobody, NULL, 0);
        break;
    default:
        random_order(desk, seed);
        break;
    }
}

void desk_reopen(struct desk *desk, uint64_t events, const char *uri)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.snapshot_events = events;
    must(trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &error), &error);
    desk_open_store(desk, &options, uri);
}

trading_view *view_at(struct desk *desk, int64_t at)
{
    trading_error error;
    trading_view *view = NULL;
    must(trading_view_open(&view, desk->engine, at, &error), &error);
    return view;
}
