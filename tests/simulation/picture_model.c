/* The model's picture. */
#include "simulation/picture.h"
#include "simulation/texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t cost_of(const struct model *model, int portfolio, int instrument)
{
    int64_t cost = 0;
    for (int i = 0; i < model->lots.count; i++)
        if (model->lots.at[i].portfolio == portfolio && model->lots.at[i].instrument == instrument)
            cost += model->lots.at[i].cost;
    return cost;
}

static wide value_of(const struct model *model, const struct model_position *position)
{
    int64_t mark = model_mark(&model->instruments.at[position->instrument]);
    return model_divide((wide)mark * position->quantity, TRADING_DECIMAL_ONE);
}

/* Whether what the portfolio holds, or one of its positions, is worth more than a decimal can say: views then refuse to tell. */
static bool is_untold(const struct model *model, int portfolio, bool in_all)
{
    wide sum = 0;
    wide largest = 0;
    for (int i = 0; i < model->positions.count; i++) {
        if (model->positions.at[i].portfolio != portfolio)
            continue;
        wide value = value_of(model, &model->positions.at[i]);
        sum += value;
        largest = value > largest ? value : largest;
    }
    return (in_all ? sum : largest) > TRADING_DECIMAL_MAX;
}

static int64_t symbol_of(const struct model *model, int instrument)
{
    return picture_letters(model->instruments.at[instrument].symbol.text, sizeof(trading_symbol));
}

static void draw_account(struct picture *picture, const struct model *model, int index)
{
    const struct model_account *account = &model->accounts.at[index];
    int64_t portfolios = 0;
    for (int i = 0; i < model->portfolios.count; i++)
        portfolios += model->portfolios.at[i].account == index;
    int64_t aliases = 0;
    int64_t alias_sum = 0;
    for (int i = 0; i < model->aliases.count; i++) {
        const struct model_alias *alias = &model->aliases.at[i];
        char space[8];
        char name[24];
        if (alias->account != index)
            continue;
        snprintf(space, sizeof(space), "s%d", (int)alias->space);
        snprintf(name, sizeof(name), "N-%" PRId64, alias->alias);
        alias_sum ^= picture_alias(alias->portfolio, space, name);
        aliases++;
    }
    picture_add(picture, PICTURE_ACCOUNTS,
                (int64_t[]){account->name, account->status, picture_letters(account->currency.text, sizeof(trading_currency)),
                            account->balance, account->held, account->balance - account->held, account->opened, portfolios,
                            aliases, alias_sum});
}

static int64_t text(int64_t number, enum simulation_text which)
{
    return picture_text(simulation_text(number, which));
}

static void draw_texts(struct picture *picture, const struct model *model, int index)
{
    const struct model_account *account = &model->accounts.at[index];
    picture_add(picture, PICTURE_TEXTS,
                (int64_t[]){account->name, 0, text(account->text, TEXT_NAME), text(account->text, TEXT_PROFILE_NAME),
                            text(account->text, TEXT_PROFILE_SURNAME), text(account->contact_text, TEXT_EMAIL),
                            text(account->contact_text, TEXT_PHONE_NUMBER), text(account->address_text, TEXT_STREET),
                            text(account->address_text, TEXT_POSTAL_CODE), text(account->address_text, TEXT_PROVINCE)});
    for (int i = 0; i < model->portfolios.count; i++)
        if (model->portfolios.at[i].account == index)
            picture_add(picture, PICTURE_TEXTS,
                        (int64_t[]){account->name, model->portfolios.at[i].name, text(model->portfolios.at[i].text, TEXT_NAME),
                                    0, 0, 0, 0, 0, 0, 0});
}

static int32_t loyalty_of(int64_t traded)
{
    if (traded >= 100000 * TRADING_DECIMAL_ONE)
        return TRADING_LOYALTY_GOLD;
    return traded >= 10000 * TRADING_DECIMAL_ONE ? TRADING_LOYALTY_SILVER : TRADING_LOYALTY_BRONZE;
}

