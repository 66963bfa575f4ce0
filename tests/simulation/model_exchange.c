/* Orders and the exchange of the model: what is refused, what trades with what, and what it costs. */
#include "simulation/model_inside.h"

#include <string.h>

#define SCALE ((wide)TRADING_DECIMAL_ONE)

int64_t model_consideration(const struct model_order *order)
{
    return (int64_t)model_divide(order->paid, SCALE);
}

int64_t model_average_price(const struct model_order *order)
{
    return order->filled ? (int64_t)model_divide(order->paid, order->filled) : 0;
}

bool model_is_open(const struct model_order *order)
{
    return order->status == TRADING_ORDER_STATUS_NEW || order->status == TRADING_ORDER_STATUS_PARTIALLY_FILLED;
}

int64_t model_mark(const struct model_instrument *instrument)
{
    if (instrument->bid)
        return instrument->bid;
    return instrument->last_price ? instrument->last_price : instrument->ask;
}

static int64_t leaves(const struct model_order *order)
{
    return order->quantity - order->filled;
}

static struct model_account *account_of(struct model *model, const struct model_order *order)
{
    return &model->accounts.at[model->portfolios.at[order->portfolio].account];
}

static void change_hold(struct model *model, struct model_order *order, int64_t hold)
{
    account_of(model, order)->held += hold - order->held;
    order->held = hold;
}

void model_end_order(struct model *model, int index, int32_t status)
{
    struct model_order *order = &model->orders.at[index];
    order->status = status;
    if (order->side == TRADING_SIDE_BUY)
        change_hold(model, order, 0);
    else if (order->held)
        model_release(model, index, order->held);
    int kept = 0;
    for (int i = 0; i < model->open_orders.count; i++)
        if (model->open_orders.at[i] != index)
            model->open_orders.at[kept++] = model->open_orders.at[i];
    model->open_orders.count = kept;
}

/* What was ever traded stops at the largest decimal: it only says how loyal the customer is. */
static void add_traded(struct model_portfolio *portfolio, int64_t consideration)
{
    wide traded = (wide)portfolio->traded + consideration;
    portfolio->traded = traded > TRADING_DECIMAL_MAX ? TRADING_DECIMAL_MAX : (int64_t)traded;
}

/* One side of a trade. @return what the customer pays or receives. */
static int64_t fill(struct model *model, int index, int counter, int64_t quantity, int64_t price)
{
    struct model_order *order = &model->orders.at[index];
    int64_t before = model_consideration(order);
    order->paid += (wide)price * quantity;
    order->filled += quantity;
    int64_t consideration = model_consideration(order) - before;
    MODEL_ADD(model->executions, (struct model_execution){.order = index,
                                                          .counter_order = counter,
                                                          .older = order->newest_execution,
                                                          .quantity = quantity,
                                                          .price = price,
                                                          .consideration = consideration,
                                                          .time = model->now});
    order->newest_execution = model->executions.count - 1;
    order->executions++;
    add_traded(&model->portfolios.at[order->portfolio], consideration);
    if (order->side == TRADING_SIDE_BUY) {
        account_of(model, order)->balance -= consideration;
        wide whole = model_divide(order->paid + (wide)order->limit * leaves(order), SCALE);
        change_hold(model, order, (int64_t)whole - model_consideration(order));
        model_acquire(model, index, quantity, consideration);
    } else {
        account_of(model, order)->balance += consideration;
        model_dispose(model, index, quantity, consideration);
    }
    order->status = TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    if (leaves(order) == 0)
        model_end_order(model, index, TRADING_ORDER_STATUS_FILLED);
    return consideration;
}

/* Either side may be the house. What the buyer pays and the seller does not receive is the house's, also when it is negative. */
void model_trade(struct model *model, int instrument, int buyer, int seller, int64_t quantity, int64_t price)
{
    struct model_instrument *listed = &model->instruments.at[instrument];
    listed->last_price = price;
    listed->trade_time = model->now;
    wide house = 0;
    if (buyer != MODEL_HOUSE)
        house += fill(model, buyer, seller, quantity, price);
    if (seller != MODEL_HOUSE)
        house -= fill(model, seller, buyer, quantity, price);
    model_ledger(model, &listed->currency)->house += house;
}

static bool accepts(const struct model_order *order, int64_t price)
{
    if (order->type == TRADING_ORDER_TYPE_MARKET && order->side == TRADING_SIDE_SELL)
        return true;
    return order->side == TRADING_SIDE_BUY ? price <= order->limit : price >= order->limit;
}

