/* Orders, what is reserved for them, and the books that they rest in. */
#include "engine/audit.h"

/* ---- lists of orders ---- */

static bool check_history(struct audit *audit, uint32_t portfolio, const struct desk_record *desk, uint32_t *met)
{
    const struct orders *orders = &audit->domain->orders;
    for (uint32_t number = desk->newest; number && *met <= table_count(orders->records); ++*met) {
        const struct order_record *order = order_get(orders, number);
        if (order->portfolio != portfolio || order->older >= number)
            return audit_complain(audit, "order %u is in the list of another portfolio, or out of turn", number);
        number = order->older;
    }
    return true;
}

static bool check_open(struct audit *audit, uint32_t portfolio, const struct desk_record *desk, uint32_t *met)
{
    const struct orders *orders = &audit->domain->orders;
    uint32_t before = 0;
    uint32_t open = 0;
    for (uint32_t at = desk->first_open; at && open <= desk->open; open++) {
        const struct resting_record *resting = resting_get(orders, at);
        const struct order_record *order = order_get(orders, resting->order);
        if (order->portfolio != portfolio || resting->previous_open != before || order->entry != at || order_leaves(order) == 0)
            return audit_complain(audit, "order %u is in its portfolio's list of resting orders, and does not rest",
                                  resting->order);
        before = at;
        at = resting->next_open;
    }
    *met += open;
    return (open == desk->open && before == desk->last_open) ||
           audit_complain(audit, "the open orders of portfolio %u are not as many as it says", portfolio);
}

static bool check_day(struct audit *audit, uint32_t expected)
{
    const struct orders *orders = &audit->domain->orders;
    const struct session_record *session = table_get(orders->session, 1);
    uint32_t before = 0;
    uint32_t met = 0;
    for (uint32_t at = session->first_day; at && met <= expected; met++) {
        const struct resting_record *resting = resting_get(orders, at);
        const struct order_record *order = order_get(orders, resting->order);
        if (order->entry != at || order->time_in_force != TRADING_TIME_IN_FORCE_DAY || resting->previous_day != before)
            return audit_complain(audit, "order %u is in the list of day orders, and is none that rests", resting->order);
        before = at;
        at = resting->next_day;
    }
    return (met == expected && before == session->last_day) ||
           audit_complain(audit, "the list of day orders does not hold all that rest");
}

/* A place in the book that nothing rests in is no order's. */
static bool check_resting(struct audit *audit, uint32_t expected)
{
    const struct orders *orders = &audit->domain->orders;
    uint32_t count = table_count(orders->resting);
    uint32_t resting = 0;
    for (uint32_t number = 1; number <= count; number++)
        resting += resting_get(orders, number)->order != 0;
    return (resting == expected && count == table_count(audit->domain->market.entries)) ||
           audit_complain(audit, "the places of resting orders are not those of the books");
}

static bool is_strange(const struct audit *audit, uint32_t portfolio)
{
    return domain_is_stranger(audit->domain, &portfolio_get(&audit->domain->portfolios, portfolio)->id);
}

/* Whether the order was this partition's, as its home or its book, until that was split. */
static bool is_gone(const struct audit *audit, const struct order_record *order)
{
    return order_is_guest(order) ? instrument_is_away(instrument_get(&audit->domain->market, order->instrument))
                                 : domain_is_stranger(audit->domain, &order->id);
}

/* One order by itself. An open order rests or is away, unless it is the one that goes on matching in the next commit. */
static bool check_order(struct audit *audit, uint32_t number)
{
    const struct order_record *order = order_get(&audit->domain->orders, number);
    bool open = order_leaves(order) > 0;
    bool goes_on = domain_mark(audit->domain)->work.order == number;
    bool full = order->status == TRADING_ORDER_STATUS_FILLED;
    if (is_gone(audit, order))
        return order->entry == 0 || audit_complain(audit, "order %u rests, and is in another partition", number);
    if (order->filled < 0 || order->filled > order->quantity || full != (order->filled == order->quantity))
        return audit_complain(audit, "order %u is filled otherwise than its status says", number);
    if (open ? !order->entry && !goes_on : order->entry != 0)
        return audit_complain(audit, "order %u is open and does not rest, or rests and is not open", number);
    const struct lot_record *lot = lot_get(&audit->domain->portfolios, order->bought);
    bool bought = order->side == TRADING_SIDE_BUY && order->filled > 0 && !order_is_guest(order);
    if (bought != (order->bought != 0) || (bought && (lot->order != number || lot->holding != order->holding)))
        return audit_complain(audit, "order %u did not buy the lot that it says it bought", number);
    return true;
}