static void draw_lots(struct picture *picture, const struct model *model, int portfolio, int instrument)
{
    for (int i = 0; i < model->lots.count; i++) {
        const struct model_lot *lot = &model->lots.at[i];
        if (lot->portfolio != portfolio || lot->instrument != instrument || lot->quantity == 0)
            continue;
        picture_add(picture, PICTURE_LOTS,
                    (int64_t[]){model->portfolios.at[portfolio].name, model->orders.at[lot->order].name,
                                symbol_of(model, instrument), lot->quantity, lot->reserved, lot->cost, lot->acquired});
    }
}

static void draw_positions(struct picture *picture, const struct model *model, int portfolio)
{
    bool untold = is_untold(model, portfolio, false);
    if (untold)
        picture_add(picture, PICTURE_POSITIONS, (int64_t[]){model->portfolios.at[portfolio].name, 0, 0, 0, 0, 0, 0, 0, 0});
    for (int i = 0; i < model->positions.count; i++) {
        const struct model_position *position = &model->positions.at[i];
        if (position->portfolio != portfolio)
            continue;
        draw_lots(picture, model, portfolio, position->instrument);
        if (untold)
            continue;
        int64_t cost = cost_of(model, portfolio, position->instrument);
        int64_t value = (int64_t)value_of(model, position);
        picture_add(picture, PICTURE_POSITIONS,
                    (int64_t[]){model->portfolios.at[portfolio].name, symbol_of(model, position->instrument),
                                position->quantity, position->reserved, cost,
                                model_mark(&model->instruments.at[position->instrument]), value, position->realized,
                                value - cost});
    }
}

