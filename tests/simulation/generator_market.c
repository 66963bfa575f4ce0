/* What comes to the market: orders, what a venue outside says of them, cancels, and quotes. */
#include "simulation/generator_inside.h"

#include <string.h>

static int64_t quantity(struct generator *generator)
{
    return round_to(chance_between(&generator->chance, 1, generator->style.most), generator->style.lot);
}

/* A price that waits behind the reference, on the order's own side of it. */
static int64_t price_behind(struct generator *generator, int instrument, int32_t side)
{
    int64_t reference = generator->instruments[instrument].reference;
    int64_t reach = reference * generator->style.reach / 1000 + 2 * generator->style.tick;
    int64_t away = chance_between(&generator->chance, reach / 8, reach);
    return round_to(side == TRADING_SIDE_BUY ? reference - away : reference + away, generator->style.tick);
}

/* About where the instrument trades, up to so many thousandths away. */
static int64_t price_near(struct generator *generator, int instrument, int64_t thousandths)
{
    int64_t reference = generator->instruments[instrument].reference;
    int64_t reach = reference * thousandths / 1000 + 2 * generator->style.tick;
    return round_to(reference + chance_between(&generator->chance, -reach, reach), generator->style.tick);
}

static int pick_portfolio(struct generator *generator)
{
    const struct model *model = generator->model;
    int index = 0;
    for (int tries = 0; tries < 4; tries++) {
        index = (int)chance_below(&generator->chance, model->portfolios.count);
        const struct model_portfolio *portfolio = &model->portfolios.at[index];
        if (portfolio->status == TRADING_PORTFOLIO_OPEN &&
            model->accounts.at[portfolio->account].status == TRADING_ACCOUNT_OPEN)
            break;
    }
    return index;
}

static int instrument_for(struct generator *generator, const struct model_account *account)
{
    int index = (int)chance_below(&generator->chance, generator->style.symbols);
    for (int i = 0; i < generator->style.symbols && !chance_of(&generator->chance, 20); i++) {
        if (model_same_currency(&generator->instruments[index].currency, &account->currency))
            break;
        index = (index + 1) % generator->style.symbols;
    }
    return index;
}

static const struct model_position *pick_position(struct generator *generator, int portfolio)
{
    const struct model *model = generator->model;
    const struct model_position *found = NULL;
    int64_t seen = 0;
    for (int i = 0; i < model->positions.count; i++) {
        const struct model_position *position = &model->positions.at[i];
        if (position->portfolio == portfolio && position->quantity > 0 && chance_below(&generator->chance, ++seen) == 0)
            found = position;
    }
    return found;
}

static const struct model_lot *pick_lot(struct generator *generator, int portfolio, int instrument)
{
    const struct model *model = generator->model;
    const struct model_lot *found = NULL;
    int64_t seen = 0;
    for (int i = 0; i < model->lots.count; i++) {
        const struct model_lot *lot = &model->lots.at[i];
        if (lot->portfolio == portfolio && lot->instrument == instrument && lot->quantity > 0 &&
            chance_below(&generator->chance, ++seen) == 0)
            found = lot;
    }
    return found;
}

/* Turns the order into a sell of what the portfolio holds, if it holds anything. */
static void make_sell(struct generator *generator, struct model_command *command, int portfolio)
{
    struct chance *chance = &generator->chance;
    const struct model *model = generator->model;
    const struct model_position *position = pick_position(generator, portfolio);
    command->side = TRADING_SIDE_SELL;
    if (!position)
        return;
    command->symbol = model->instruments.at[position->instrument].symbol;
    int64_t most = position->quantity;
    if (chance_of(chance, 300)) {
        const struct model_lot *lot = pick_lot(generator, portfolio, position->instrument);
        command->lot = lot ? model->orders.at[lot->order].name : 0;
        most = lot ? lot->quantity : most;
    }
    command->quantity = chance_between(chance, 1, at_most((wide)most + most / 10 + 1));
    if (generator->style.habits.sweeps) /* many small ones, for others to sweep */
        command->quantity = most < command->quantity / 500 + 1 ? most : command->quantity / 500 + 1;
    if (chance_of(chance, generator->style.habits.whole))
        command->quantity = most;
    if (command->lot && chance_of(chance, 30))
        command->symbol = generator->instruments[chance_below(chance, generator->style.symbols)].symbol;
}

static int instrument_of(const struct generator *generator, const trading_symbol *symbol)
{
    for (int i = 0; i < generator->style.symbols; i++)
        if (model_same_symbol(&generator->instruments[i].symbol, symbol))
            return i;
    return 0;
}