/* The resting order that comes first on this side: the best price, then the earliest; −1: there is none. */
static int best_resting(const struct model *model, const trading_symbol *symbol, int32_t side, int except)
{
    int best = -1;
    for (int i = 0; i < model->open_orders.count; i++) {
        int index = model->open_orders.at[i];
        const struct model_order *order = &model->orders.at[index];
        if (index == except || order->side != side || !model_same_symbol(&order->symbol, symbol))
            continue;
        bool better = best < 0 || (side == TRADING_SIDE_BUY ? order->limit > model->orders.at[best].limit
                                                            : order->limit < model->orders.at[best].limit);
        if (better)
            best = index;
    }
    return best;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void use_up(int64_t *size, int64_t quantity)
{
    if (*size != TRADING_SIZE_UNLIMITED)
        *size -= quantity;
}

bool model_would_overflow(struct model *model, int index, int64_t quantity, int64_t price)
{
    const struct model_order *order = &model->orders.at[index];
    wide consideration = model_divide(order->paid + (wide)price * quantity, SCALE);
    wide more = consideration - model_consideration(order);
    if (consideration > TRADING_DECIMAL_MAX)
        return true;
    /* Of a profit to come only the bounds are looked at: at most the proceeds, at worst the loss of the whole cost. */
    wide realized = model_realized(model, order->portfolio);
    if (order->side == TRADING_SIDE_SELL)
        return account_of(model, order)->balance + more > TRADING_DECIMAL_MAX || realized + more > TRADING_DECIMAL_MAX ||
               realized - model_cost(model, order->portfolio) < TRADING_DECIMAL_MIN;
    const struct model_position *position =
        model_position(model, order->portfolio, model_find_instrument(model, &order->symbol));
    return (position && (wide)position->quantity + quantity > TRADING_DECIMAL_MAX) ||
           model_cost(model, order->portfolio) + more > TRADING_DECIMAL_MAX;
}

/* Cancels an order that cannot be executed for the size of its sums; of two the one that came later. @return whether both stand. */
static bool check_sums(struct model *model, int taker, int maker, int64_t quantity, int64_t price)
{
    int too_large = MODEL_HOUSE;
    if (maker != MODEL_HOUSE && model_would_overflow(model, maker, quantity, price))
        too_large = maker;
    if (taker != MODEL_HOUSE && model_would_overflow(model, taker, quantity, price))
        too_large = taker;
    if (too_large == MODEL_HOUSE)
        return true;
    model_end_order(model, too_large, TRADING_ORDER_STATUS_CANCELED);
    return false;
}

/* How many shares the house can take or give so that its own count of them, which is what the customers have the other way round, stays
 * a decimal. */
int64_t model_house_room(const struct model *model, int instrument, int32_t house_side)
{
    bool buys = house_side == TRADING_SIDE_BUY;
    wide customers = 0;
    for (int i = 0; i < model->positions.count; i++)
        customers += model->positions.at[i].instrument == instrument ? model->positions.at[i].quantity : 0;
    wide room = buys ? TRADING_DECIMAL_MAX + customers : TRADING_DECIMAL_MAX - customers;
    return room > TRADING_DECIMAL_MAX ? TRADING_DECIMAL_MAX : (int64_t)room;
}

/* How much the house offers on one of its sides: what is left of the quote's size, as far as it has room. */
static int64_t house_offer(const struct model *model, int instrument, int32_t house_side)
{
    const struct model_instrument *listed = &model->instruments.at[instrument];
    int64_t size = house_side == TRADING_SIDE_BUY ? listed->bid_size : listed->ask_size;
    return least(size, model_house_room(model, instrument, house_side));
}

/* One trade of an incoming order with what comes first on the other side. @return whether there was something to do. */
static bool match_once(struct model *model, int instrument, int taker)
{
    struct model_order *order = &model->orders.at[taker];
    struct model_instrument *listed = &model->instruments.at[instrument];
    bool buys = order->side == TRADING_SIDE_BUY;
    int maker = best_resting(model, &order->symbol, buys ? TRADING_SIDE_SELL : TRADING_SIDE_BUY, taker);
    int64_t price = maker >= 0 ? model->orders.at[maker].limit : 0;
    int64_t quoted = buys ? listed->ask : listed->bid;
    int64_t *size = buys ? &listed->ask_size : &listed->bid_size;
    int64_t offered = house_offer(model, instrument, buys ? TRADING_SIDE_SELL : TRADING_SIDE_BUY);
    bool house_quotes = quoted > 0 && offered > 0;
    bool house_first = house_quotes && (maker < 0 || (buys ? quoted < price : quoted > price));
    if (house_first) {
        maker = MODEL_HOUSE;
        price = quoted;
    } else if (maker < 0) {
        return false;
    }
    if (!accepts(order, price))
        return false;
    int buyer = buys ? taker : maker;
    int seller = buys ? maker : taker;
    int64_t quantity = least(leaves(order), house_first ? offered : leaves(&model->orders.at[maker]));
    if (seller != MODEL_HOUSE)
        quantity = least(quantity, model_sellable_at_once(model, seller));
    if (!check_sums(model, taker, maker, quantity, price))
        return true;
    if (house_first)
        use_up(size, quantity);
    model_trade(model, instrument, buyer, seller, quantity, price);
    return true;
}

/* Whether all that rests at the order's price, with what is left of it, is still a decimal. */
static bool can_rest(const struct model *model, int index)
{
    const struct model_order *order = &model->orders.at[index];
    wide sum = 0;
    for (int i = 0; i < model->open_orders.count; i++) {
        const struct model_order *other = &model->orders.at[model->open_orders.at[i]];
        if (other->side == order->side && other->limit == order->limit && model_same_symbol(&other->symbol, &order->symbol))
            sum += leaves(other);
    }
    return sum <= TRADING_DECIMAL_MAX;
}

static void match(struct model *model, int instrument, int taker)
{
    while (model_is_open(&model->orders.at[taker]) && match_once(model, instrument, taker))
        ;
    const struct model_order *order = &model->orders.at[taker];
    if (model_is_open(order) && (order->time_in_force == TRADING_TIME_IN_FORCE_IOC || !can_rest(model, taker)))
        model_end_order(model, taker, TRADING_ORDER_STATUS_CANCELED);
}

/* An order shows the lot that it named, unless that could not be one of its portfolio's. */
static bool is_own_order(const struct model *model, int64_t name, int portfolio)
{
    int index = name ? model_find_order(model, name) : -1;
    return index >= 0 && model->orders.at[index].portfolio == portfolio;
}

static int add_order(struct model *model, const struct model_command *command, int portfolio, int ordinal)
{
    int index = MODEL_APPEND(model->orders);
    int32_t time_in_force = command->time_in_force ? command->time_in_force : TRADING_TIME_IN_FORCE_DAY;
    if (command->order_type == TRADING_ORDER_TYPE_MARKET)
        time_in_force = TRADING_TIME_IN_FORCE_IOC;
    model->orders.at[index] = (struct model_order){.name = MODEL_NAME(command->number, ordinal),
                                                   .portfolio = portfolio,
                                                   .lot = is_own_order(model, command->lot, portfolio) ? command->lot : 0,
                                                   .symbol = command->symbol,
                                                   .side = command->side,
                                                   .type = command->order_type,
                                                   .time_in_force = time_in_force,
                                                   .status = TRADING_ORDER_STATUS_NEW,
                                                   .quantity = command->quantity,
                                                   .limit = command->price,
                                                   .newest_execution = -1,
                                                   .placed = model->now};
    while (model->order_of_number.count <= command->number)
        MODEL_ADD(model->order_of_number, -1);
    if (ordinal == 0)
        model->order_of_number.at[command->number] = index;
    return index;
}

/* Whether account, portfolio and currency let the order be placed at all. */
static struct model_refusal check_standing(struct model *model, const struct model_portfolio *portfolio, int instrument)
{
    const struct model_account *account = &model->accounts.at[portfolio->account];
    if (account->status == TRADING_ACCOUNT_CLOSED)
        return model_refuse(TRADING_REASON_ACCOUNT_CLOSED);
    if (account->status == TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
    if (portfolio->status == TRADING_PORTFOLIO_CLOSING)
        return model_refuse(TRADING_REASON_PORTFOLIO_CLOSING);
    if (portfolio->status == TRADING_PORTFOLIO_CLOSED)
        return model_refuse(TRADING_REASON_PORTFOLIO_CLOSED);
    if (!model_same_currency(&model->instruments.at[instrument].currency, &account->currency))
        return model_refuse(TRADING_REASON_OTHER_CURRENCY);
    return MODEL_AGREED;
}

/* Finds what a buy may pay a share at most, and what is to be held for it. */
static struct model_refusal check_funds(struct model *model, int instrument, struct model_order *order, int64_t *hold)
{
    const struct model_account *account = account_of(model, order);
    wide limit = order->limit;
    if (order->type == TRADING_ORDER_TYPE_MARKET) {
        int64_t ask = model->instruments.at[instrument].ask;
        if (!ask)
            return model_refuse(TRADING_REASON_NO_QUOTE);
        limit = model_divide((wide)ask * (SCALE + model->collar), SCALE);
    }
    if (limit > TRADING_DECIMAL_MAX)
        return model_refuse(TRADING_REASON_TOO_LARGE);
    order->limit = (int64_t)limit;
    if (model_divide(limit * order->quantity, SCALE) > TRADING_DECIMAL_MAX)
        return model_refuse(TRADING_REASON_TOO_LARGE);
    *hold = (int64_t)model_divide(limit * order->quantity, SCALE);
    int64_t available = account->balance - account->held;
    if (*hold > available)
        return model_refuse_amounts(TRADING_REASON_INSUFFICIENT_FUNDS, *hold, available);
    return MODEL_AGREED;
}

static int list_instrument(struct model *model, const trading_symbol *symbol, const trading_currency *currency)
{
    int index = model_find_instrument(model, symbol);
    if (index < 0) {
        index = MODEL_APPEND(model->instruments);
        model->instruments.at[index].symbol = *symbol;
        model->instruments.at[index].currency = *currency;
    }
    return index;
}

struct model_refusal model_place_order(struct model *model, const struct model_command *command, struct model_answer *answer)
{
    int portfolio = model_find_portfolio(model, command->portfolio);
    const struct model_account *account = &model->accounts.at[model->portfolios.at[portfolio].account];
    int instrument = list_instrument(model, &command->symbol, &account->currency); /* a rejected order names it too */
    int index = add_order(model, command, portfolio, 0);
    struct model_order *order = &model->orders.at[index];
    answer->order = order->name;
    int64_t hold = 0;
    struct model_refusal refusal = check_standing(model, &model->portfolios.at[portfolio], instrument);
    if (!refusal.reason)
        refusal = order->side == TRADING_SIDE_BUY ? check_funds(model, instrument, order, &hold)
                                                  : model_check_shares(model, portfolio, command);
    if (refusal.reason) {
        order->status = TRADING_ORDER_STATUS_REJECTED;
        order->reason = refusal.reason;
        return refusal;
    }
    if (order->side == TRADING_SIDE_BUY)
        change_hold(model, order, hold);
    else
        model_reserve(model, index, order->quantity);
    order->outside = command->type == TRADING_COMMAND_ROUTE_ORDER;
    if (order->outside)
        return MODEL_AGREED;
    MODEL_ADD(model->open_orders, index);
    match(model, instrument, index);
    return MODEL_AGREED;
}

struct model_refusal model_cancel_order(struct model *model, const struct model_command *command, struct model_answer *answer)
{
    int index = model_find_order(model, command->order);
    answer->order = command->order;
    if (!model_is_open(&model->orders.at[index]))
        return model_refuse(TRADING_REASON_ORDER_NOT_OPEN);
    if (!model->orders.at[index].outside) /* a venue is only asked to */
        model_end_order(model, index, TRADING_ORDER_STATUS_CANCELED);
    return MODEL_AGREED;
}

/* Sells at the market all that the portfolio holds of one instrument, and that is not at a venue to be sold. */
static void sell_out(struct model *model, int64_t number, int portfolio, int instrument, int ordinal)
{
    const struct model_position *position = model_position(model, portfolio, instrument);
    struct model_command sell = {.number = number,
                                 .side = TRADING_SIDE_SELL,
                                 .order_type = TRADING_ORDER_TYPE_MARKET,
                                 .symbol = model->instruments.at[instrument].symbol,
                                 .quantity = position->quantity - position->reserved};
    int index = add_order(model, &sell, portfolio, ordinal);
    model_reserve(model, index, sell.quantity);
    MODEL_ADD(model->open_orders, index);
    match(model, instrument, index);
}

static void close_if_empty(struct model *model, int index)
{
    bool empty = true;
    for (int i = 0; i < model->positions.count; i++)
        empty = empty && (model->positions.at[i].portfolio != index || model->positions.at[i].quantity == 0);
    for (int i = 0; i < model->orders.count; i++)
        empty = empty && (model->orders.at[i].portfolio != index || !model_is_open(&model->orders.at[i]));
    if (empty)
        model->portfolios.at[index].status = TRADING_PORTFOLIO_CLOSED;
}

void model_liquidate(struct model *model, int64_t number, int index)
{
    int ordinal = 0;
    for (int i = 0; i < model->positions.count; i++) {
        const struct model_position *position = &model->positions.at[i];
        if (position->portfolio == index && position->quantity > position->reserved)
            sell_out(model, number, index, position->instrument, ordinal++);
    }
    close_if_empty(model, index);
}

struct model_refusal model_close_portfolio(struct model *model, const struct model_command *command,
                                           struct model_answer *answer)
{
    int index = model_find_portfolio(model, command->portfolio);
    struct model_portfolio *portfolio = &model->portfolios.at[index];
    answer->portfolio = portfolio->name;
    if (model->accounts.at[portfolio->account].status == TRADING_ACCOUNT_FROZEN)
        return model_refuse(TRADING_REASON_ACCOUNT_FROZEN);
    if (portfolio->status == TRADING_PORTFOLIO_CLOSED)
        return model_refuse(TRADING_REASON_PORTFOLIO_CLOSED);
    for (int i = 0; i < model->orders.count; i++)
        if (model->orders.at[i].portfolio == index && model_is_open(&model->orders.at[i]) && !model->orders.at[i].outside)
            model_end_order(model, i, TRADING_ORDER_STATUS_CANCELED);
    portfolio->status = TRADING_PORTFOLIO_CLOSING;
    model_liquidate(model, command->number, index);
    return MODEL_AGREED;
}

/* The house's new price on one side trades with the resting orders that it reaches, at their prices. */
static void cross(struct model *model, int instrument, int32_t house_side)
{
    struct model_instrument *listed = &model->instruments.at[instrument];
    bool buys = house_side == TRADING_SIDE_BUY;
    int64_t quoted = buys ? listed->bid : listed->ask;
    int64_t *size = buys ? &listed->bid_size : &listed->ask_size;
    while (quoted > 0) {
        int64_t offered = house_offer(model, instrument, house_side);
        int maker = best_resting(model, &listed->symbol, buys ? TRADING_SIDE_SELL : TRADING_SIDE_BUY, MODEL_HOUSE);
        if (maker < 0 || offered == 0)
            return;
        int64_t price = model->orders.at[maker].limit;
        if (buys ? price > quoted : price < quoted)
            return;
        int buyer = buys ? MODEL_HOUSE : maker;
        int seller = buys ? maker : MODEL_HOUSE;
        int64_t quantity = least(offered, leaves(&model->orders.at[maker]));
        if (seller != MODEL_HOUSE)
            quantity = least(quantity, model_sellable_at_once(model, seller));
        if (!check_sums(model, MODEL_HOUSE, maker, quantity, price))
            continue;
        use_up(size, quantity);
        model_trade(model, instrument, buyer, seller, quantity, price);
    }
}

struct model_refusal model_set_quote(struct model *model, const struct model_command *command)
{
    trading_currency currency = model_currency_or_default(&command->currency);
    int index = model_find_instrument(model, &command->symbol);
    if (index >= 0 && command->currency.text[0] && !model_same_currency(&model->instruments.at[index].currency, &currency))
        return model_refuse(TRADING_REASON_OTHER_CURRENCY);
    index = list_instrument(model, &command->symbol, &currency);
    struct model_instrument *listed = &model->instruments.at[index];
    listed->quoted = true;
    listed->bid = command->bid;
    listed->ask = command->ask;
    listed->bid_size = command->bid ? command->bid_size : 0;
    listed->ask_size = command->ask ? command->ask_size : 0;
    listed->quote_time = model->now;
    cross(model, index, TRADING_SIDE_BUY);
    cross(model, index, TRADING_SIDE_SELL);
    return MODEL_AGREED;
}

void model_end_session(struct model *model)
{
    for (int i = 0; i < model->orders.count; i++)
        if (model_is_open(&model->orders.at[i]) && model->orders.at[i].time_in_force == TRADING_TIME_IN_FORCE_DAY &&
            !model->orders.at[i].outside)
            model_end_order(model, i, TRADING_ORDER_STATUS_EXPIRED);
}