static void draw_portfolio(struct picture *picture, const struct model *model, int index)
{
    const struct model_portfolio *portfolio = &model->portfolios.at[index];
    const struct model_account *account = &model->accounts.at[portfolio->account];
    int64_t held = 0;
    int64_t open = 0;
    int64_t cost = 0;
    int64_t value = 0;
    int64_t realized = 0;
    if (is_untold(model, index, true)) {
        picture_add(picture, PICTURE_PORTFOLIOS, (int64_t[]){portfolio->name, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        return;
    }
    for (int i = 0; i < model->positions.count; i++) {
        if (model->positions.at[i].portfolio != index)
            continue;
        held += model->positions.at[i].quantity > 0;
        cost += cost_of(model, index, model->positions.at[i].instrument);
        value += (int64_t)value_of(model, &model->positions.at[i]);
        realized += model->positions.at[i].realized;
    }
    for (int i = 0; i < model->orders.count; i++)
        open += model->orders.at[i].portfolio == index && model_is_open(&model->orders.at[i]);
    picture_add(picture, PICTURE_PORTFOLIOS,
                (int64_t[]){portfolio->name, account->name, portfolio->status, loyalty_of(portfolio->traded),
                            picture_letters(account->currency.text, sizeof(trading_currency)), portfolio->opened, held, open,
                            portfolio->traded, cost, value, realized, value - cost});
}

static void draw_executions(struct picture *picture, const struct model *model, int order)
{
    for (int i = model->orders.at[order].newest_execution; i >= 0; i = model->executions.at[i].older) {
        const struct model_execution *execution = &model->executions.at[i];
        int counter = execution->counter_order;
        picture_add(picture, PICTURE_EXECUTIONS,
                    (int64_t[]){model->orders.at[order].name, counter >= 0 ? model->orders.at[counter].name : 0,
                                execution->quantity, execution->price, execution->consideration, execution->time});
    }
}

static void draw_order(struct picture *picture, const struct model *model, int index)
{
    const struct model_order *order = &model->orders.at[index];
    const struct model_portfolio *portfolio = &model->portfolios.at[order->portfolio];
    int64_t leaves = model_is_open(order) ? order->quantity - order->filled : 0;
    picture_add(picture, PICTURE_ORDERS,
                (int64_t[]){order->name,
                            model->accounts.at[portfolio->account].name,
                            portfolio->name,
                            order->lot,
                            picture_letters(order->symbol.text, sizeof(order->symbol)),
                            order->side,
                            order->type,
                            order->time_in_force,
                            order->status,
                            order->reason,
                            order->executions,
                            order->quantity,
                            order->limit,
                            order->filled,
                            leaves,
                            model_average_price(order),
                            model_consideration(order),
                            order->held,
                            order->refunded,
                            order->placed});
    if (model_is_open(order))
        picture_add(picture, PICTURE_OPEN_ORDERS, (int64_t[]){portfolio->name, order->name});
}

static void draw_orders(struct picture *picture, const struct model *model, int portfolio, bool whole)
{
    for (int i = model->orders.count - 1; i >= 0; i--) {
        if (model->orders.at[i].portfolio != portfolio)
            continue;
        draw_order(picture, model, i);
        if (whole)
            draw_executions(picture, model, i);
    }
}

/* The best price of the side beyond `beyond`; 0: there is none. */
static int64_t next_price(const struct model *model, int instrument, int32_t side, int64_t beyond)
{
    int64_t best = 0;
    for (int i = 0; i < model->open_orders.count; i++) {
        const struct model_order *order = &model->orders.at[model->open_orders.at[i]];
        bool buys = side == TRADING_SIDE_BUY;
        if (order->side != side || model_find_instrument(model, &order->symbol) != instrument)
            continue;
        if (beyond && (buys ? order->limit >= beyond : order->limit <= beyond))
            continue;
        if (!best || (buys ? order->limit > best : order->limit < best))
            best = order->limit;
    }
    return best;
}

static void draw_book(struct picture *picture, const struct model *model, int instrument, int32_t side)
{
    for (int64_t price = next_price(model, instrument, side, 0); price; price = next_price(model, instrument, side, price)) {
        int64_t quantity = 0;
        int64_t orders = 0;
        for (int i = 0; i < model->open_orders.count; i++) {
            const struct model_order *order = &model->orders.at[model->open_orders.at[i]];
            if (order->side == side && order->limit == price && model_find_instrument(model, &order->symbol) == instrument) {
                quantity += order->quantity - order->filled;
                orders++;
            }
        }
        picture_add(picture, PICTURE_LEVELS, (int64_t[]){symbol_of(model, instrument), side, price, quantity, orders});
    }
}

static void draw_instrument(struct picture *picture, const struct model *model, int index)
{
    const struct model_instrument *instrument = &model->instruments.at[index];
    picture_add(picture, PICTURE_INSTRUMENTS,
                (int64_t[]){symbol_of(model, index), picture_letters(instrument->currency.text, sizeof(trading_currency)),
                            instrument->quoted, instrument->bid, instrument->ask, instrument->bid_size, instrument->ask_size,
                            instrument->last_price, instrument->quote_time, instrument->trade_time});
    draw_book(picture, model, index, TRADING_SIDE_BUY);
    draw_book(picture, model, index, TRADING_SIDE_SELL);
}

static void draw_ledger(struct picture *picture, const struct model *model, const struct model_ledger *ledger)
{
    int64_t currency = picture_letters(ledger->currency.text, sizeof(trading_currency));
    wide customers = 0;
    for (int i = 0; i < model->accounts.count; i++)
        if (picture_letters(model->accounts.at[i].currency.text, sizeof(trading_currency)) == currency)
            customers += model->accounts.at[i].balance;
    const wide totals[] = {customers, ledger->house, ledger->bank, 0, 0};
    int64_t cells[11] = {currency};
    for (int i = 0; i < 5; i++) {
        cells[1 + 2 * i] = (int64_t)totals[i];
        cells[2 + 2 * i] = (int64_t)(totals[i] >> 64);
    }
    picture_add(picture, PICTURE_LEDGERS, cells);
}

void picture_of_model(struct picture *picture, const struct model *model, bool whole)
{
    picture_free(picture);
    for (int i = 0; i < model->accounts.count; i++) {
        draw_account(picture, model, i);
        if (whole)
            draw_texts(picture, model, i);
        for (int j = 0; j < model->portfolios.count; j++) {
            if (model->portfolios.at[j].account != i)
                continue;
            draw_portfolio(picture, model, j);
            draw_positions(picture, model, j);
            draw_orders(picture, model, j, whole);
        }
    }
    for (int i = 0; i < model->instruments.count; i++)
        draw_instrument(picture, model, i);
    for (int i = 0; i < model->ledgers.count; i++)
        draw_ledger(picture, model, &model->ledgers.at[i]);
}
