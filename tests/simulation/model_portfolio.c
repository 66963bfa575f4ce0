/* Shares: positions, lots, what is reserved of them, what they cost. */
#include "simulation/model_inside.h"

enum { LOTS_AT_ONCE = 128, NO_ORDER = -1 };

struct model_position *model_position(struct model *model, int portfolio, int instrument)
{
    for (int i = 0; i < model->positions.count; i++) {
        struct model_position *position = &model->positions.at[i];
        if (position->portfolio == portfolio && position->instrument == instrument)
            return position;
    }
    return NULL;
}

wide model_cost(const struct model *model, int portfolio)
{
    wide cost = 0;
    for (int i = 0; i < model->lots.count; i++)
        cost += model->lots.at[i].portfolio == portfolio ? model->lots.at[i].cost : 0;
    return cost;
}

wide model_realized(const struct model *model, int portfolio)
{
    wide realized = 0;
    for (int i = 0; i < model->positions.count; i++)
        realized += model->positions.at[i].portfolio == portfolio ? model->positions.at[i].realized : 0;
    return realized;
}

struct model_lot *model_lot(struct model *model, int order)
{
    for (int i = 0; i < model->lots.count; i++)
        if (model->lots.at[i].order == order)
            return &model->lots.at[i];
    return NULL;
}

/* The lot that a sell names, if the portfolio holds it. */
static struct model_lot *held_lot(struct model *model, int portfolio, int64_t name)
{
    int order = model_find_order(model, name);
    struct model_lot *lot = order >= 0 ? model_lot(model, order) : NULL;
    return lot && lot->portfolio == portfolio && lot->quantity > 0 ? lot : NULL;
}

struct model_refusal model_check_shares(struct model *model, int portfolio, const struct model_command *command)
{
    if (command->lot) {
        const struct model_lot *lot = held_lot(model, portfolio, command->lot);
        if (!lot)
            return model_refuse(TRADING_REASON_UNKNOWN_LOT);
        if (!model_same_symbol(&model->instruments.at[lot->instrument].symbol, &command->symbol))
            return model_refuse(TRADING_REASON_LOT_OF_OTHER_SYMBOL);
        int64_t free_in_lot = lot->quantity - lot->reserved;
        if (free_in_lot < command->quantity)
            return model_refuse_amounts(TRADING_REASON_LOT_TOO_SMALL, command->quantity, free_in_lot);
    }
    const struct model_position *position = model_position(model, portfolio, model_find_instrument(model, &command->symbol));
    int64_t unreserved = position ? position->quantity - position->reserved : 0;
    if (unreserved < command->quantity)
        return model_refuse_amounts(TRADING_REASON_INSUFFICIENT_SHARES, command->quantity, unreserved);
    return MODEL_AGREED;
}

static void change_reservation(struct model *model, int index, int64_t quantity)
{
    struct model_order *order = &model->orders.at[index];
    int instrument = model_find_instrument(model, &order->symbol);
    model_position(model, order->portfolio, instrument)->reserved += quantity;
    if (order->lot)
        model_lot(model, model_find_order(model, order->lot))->reserved += quantity;
    order->held += quantity;
}

void model_reserve(struct model *model, int order, int64_t quantity)
{
    change_reservation(model, order, quantity);
}

void model_release(struct model *model, int order, int64_t quantity)
{
    change_reservation(model, order, -quantity);
}

void model_acquire(struct model *model, int index, int64_t quantity, int64_t cost)
{
    const struct model_order *order = &model->orders.at[index];
    int instrument = model_find_instrument(model, &order->symbol);
    struct model_position *position = model_position(model, order->portfolio, instrument);
    if (!position) {
        MODEL_ADD(model->positions, (struct model_position){.portfolio = order->portfolio, .instrument = instrument});
        position = &model->positions.at[model->positions.count - 1];
    }
    position->quantity += quantity;
    struct model_lot *lot = model_lot(model, index);
    if (lot &&
        lot->quantity == 0) { /* sold out, and bought again by what is left of its order: it begins anew, as the newest */
        *lot = (struct model_lot){.order = NO_ORDER};
        lot = NULL;
    }
    if (!lot) {
        MODEL_ADD(model->lots,
                  (struct model_lot){
                      .order = index, .portfolio = order->portfolio, .instrument = instrument, .acquired = model->now});
        lot = &model->lots.at[model->lots.count - 1];
    }
    lot->quantity += quantity;
    lot->cost += cost;
}

/* Takes a piece of a lot. @return what it cost: its share, half to even; all that is left when it is the last. */
static int64_t take_piece(struct model_lot *lot, int64_t piece)
{
    int64_t cost = (int64_t)model_divide((wide)lot->cost * piece, lot->quantity);
    if (piece == lot->quantity)
        cost = lot->cost;
    lot->quantity -= piece;
    lot->cost -= cost;
    return cost;
}

/* What an order may take of a lot: of the one it names all, for its own share was reserved there; of the others what no order has
 * reserved by name. */
static int64_t takeable(const struct model *model, const struct model_order *order, const struct model_lot *lot)
{
    if (lot->quantity == 0 || lot->portfolio != order->portfolio ||
        !model_same_symbol(&model->instruments.at[lot->instrument].symbol, &order->symbol))
        return 0;
    if (order->lot)
        return model->orders.at[lot->order].name == order->lot ? lot->quantity : 0;
    return lot->quantity - lot->reserved;
}

int64_t model_sellable_at_once(const struct model *model, int order)
{
    wide quantity = 0;
    int lots = 0;
    for (int i = 0; i < model->lots.count && lots < LOTS_AT_ONCE; i++) {
        int64_t piece = takeable(model, &model->orders.at[order], &model->lots.at[i]);
        quantity += piece;
        lots += piece > 0;
    }
    return quantity > TRADING_DECIMAL_MAX ? TRADING_DECIMAL_MAX : (int64_t)quantity;
}

void model_dispose(struct model *model, int index, int64_t quantity, int64_t proceeds)
{
    const struct model_order *order = &model->orders.at[index];
    int instrument = model_find_instrument(model, &order->symbol);
    struct model_position *position = model_position(model, order->portfolio, instrument);
    int64_t cost = 0;
    int64_t left = quantity;
    for (int i = 0; i < model->lots.count && left > 0; i++) {
        int64_t most = takeable(model, order, &model->lots.at[i]);
        int64_t piece = most < left ? most : left;
        if (piece > 0)
            cost += take_piece(&model->lots.at[i], piece);
        left -= piece;
    }
    model_release(model, index, quantity);
    position->quantity -= quantity;
    position->realized += proceeds - cost;
}
