/* One trade after another: whom an order meets, and what both sides' accounts and portfolios make of it. */
#include "process/trade.h"

#include "account/decide.h"
#include "base/sum.h"
#include "base/wide.h"
#include "market/decide.h"
#include "order/decide.h"
#include "portfolio/decide.h"
#include "process/placing.h"

/* One execution seen from one customer's order, worked out before anything is written. */
struct leg {
    uint32_t number;
    const struct order_record *order; /* in place: once the execution is written, only what never changes of it may be read */
    uint32_t lot;                     /* a sale that names one: its record */
    uint32_t holding;                 /* a buy: the position that it adds to, 0 when it is the first of its symbol */
    trading_decimal amount;           /* paid or received */
    trading_decimal held;             /* a buy: how much less is held after it */
};

struct trade {
    uint32_t instrument;
    trading_decimal quantity;
    trading_decimal price;
};

static bool is_sell(const struct leg *leg)
{
    return leg->order->side == TRADING_SIDE_SELL;
}

static struct leg leg_of(const struct process *process, uint32_t number, const struct order_record *order)
{
    struct leg leg = {.number = number, .order = order};
    if (order->lot)
        leg.lot = order_get(&process->domain->orders, order->lot)->bought;
    return leg;
}

/* A sale out of very many lots is executed in steps of PROCESS_PIECES of them; a guest's, at its home. */
static void limit_pieces(const struct process *process, const struct leg *leg, struct trade *trade)
{
    if (is_sell(leg) && !order_is_guest(leg->order))
        trade->quantity =
            portfolio_disposable(&process->domain->portfolios, leg->order->holding, leg->lot, trade->quantity, PROCESS_PIECES);
}

static uint32_t holding_of(const struct process *process, const struct order_record *order)
{
    return order->holding ? order->holding : holding_find(&process->domain->portfolios, order->portfolio, order->instrument);
}

static trading_decimal room_of(const struct domain *domain, uint32_t account)
{
    return account_room(&domain->accounts, account, account_get(&domain->accounts, account));
}

/* Works out what the leg pays or receives. False when a sum would pass the range of a decimal; the order must then end. */
static bool work_out(const struct process *process, const struct trade *trade, struct leg *leg)
{
    const struct domain *domain = process->domain;
    const struct order_record *order = leg->order;
    if (!order_consideration(order, trade->quantity, trade->price, &leg->amount))
        return false;
    if (order_is_guest(order))
        return true;
    if (is_sell(leg))
        return leg->amount <= room_of(domain, order->account) &&
               portfolio_can_dispose(&domain->portfolios, order->holding, leg->amount);
    trading_decimal hold;
    if (!order_hold(order, trade->quantity, trade->price, leg->amount, &hold))
        return false;
    leg->held = order->held - hold;
    leg->holding = holding_of(process, order);
    return portfolio_can_acquire(&domain->portfolios, order->portfolio, leg->holding, trade->quantity, leg->amount);
}

/* ---- writing it down ---- */

/* A guest's home is told; its money and shares go there. */
__attribute__((cold)) static void emit_guest_execution(struct process *process, const struct trade *trade,
                                                       const struct leg *leg, const struct leg *counter)
{
    struct event event = {.kind = TRADING_EVENT_GUEST_EXECUTED, .number = leg->number, .to = leg->order->partition};
    event.order = (struct order_event){.order = leg->number,
                                       .id = leg->order->id,
                                       .counter_id = counter ? counter->order->id : (trading_id){{0}},
                                       .quantity = trade->quantity,
                                       .price = trade->price,
                                       .amount = leg->amount,
                                       .rounding = counter && is_sell(leg) ? counter->amount - leg->amount : 0};
    process_emit(process, &event);
}

/* counter: the other side's leg; NULL: the house. */
static void emit_execution(struct process *process, const struct trade *trade, const struct leg *leg, const struct leg *counter)
{
    if (order_is_guest(leg->order)) {
        emit_guest_execution(process, trade, leg, counter);
        return;
    }
    struct event event = {.kind = TRADING_EVENT_ORDER_EXECUTED, .number = leg->number};
    event.order = (struct order_event){.order = leg->number,
                                       .counter = counter ? counter->number : 0,
                                       .quantity = trade->quantity,
                                       .price = trade->price,
                                       .amount = leg->amount};
    process_emit(process, &event);
}

/* The house is the other side: by its quote, or between the order and a venue outside. */
__attribute__((cold)) static void emit_house(struct process *process, uint32_t kind, const struct trade *trade,
                                             const struct leg *leg)
{
    struct event event = {.kind = kind, .number = trade->instrument};
    event.market = (struct market_event){.instrument = trade->instrument,
                                         .order = leg->number,
                                         .side = side_opposite(leg->order->side),
                                         .quantity = trade->quantity,
                                         .price = trade->price,
                                         .amount = leg->amount};
    process_emit(process, &event);
}