void generator_order(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    const struct model *model = generator->model;
    int portfolio = pick_portfolio(generator);
    const struct model_account *account = &model->accounts.at[model->portfolios.at[portfolio].account];
    command->type = TRADING_COMMAND_PLACE_ORDER;
    command->account = chance_of(chance, 300) ? account->name : 0;
    command->portfolio = model->portfolios.at[portfolio].name;
    command->side = TRADING_SIDE_BUY;
    command->symbol = generator->instruments[instrument_for(generator, account)].symbol;
    command->quantity = quantity(generator);
    if (chance_of(chance, generator->style.habits.sells))
        make_sell(generator, command, portfolio);
    bool is_market = chance_of(chance, 150);
    command->order_type = is_market ? TRADING_ORDER_TYPE_MARKET : TRADING_ORDER_TYPE_LIMIT;
    command->time_in_force = (int32_t)chance_below(chance, 4);
    if (command->time_in_force == TRADING_TIME_IN_FORCE_IOC && chance_of(chance, 600))
        command->time_in_force = TRADING_TIME_IN_FORCE_GTC;
    if (is_market)
        command->time_in_force = chance_of(chance, 500) ? 0 : TRADING_TIME_IN_FORCE_IOC;
    int instrument = instrument_of(generator, &command->symbol);
    if (!is_market && chance_of(chance, generator->style.habits.passive))
        command->price = price_behind(generator, instrument, command->side);
    else if (!is_market)
        command->price = price_near(generator, instrument, generator->style.reach);
    if (!is_market && chance_of(chance, generator->style.habits.sweeps)) {
        command->quantity = at_most((wide)command->quantity * 1500);
        command->price = command->side == TRADING_SIDE_BUY ? command->price + command->price / 5 : 1;
    }
}

/* What is routed to a venue outside and not done with there, or −1. */
static int pick_routed(struct generator *generator)
{
    const struct model *model = generator->model;
    int found = -1;
    int64_t seen = 0;
    for (int i = 0; i < model->orders.count; i++) {
        const struct model_order *order = &model->orders.at[i];
        if (order->outside && model_is_open(order) && chance_below(&generator->chance, ++seen) == 0)
            found = i;
    }
    return found;
}

static void make_execution(struct generator *generator, struct model_command *command, const struct model_order *order)
{
    struct chance *chance = &generator->chance;
    int64_t leaves = order->quantity - order->filled;
    command->type = TRADING_COMMAND_BOOK_EXECUTION;
    command->order = order->name;
    command->quantity = chance_of(chance, 400) ? leaves : chance_between(chance, 1, at_most((wide)leaves + leaves / 16));
    command->price = order->limit ? order->limit : price_near(generator, instrument_of(generator, &order->symbol), 100);
    int64_t change = chance_below(chance, command->price / 20 + 1);
    bool better = !chance_of(chance, 50);
    command->price =
        better == (order->side == TRADING_SIDE_BUY) ? command->price - change : at_most((wide)command->price + change);
    if (command->price < 1)
        command->price = 1;
}

/* A venue outside is sent an order, executes one, or ends it. */
void generator_venue(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    const struct model *model = generator->model;
    int routed = pick_routed(generator);
    if (routed < 0 || chance_of(chance, 350)) {
        generator_order(generator, command);
        command->type = TRADING_COMMAND_ROUTE_ORDER;
        return;
    }
    const struct model_order *order = &model->orders.at[routed];
    if (chance_of(chance, 40)) /* one that need not be at a venue */
        order = &model->orders.at[chance_below(chance, model->orders.count)];
    make_execution(generator, command, order);
    if (chance_of(chance, 150)) {
        command->type = TRADING_COMMAND_END_ORDER;
        command->quantity = command->price = 0;
        command->status = chance_of(chance, 700) ? TRADING_ORDER_STATUS_CANCELED : TRADING_ORDER_STATUS_EXPIRED;
    }
    if (chance_of(chance, 300))
        command->account = model->accounts.at[model->portfolios.at[order->portfolio].account].name;
}

void generator_cancel(struct generator *generator, struct model_command *command)
{
    const struct model *model = generator->model;
    if (model->orders.count == 0) {
        generator_order(generator, command);
        return;
    }
    bool any = model->open_orders.count == 0 || chance_of(&generator->chance, 100);
    int index = any ? (int)chance_below(&generator->chance, model->orders.count)
                    : model->open_orders.at[chance_below(&generator->chance, model->open_orders.count)];
    const struct model_order *order = &model->orders.at[index];
    command->type = TRADING_COMMAND_CANCEL_ORDER;
    command->order = order->name;
    if (chance_of(&generator->chance, 300))
        command->account = model->accounts.at[model->portfolios.at[order->portfolio].account].name;
}

static int64_t quote_size(struct generator *generator)
{
    return chance_of(&generator->chance, generator->style.unlimited) ? TRADING_SIZE_UNLIMITED
                                                                     : at_most((wide)3 * quantity(generator));
}

void generator_quote(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    int index = (int)chance_below(chance, generator->style.symbols);
    generator->instruments[index].reference = price_near(generator, index, generator->style.reach / 3);
    if (chance_of(chance, 10)) /* back to where it began */
        generator->instruments[index].reference = generator->style.base * chance_between(chance, 1, 3);
    command->type = TRADING_COMMAND_SET_QUOTE;
    command->symbol = generator->instruments[index].symbol;
    command->currency = generator->instruments[index].currency;
    if (strcmp(command->currency.text, "USD") == 0 && chance_of(chance, 500))
        command->currency = (trading_currency){{0}};
    command->bid = price_near(generator, index, generator->style.reach / 2);
    command->ask = command->bid + round_to(chance_between(chance, 1, command->bid / 50 + 1), generator->style.tick);
    command->bid_size = quote_size(generator);
    command->ask_size = quote_size(generator);
    if (chance_of(chance, 60))
        command->bid = 0;
    if (chance_of(chance, 60))
        command->ask = 0;
}