bool audit_orders(struct audit *audit)
{
    const struct orders *orders = &audit->domain->orders;
    uint32_t resting = 0;
    uint32_t open = 0; /* of them, in the lists of portfolios */
    uint32_t day = 0;
    uint32_t others = 0; /* in no portfolio's list here */
    for (uint32_t number = 1; number <= table_count(orders->records); number++) {
        const struct order_record *order = order_get(orders, number);
        if (!check_order(audit, number))
            return false;
        others += order_is_guest(order) || is_gone(audit, order);
        resting += order->entry != 0;
        open += order->entry != 0 && !order_is_guest(order);
        day += order->entry != 0 && !order_is_away(order) && order->time_in_force == TRADING_TIME_IN_FORCE_DAY;
    }
    uint32_t met = 0;
    uint32_t met_open = 0;
    for (uint32_t number = 1; number <= table_count(orders->desks); number++) {
        const struct desk_record *desk = desk_get(orders, number);
        if (is_strange(audit, number))
            continue;
        if (!check_history(audit, number, desk, &met) || !check_open(audit, number, desk, &met_open))
            return false;
    }
    if (met + others != table_count(orders->records) || met_open != open)
        return audit_complain(audit, "an order is in no portfolio's list");
    return check_day(audit, day) && check_resting(audit, resting);
}

/* ---- reservations ---- */

/* What open sells have reserved, by position and by lot. */
struct reservations {
    struct wide_sum *holdings;
    struct wide_sum *lots;
};

static bool sum_reservations(struct audit *audit, struct reservations *reserved)
{
    const struct orders *orders = &audit->domain->orders;
    const struct portfolios *portfolios = &audit->domain->portfolios;
    for (uint32_t number = 1; number <= table_count(orders->records); number++) {
        const struct order_record *order = order_get(orders, number);
        trading_decimal leaves = order_leaves(order);
        if (order->side != TRADING_SIDE_SELL || leaves == 0 || order_is_guest(order))
            continue;
        uint32_t holding = holding_find(portfolios, order->portfolio, order->instrument);
        uint32_t lot = order->lot ? order_get(orders, order->lot)->bought : 0;
        if (!holding || order->holding != holding || (order->lot && !lot))
            return audit_complain(audit, "order %u sells what its portfolio never had", number);
        wide_sum_add(&reserved->holdings[holding], leaves);
        if (lot)
            wide_sum_add(&reserved->lots[lot], leaves);
    }
    return true;
}

static bool compare_reservations(struct audit *audit, const struct reservations *reserved)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    for (uint32_t number = 1; number <= table_count(portfolios->holdings); number++) {
        const struct holding_record *holding = holding_get(portfolios, number);
        if (is_strange(audit, holding->portfolio))
            continue;
        if (wide_sum_get(&reserved->holdings[number]) != holding->reserved || holding->reserved > holding->quantity)
            return audit_complain(audit, "position %u of portfolio %u has other shares reserved than its open sells", number,
                                  holding->portfolio);
    }
    for (uint32_t number = 1; number <= table_count(portfolios->lots); number++) {
        const struct lot_record *lot = lot_get(portfolios, number);
        if (is_strange(audit, holding_get(portfolios, lot->holding)->portfolio))
            continue;
        if (wide_sum_get(&reserved->lots[number]) != lot->reserved)
            return audit_complain(audit, "lot %u has other shares reserved than the sells that name it", number);
    }
    return true;
}

bool audit_reservations(struct audit *audit)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    struct reservations reserved;
    reserved.holdings = audit_sums(audit, portfolios->holdings, sizeof *reserved.holdings);
    reserved.lots = audit_sums(audit, portfolios->lots, sizeof *reserved.lots);
    bool sound =
        reserved.holdings && reserved.lots && sum_reservations(audit, &reserved) && compare_reservations(audit, &reserved);
    audit_sums_close(audit, portfolios->holdings, reserved.holdings, sizeof *reserved.holdings);
    audit_sums_close(audit, portfolios->lots, reserved.lots, sizeof *reserved.lots);
    return sound;
}

/* ---- books ---- */

/* What a walk over all books has met. */
struct met {
    uint32_t levels;
    uint32_t entries;
};

/* One price: its queue against the orders in it. */
static bool check_level(struct audit *audit, uint32_t instrument, int32_t side, uint32_t number, struct met *met)
{
    const struct market *market = &audit->domain->market;
    const struct level_record *level = level_get(market, number);
    struct wide_sum quantity = {0};
    uint32_t before = 0;
    uint32_t orders = 0;
    for (uint32_t at = level->first; orders < level->orders && before != level->last; orders++) {
        const struct entry_record *entry = entry_get(market, at);
        const struct order_record *order = order_get(&audit->domain->orders, entry->order);
        bool sound = entry->level == number && (orders == 0 || entry->previous == before) && order->entry == at &&
                     order->instrument == instrument && order->side == side && order->limit == level->price &&
                     order_leaves(order) == entry->leaves;
        if (!sound)
            return audit_complain(audit, "entry %u of a book is not what order %u has open there", at, entry->order);
        wide_sum_add(&quantity, entry->leaves);
        before = at;
        at = entry->next;
    }
    met->entries += orders;
    bool sound = orders == level->orders && before == level->last && wide_sum_get(&quantity) == level->quantity;
    return sound || audit_complain(audit, "level %u of a book is not the sum of its entries", number);
}