static void settle_buy(struct process *process, const struct trade *trade, const struct leg *leg)
{
    struct event paid = {.kind = TRADING_EVENT_FUNDS_PAID, .number = leg->order->account};
    paid.account =
        (struct account_event){.account = leg->order->account, .order = leg->number, .amount = leg->amount, .held = leg->held};
    process_emit(process, &paid);
    struct event acquired = {.kind = TRADING_EVENT_LOT_ACQUIRED, .number = leg->order->portfolio};
    acquired.portfolio = (struct portfolio_event){.portfolio = leg->order->portfolio,
                                                  .order = leg->number,
                                                  .holding = leg->holding,
                                                  .quantity = trade->quantity,
                                                  .amount = leg->amount};
    process_emit(process, &acquired);
}

static void emit_disposal(struct process *process, const struct leg *leg, const struct piece *piece, trading_decimal proceeds)
{
    struct event disposed = {.kind = TRADING_EVENT_LOT_DISPOSED, .number = leg->order->portfolio};
    disposed.portfolio = (struct portfolio_event){.portfolio = leg->order->portfolio,
                                                  .order = leg->number,
                                                  .lot = piece->lot,
                                                  .lot_number = piece->number,
                                                  .quantity = piece->quantity,
                                                  .amount = proceeds,
                                                  .cost = piece->cost};
    process_emit(process, &disposed);
}

static void settle_sell(struct process *process, const struct trade *trade, const struct leg *leg, trading_decimal rounding)
{
    struct event received = {.kind = TRADING_EVENT_FUNDS_RECEIVED, .number = leg->order->account};
    received.account = (struct account_event){
        .account = leg->order->account, .order = leg->number, .amount = leg->amount, .rounding = rounding};
    process_emit(process, &received);

    const struct portfolios *portfolios = &process->domain->portfolios;
    trading_decimal shares = trade->quantity;
    trading_decimal proceeds = leg->amount;
    while (shares > 0 && !process->broken) {
        struct piece piece = portfolio_next_piece(portfolios, leg->order->holding, leg->lot, shares);
        trading_decimal part = proceeds; /* the last piece takes the remainder */
        if (piece.quantity == 0)
            process->broken = "a sale was executed without the shares for it";
        else if (piece.quantity < shares)
            decimal_share(proceeds, piece.quantity, shares, &part);
        emit_disposal(process, leg, &piece, part);
        shares -= piece.quantity;
        proceeds -= part;
    }
}

/* A guest's home does it. */
static void settle(struct process *process, const struct trade *trade, const struct leg *leg, trading_decimal rounding)
{
    if (order_is_guest(leg->order))
        return;
    if (is_sell(leg))
        settle_sell(process, trade, leg, rounding);
    else
        settle_buy(process, trade, leg);
}

static void trade_with_house(struct process *process, const struct trade *trade, const struct leg *leg)
{
    emit_execution(process, trade, leg, NULL);
    emit_house(process, TRADING_EVENT_QUOTE_TAKEN, trade, leg);
    settle(process, trade, leg, 0);
}

/* The buyer first: clearing has then received what it pays out. What the two roundings differ by is the house's. */
static void trade_with_customer(struct process *process, const struct trade *trade, const struct leg *taker,
                                const struct leg *maker)
{
    const struct leg *buyer = is_sell(taker) ? maker : taker;
    const struct leg *seller = is_sell(taker) ? taker : maker;
    bool away = order_is_guest(buyer->order) && order_is_guest(seller->order); /* perhaps of one home, which settles in turn */
    const struct leg *first = away ? buyer : taker;
    const struct leg *second = away ? seller : maker;
    emit_execution(process, trade, first, second);
    emit_execution(process, trade, second, first);
    settle(process, trade, buyer, 0);
    settle(process, trade, seller, buyer->amount - seller->amount);
}

/* ---- executions of orders that are away ---- */

/* The house trades in the stead of an order that cannot: what is executed in another partition is so for good. What a venue outside executed
 * was accepted because all of it fits (trade_fits), and its pieces need no more room than the whole. */
__attribute__((cold)) static void take_over(struct process *process, const struct work *work)
{
    struct order_record order = *order_get(&process->domain->orders, work->order);
    if (order_is_outside(&order)) {
        process->broken = "an execution at a venue outside cannot be booked, though it was accepted";
        return;
    }
    if (order_leaves(&order) > 0) {
        order_cancel(process, work->order);
        order_end(process, work->order, TRADING_EVENT_ORDER_CANCELED);
    }
    struct event taken = {.kind = TRADING_EVENT_TRADE_TAKEN_OVER, .number = order.instrument};
    taken.market = (struct market_event){.instrument = order.instrument,
                                         .order = work->order,
                                         .side = order.side,
                                         .quantity = work->quantity,
                                         .price = work->price,
                                         .amount = work->amount};
    process_emit(process, &taken);
}

