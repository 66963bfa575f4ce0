/* What views show of orders. */
#include "engine/view.h"
#include "order/decide.h"

static bool is_open(const struct order_record *order)
{
    return order_leaves(order) > 0;
}

static int32_t order_id(const struct sight *sight, uint32_t number, trading_id *id)
{
    struct order_record order = {0};
    int32_t code = number ? sight_read(sight, sight->domain->orders.records, number, &order) : TRADING_OK;
    *id = order.id;
    return code;
}

static int32_t show_record(const struct sight *sight, const struct order_record *order, trading_order *out)
{
    const struct domain *domain = sight->domain;
    struct account_record account;
    struct portfolio_record portfolio;
    struct instrument_record instrument;
    trading_id lot;
    int32_t code = sight_read(sight, domain->accounts.records, order->account, &account);
    if (!code)
        code = sight_read(sight, domain->portfolios.records, order->portfolio, &portfolio);
    if (!code)
        code = sight_read(sight, domain->market.instruments, order->instrument, &instrument);
    if (!code)
        code = order_id(sight, order->lot, &lot);
    if (code)
        return code;
    bool sells = order->side == TRADING_SIDE_SELL;
    *out = (trading_order){.id = order->id,
                           .account = account.id,
                           .portfolio = portfolio.id,
                           .lot = lot,
                           .symbol = instrument.symbol,
                           .side = order->side,
                           .type = order->type,
                           .time_in_force = order->time_in_force,
                           .status = order->status,
                           .reason = (int32_t)order->reason,
                           .execution_count = order->executions,
                           .quantity = order->quantity,
                           .limit_price = order->limit,
                           .filled_quantity = order->filled,
                           .leaves_quantity = order_leaves(order),
                           .average_price = order_average(order),
                           .consideration = order->paid,
                           .held = sells ? order_leaves(order) : order->held,
                           .refunded = order->refunded,
                           .placed = order->placed,
                           .updated = order->updated,
                           .position = sight->position,
                           .version = order->version};
    return TRADING_OK;
}

static int32_t show_order(const struct sight *sight, const void *id, void *out)
{
    uint32_t number;
    struct order_record order;
    int32_t code = sight_order(sight, id, &number, &order);
    if (!code && order_is_guest(&order)) /* its home shows it */
        code = sight_found(sight, TABLE_ABSENT, "order");
    return code ? code : show_record(sight, &order, out);
}

int32_t trading_view_order(trading_view *view, const trading_id *order, trading_order *out, trading_error *error)
{
    view = view_of_id(view, order);
    return sight_single(view, order && out, "an order's id, and a trading_order", show_order, order, out, error);
}

/* ---- lists ----
 *
 * All orders of a portfolio are a list that only grows, from the newest to the older. Those that rest in a book are a list of their own,
 * in the same order, which orders leave; from one that has left it since, the way goes on over the list of all. An order that waits for
 * the next commit to go on matching is open and rests nowhere; it is the portfolio's newest. */

struct order_walk {
    struct desk_record desk;
    bool open_only;
    uint32_t number; /* 0: there are no more */
    struct order_record order;
};

static int32_t go_to(const struct sight *sight, struct order_walk *walk, uint32_t number)
{
    walk->number = number;
    return number ? sight_read(sight, sight->domain->orders.records, number, &walk->order) : TRADING_OK;
}

/* To the order of a resting record. */
static int32_t go_to_resting(const struct sight *sight, struct order_walk *walk, uint32_t entry)
{
    struct resting_record resting = {0};
    int32_t code = entry ? sight_read(sight, sight->domain->orders.resting, entry, &resting) : TRADING_OK;
    return code ? code : go_to(sight, walk, resting.order);
}

/* From an order that rests to the one of the portfolio that came to rest before it. */
static int32_t go_to_previous(const struct sight *sight, struct order_walk *walk)
{
    struct resting_record resting;
    int32_t code = sight_read(sight, sight->domain->orders.resting, walk->order.entry, &resting);
    return code ? code : go_to_resting(sight, walk, resting.previous_open);
}

static int32_t begin_orders(const struct sight *sight, struct order_walk *walk)
{
    int32_t code = go_to(sight, walk, walk->desk.newest);
    if (!code && walk->number && walk->open_only && !is_open(&walk->order))
        code = go_to_resting(sight, walk, walk->desk.last_open);
    return code;
}

static int32_t next_order(const struct sight *sight, struct order_walk *walk)
{
    if (!walk->open_only)
        return go_to(sight, walk, walk->order.older);
    if (walk->order.entry)
        return go_to_previous(sight, walk);
    if (walk->number == walk->desk.newest)
        return go_to_resting(sight, walk, walk->desk.last_open);
    int32_t code;
    do {
        code = go_to(sight, walk, walk->order.older);
    } while (!code && walk->number && !is_open(&walk->order));
    return code;
}

/* Goes to the first order of the page. */
static int32_t find_place(const struct sight *sight, const trading_id *id, uint64_t cursor, struct order_walk *walk)
{
    uint32_t portfolio;
    struct portfolio_record record;
    int32_t code = sight_portfolio(sight, id, &portfolio, &record);
    if (!code)
        code = sight_read(sight, sight->domain->orders.desks, portfolio, &walk->desk);
    if (code)
        return code;
    if (cursor == 0)
        return begin_orders(sight, walk);
    if (cursor > table_installed(sight->domain->orders.records, sight->pin))
        return sight_bad_cursor(sight, cursor);
    code = go_to(sight, walk, (uint32_t)cursor);
    if (!code && walk->order.portfolio != portfolio)
        code = sight_bad_cursor(sight, cursor);
    return code ? code : next_order(sight, walk);
}

static int32_t list_orders(const struct sight *sight, const trading_id *portfolio, struct order_walk *walk, uint64_t *cursor,
                           trading_order *out, size_t max, size_t *count)
{
    *count = 0;
    int32_t code = find_place(sight, portfolio, *cursor, walk);
    while (!code && walk->number && *count < max) {
        code = show_record(sight, &walk->order, &out[*count]);
        if (code)
            break;
        *cursor = walk->number;
        ++*count;
        code = next_order(sight, walk);
    }
    return code;
}

int32_t trading_view_orders(trading_view *view, const trading_id *portfolio, int32_t open_only, uint64_t *cursor,
                            trading_order *out, size_t max, size_t *count, trading_error *error)
{
    view = view_of_id(view, portfolio);
    struct sight sight;
    struct order_walk walk = {.open_only = open_only != 0};
    bool sound = portfolio && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a portfolio's id, a cursor, and room for at least one order", error);
    return code ? code : sight_end(&sight, list_orders(&sight, portfolio, &walk, cursor, out, max, count));
}