/* The levels without an order, from the one that was emptied first. */
static bool check_vacant(struct audit *audit, const struct book_side *side, uint32_t vacant)
{
    const struct market *market = &audit->domain->market;
    uint32_t before = 0;
    uint32_t listed = 0;
    for (uint32_t at = side->longest; at && listed <= vacant; listed++) {
        const struct level_record *level = level_get(market, at);
        if (level->orders || level->quantity || level->first != before)
            return audit_complain(audit, "level %u of a book is listed as vacant and is not", at);
        before = at;
        at = level->last;
    }
    bool sound = listed == vacant && side->vacant == vacant && side->latest == before && vacant <= BOOK_VACANT;
    return sound || audit_complain(audit, "not all vacant levels of a book are listed, or too many are kept");
}

/* The best level of all, vacant or not; 0: there is none. */
static uint32_t top_of(const struct market *market, const struct book_side *side)
{
    uint32_t top = side->best ? side->best : side->longest;
    for (uint32_t steps = table_count(market->levels); steps && level_get(market, top)->better; steps--)
        top = level_get(market, top)->better;
    return top;
}

static bool check_place(struct audit *audit, uint32_t instrument, int32_t side, uint32_t at, uint32_t before)
{
    const struct market *market = &audit->domain->market;
    const struct level_record *level = level_get(market, at);
    trading_decimal step = before ? level->price - level_get(market, before)->price : 0;
    bool in_order = !before || (side == TRADING_SIDE_BUY ? step < 0 : step > 0);
    bool sound = in_order && level->better == before && level->book == book_of(instrument, side) &&
                 book_find(market, instrument, side, level->price) == at;
    return sound || audit_complain(audit, "level %u of a book is out of order", at);
}

static bool check_side(struct audit *audit, uint32_t instrument, int32_t side, struct met *met)
{
    const struct market *market = &audit->domain->market;
    const struct book_side *of = &instrument_get(market, instrument)->sides[side_index(side)];
    uint32_t before = 0;
    uint32_t best = 0;
    uint32_t vacant = 0;
    for (uint32_t at = top_of(market, of); at; met->levels++) {
        if (!check_place(audit, instrument, side, at, before))
            return false;
        const struct level_record *level = level_get(market, at);
        if (level->orders && !check_level(audit, instrument, side, at, met))
            return false;
        vacant += level->orders == 0;
        best = !best && level->orders ? at : best;
        before = at;
        at = level->worse;
    }
    if (best != of->best)
        return audit_complain(audit, "level %u of a book is not its best", of->best);
    return check_vacant(audit, of, vacant);
}

/* What customers would trade with each other at is traded, unless that goes on in the next commit. */
static bool check_crossing(struct audit *audit, uint32_t number)
{
    const struct market *market = &audit->domain->market;
    const struct instrument_record *instrument = instrument_get(market, number);
    uint32_t buy = instrument->sides[side_index(TRADING_SIDE_BUY)].best;
    uint32_t sell = instrument->sides[side_index(TRADING_SIDE_SELL)].best;
    bool waits = domain_mark(audit->domain)->work.kind != WORK_NONE;
    if (!buy || !sell || waits || level_get(market, buy)->price < level_get(market, sell)->price)
        return true;
    return audit_complain(audit, "the book of %.16s is crossed", instrument->symbol.text);
}

/* Levels and entries that are in no book are free. */
static bool check_free(struct audit *audit, struct met met)
{
    const struct market *market = &audit->domain->market;
    const struct exchange_record *exchange = table_get(market->exchange, 1);
    for (uint32_t at = exchange->free_level; at && met.levels <= table_count(market->levels); met.levels++)
        at = level_get(market, at)->worse;
    for (uint32_t number = 1; number <= table_count(market->entries); number++) {
        const struct entry_record *entry = entry_get(market, number);
        met.entries += entry->order && !entry->level; /* of an order that is away */
    }
    for (uint32_t at = exchange->free_entry; at && met.entries <= table_count(market->entries); met.entries++)
        at = entry_get(market, at)->next;
    return (met.levels == table_count(market->levels) && met.entries == table_count(market->entries)) ||
           audit_complain(audit, "a level or an entry is in no book and not free");
}

bool audit_books(struct audit *audit)
{
    struct met met = {0};
    for (uint32_t number = 1; number <= table_count(audit->domain->market.instruments); number++) {
        if (!check_side(audit, number, TRADING_SIDE_BUY, &met) || !check_side(audit, number, TRADING_SIDE_SELL, &met) ||
            !check_crossing(audit, number))
            return false;
    }
    return check_free(audit, met);
}