__attribute__((cold)) static void book_execution(struct process *process, const struct trade *trade, const struct leg *leg,
                                                 const trading_id *counter)
{
    struct event event = {.kind = TRADING_EVENT_ORDER_EXECUTED, .number = leg->number};
    event.order = (struct order_event){.order = leg->number,
                                       .counter_id = *counter,
                                       .quantity = trade->quantity,
                                       .price = trade->price,
                                       .amount = leg->amount};
    process_emit(process, &event);
    if (order_is_outside(leg->order))
        emit_house(process, TRADING_EVENT_VENUE_TRADED, trade, leg);
    settle(process, trade, leg, 0);
}

bool trade_fits(const struct process *process, struct work *work)
{
    struct leg leg = leg_of(process, work->order, order_get(&process->domain->orders, work->order));
    struct trade trade = {.instrument = leg.order->instrument, .quantity = work->quantity, .price = work->price};
    bool fits = work_out(process, &trade, &leg);
    work->amount = leg.amount;
    return fits;
}

bool trade_settle(struct process *process, struct work *work)
{
    const struct order_record *order = order_get(&process->domain->orders, work->order);
    while (work->quantity > 0 && !process->broken) {
        if (!process_has_room(process))
            return false;
        struct leg leg = leg_of(process, work->order, order);
        struct trade trade = {.instrument = leg.order->instrument, .quantity = work->quantity, .price = work->price};
        if (order_leaves(leg.order) > 0)
            limit_pieces(process, &leg, &trade);
        if (order_leaves(leg.order) == 0 || !work_out(process, &trade, &leg)) {
            take_over(process, work);
            return true;
        }
        book_execution(process, &trade, &leg, &work->counter);
        work->quantity -= trade.quantity;
        work->amount -= leg.amount;
    }
    if (work->amount != 0 && !process->broken)
        process->broken = "an execution in another partition has another consideration than its order makes it";
    return true;
}

/* ---- matching ---- */

/* One step: a trade, or the end of an order that cannot trade. */
static void step(struct process *process, uint32_t number, const struct order_record *order, const struct match *match)
{
    struct leg taker = leg_of(process, number, order);
    struct leg maker = leg_of(process, match->order, order_get(&process->domain->orders, match->order));
    struct trade trade = {.instrument = taker.order->instrument, .quantity = order_leaves(taker.order), .price = match->price};
    if (match->quantity < trade.quantity)
        trade.quantity = match->quantity;
    limit_pieces(process, &taker, &trade);
    if (maker.number)
        limit_pieces(process, &maker, &trade);

    if (!work_out(process, &trade, &taker))
        order_end(process, taker.number, TRADING_EVENT_ORDER_CANCELED);
    else if (maker.number && !work_out(process, &trade, &maker))
        order_end(process, maker.number, TRADING_EVENT_ORDER_CANCELED);
    else if (maker.number)
        trade_with_customer(process, &trade, &taker, &maker);
    else
        trade_with_house(process, &trade, &taker);
}

/* What is left when nobody trades with it any more. */
static void rest_or_cancel(struct process *process, uint32_t number, const struct order_record *order)
{
    trading_decimal leaves = order_leaves(order);
    if (leaves == 0)
        return;
    bool rests = order->time_in_force != TRADING_TIME_IN_FORCE_IOC &&
                 market_can_rest(&process->domain->market, order->instrument, order->side, order->limit, leaves);
    if (!rests) {
        order_end(process, number, TRADING_EVENT_ORDER_CANCELED);
        return;
    }
    struct event rested = {.kind = TRADING_EVENT_ORDER_RESTED, .number = number};
    rested.order = (struct order_event){.order = number, .quantity = leaves};
    process_emit(process, &rested);
}

bool trade_order(struct process *process, uint32_t number)
{
    const struct order_record *order = order_get(&process->domain->orders, number);
    for (;;) {
        if (order_leaves(order) == 0)
            return true;
        struct match match = market_next_match(&process->domain->market, order->instrument, order->side, order->limit);
        if (!process_has_room(process))
            return false;
        if (match.quantity == 0) {
            rest_or_cancel(process, number, order);
            return true;
        }
        table_prefetch(process->domain->orders.records, match.next);
        step(process, number, order, &match);
    }
}

/* The house takes what rests, at its price. */
__attribute__((cold)) static void step_quote(struct process *process, uint32_t instrument, const struct match *match)
{
    struct leg leg = leg_of(process, match->order, order_get(&process->domain->orders, match->order));
    struct trade trade = {.instrument = instrument, .quantity = match->quantity, .price = match->price};
    limit_pieces(process, &leg, &trade);
    if (work_out(process, &trade, &leg))
        trade_with_house(process, &trade, &leg);
    else
        order_end(process, leg.number, TRADING_EVENT_ORDER_CANCELED);
}

bool trade_quote(struct process *process, uint32_t instrument)
{
    for (int32_t side = TRADING_SIDE_BUY; side <= TRADING_SIDE_SELL; side++) {
        struct match match;
        while ((match = market_next_crossed(&process->domain->market, instrument, side)).quantity) {
            if (!process_has_room(process))
                return false;
            step_quote(process, instrument, &match);
        }
    }
    return true;
}
