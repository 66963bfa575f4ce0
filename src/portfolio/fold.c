#include "base/hash.h"
#include "base/id.h"
#include "base/sum.h"
#include "portfolio/state.h"

static uint64_t holding_hash(uint32_t portfolio, uint32_t instrument)
{
    return hash_mix((uint64_t)portfolio << 32 | instrument);
}

/* ---- finding ---- */

uint32_t portfolio_find(const struct portfolios *portfolios, const trading_id *id)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(portfolios->by_id, id_hash(id), &cursor)) != 0) {
        if (id_equal(&portfolio_get(portfolios, number)->id, id))
            return number;
    }
    return 0;
}

enum table_read portfolio_read(const struct portfolios *portfolios, const trading_id *id, struct pin *pin, uint32_t *number,
                               struct portfolio_record *record)
{
    uint64_t cursor = 0;
    while ((*number = index_next(portfolios->by_id, id_hash(id), &cursor)) != 0) {
        enum table_read found = table_read(portfolios->records, *number, pin, record);
        if (found == TABLE_EXPIRED || (found == TABLE_FOUND && id_equal(&record->id, id)))
            return found;
    }
    return TABLE_ABSENT;
}

static bool is_holding(const struct holding_record *holding, uint32_t portfolio, uint32_t instrument)
{
    return holding->portfolio == portfolio && holding->instrument == instrument;
}

uint32_t holding_find(const struct portfolios *portfolios, uint32_t portfolio, uint32_t instrument)
{
    uint32_t first = portfolio_get(portfolios, portfolio)->first_holding;
    if (is_holding(holding_get(portfolios, first), portfolio, instrument))
        return first;
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(portfolios->holdings_by_symbol, holding_hash(portfolio, instrument), &cursor)) != 0) {
        if (is_holding(holding_get(portfolios, number), portfolio, instrument))
            return number;
    }
    return 0;
}

/* ---- opening ---- */

const char *portfolio_fold_account(struct portfolios *portfolios, uint32_t account)
{
    uint32_t number;
    if (table_append(portfolios->owners, &number) && number != account)
        return "an account was opened out of turn";
    return NULL;
}

__attribute__((cold)) static const char *open_portfolio(struct portfolios *portfolios, const struct portfolio_event *event,
                                                        const trading_id *id, struct moment at)
{
    uint32_t number;
    struct portfolio_record *record = table_append(portfolios->records, &number);
    if (!record)
        return NULL;
    if (number != event->portfolio || event->account == 0 || event->account > table_count(portfolios->owners))
        return "a portfolio was opened out of turn, or of no account";
    record->id = *id;
    record->account = event->account;
    record->status = TRADING_PORTFOLIO_OPEN;
    record->opened = at.time;
    record->last_position = at.position;
    record->version = 1;
    record->name_position = event->sealed_size ? at.position : POSITION_NONE;

    struct owner_record *owner = table_edit(portfolios->owners, event->account);
    if (owner->last) {
        struct portfolio_record *before = table_edit(portfolios->records, owner->last);
        before->next_of_account = number;
    } else {
        owner->first = number;
    }
    owner->last = number;
    owner->count++;
    owner->open++;
    index_insert(portfolios->by_id, id_hash(id), number);
    return NULL;
}

/* ---- holdings and lots ---- */

__attribute__((cold)) static uint32_t add_holding(struct portfolios *portfolios, struct portfolio_record *portfolio,
                                                  const struct portfolio_event *event)
{
    uint32_t number;
    struct holding_record *holding = table_append(portfolios->holdings, &number);
    if (!number)
        return 0;
    holding->portfolio = event->portfolio;
    holding->instrument = event->instrument;
    if (portfolio->last_holding) {
        struct holding_record *before = table_edit(portfolios->holdings, portfolio->last_holding);
        before->next_of_portfolio = number;
        index_insert(portfolios->holdings_by_symbol, holding_hash(event->portfolio, event->instrument), number);
    } else {
        portfolio->first_holding = number;
    }
    portfolio->last_holding = number;
    return number;
}

static uint32_t add_lot(struct portfolios *portfolios, uint32_t holding, uint32_t order)
{
    uint32_t number;
    struct lot_record *lot = table_append(portfolios->lots, &number);
    lot->holding = holding;
    lot->order = order;
    return number;
}

/* At the end of the list: it is the newest. A lot that was sold out while its order goes on filling begins anew. */
static void link_lot(struct portfolios *portfolios, struct holding_record *holding, uint32_t number, struct lot_record *lot,
                     trading_time now)
{
    lot->acquired = now;
    lot->previous = holding->last_lot;
    lot->next = 0;
    if (holding->last_lot) {
        struct lot_record *before = table_edit(portfolios->lots, holding->last_lot);
        before->next = number;
    } else {
        holding->first_lot = number;
    }
    holding->last_lot = number;
}

static void unlink_lot(struct portfolios *portfolios, struct holding_record *holding, struct lot_record *lot)
{
    if (lot->previous) {
        struct lot_record *before = table_edit(portfolios->lots, lot->previous);
        before->next = lot->next;
    } else {
        holding->first_lot = lot->next;
    }
    if (lot->next) {
        struct lot_record *after = table_edit(portfolios->lots, lot->next);
        after->previous = lot->previous;
    } else {
        holding->last_lot = lot->previous;
    }
    lot->next = lot->previous = 0;
}

/* The position that the event concerns, to change; NULL: it has none. */
static struct holding_record *edit_holding(struct portfolios *portfolios, struct portfolio_event *event)
{
    if (!event->holding)
        event->holding = holding_find(portfolios, event->portfolio, event->instrument);
    if (!event->holding)
        return NULL;
    struct holding_record *holding = table_edit(portfolios->holdings, event->holding);
    return is_holding(holding, event->portfolio, event->instrument) ? holding : NULL;
}

/* The lot that the event concerns, to change; NULL: it is not there. */
static struct lot_record *edit_lot(struct portfolios *portfolios, const struct portfolio_event *event)
{
    if (!event->lot || !event->lot_number)
        return NULL;
    struct lot_record *lot = table_edit(portfolios->lots, event->lot_number);
    return lot->order == event->lot && lot->holding == event->holding ? lot : NULL;
}

static const char *acquire(struct portfolios *portfolios, struct portfolio_record *portfolio, struct portfolio_event *event,
                           struct moment at)
{
    if (event->quantity <= 0)
        return "a purchase of nothing";
    struct holding_record *holding = edit_holding(portfolios, event);
    if (!holding) {
        event->holding = add_holding(portfolios, portfolio, event);
        holding = table_edit(portfolios->holdings, event->holding);
    }
    if (!event->lot_number)
        event->lot_number = add_lot(portfolios, event->holding, event->order);
    struct lot_record *lot = edit_lot(portfolios, event);
    if (!event->holding || !event->lot_number)
        return NULL; /* out of memory: the tables remember it, and the batch is discarded */
    if (!lot)
        return "an order bought into another lot than its own";
    if (lot->quantity == 0)
        link_lot(portfolios, holding, event->lot_number, lot, at.time);
    if (holding->quantity == 0)
        portfolio->held++;
    if (!sum_fits(holding->quantity, event->quantity) || !sum_fits(portfolio->cost_basis, event->amount))
        return "a position passed the range of a decimal";
    lot->quantity += event->quantity;
    lot->cost += event->amount;
    holding->quantity += event->quantity;
    holding->cost_basis += event->amount;
    portfolio->cost_basis += event->amount;
    portfolio->traded = sum_saturating(portfolio->traded, event->amount);
    return NULL;
}

static const char *dispose(struct portfolios *portfolios, struct portfolio_record *portfolio, struct portfolio_event *event)
{
    struct holding_record *holding = edit_holding(portfolios, event);
    struct lot_record *lot = edit_lot(portfolios, event);
    if (!holding || !lot || event->quantity <= 0)
        return "a sale disposes of shares that are not there";
    if (event->quantity > lot->quantity || event->cost > lot->cost)
        return "a sale disposes of more than its lot has";
    trading_decimal gain = event->amount - event->cost;
    if (!sum_fits(portfolio->realized, gain) || !sum_fits(holding->realized, gain))
        return "a realised profit passed the range of a decimal";
    lot->quantity -= event->quantity;
    lot->cost -= event->cost;
    holding->quantity -= event->quantity;
    holding->reserved -= event->quantity;
    holding->cost_basis -= event->cost;
    holding->realized += gain;
    if (event->named) {
        lot->reserved -= event->quantity;
        holding->lot_reserved -= event->quantity;
    }
    if (lot->quantity == 0)
        unlink_lot(portfolios, holding, lot);
    if (holding->quantity == 0)
        portfolio->held--;
    portfolio->cost_basis -= event->cost;
    portfolio->realized += gain;
    portfolio->traded = sum_saturating(portfolio->traded, event->amount);
    bool sound =
        holding->reserved >= 0 && lot->reserved >= 0 && lot->reserved <= lot->quantity && (lot->quantity || !lot->cost);
    return sound ? NULL : "a sale disposes of shares that were not reserved for it, or leaves cost without shares";
}

static const char *reserve(struct portfolios *portfolios, struct portfolio_event *event, trading_decimal quantity)
{
    struct holding_record *holding = edit_holding(portfolios, event);
    if (!holding || !sum_fits(holding->reserved, quantity))
        return "shares are reserved that are not there";
    holding->reserved += quantity;
    bool sound = holding->reserved >= 0 && holding->reserved <= holding->quantity;
    if (event->lot) {
        struct lot_record *lot = edit_lot(portfolios, event);
        if (!lot || !sum_fits(lot->reserved, quantity))
            return "shares of a lot are reserved that are not there";
        lot->reserved += quantity;
        holding->lot_reserved += quantity;
        sound = sound && lot->reserved >= 0 && lot->reserved <= lot->quantity;
    }
    return sound ? NULL : "more shares are reserved than there are, or fewer than none";
}

__attribute__((cold)) static const char *close(struct portfolios *portfolios, struct portfolio_record *portfolio)
{
    if (portfolio->status == TRADING_PORTFOLIO_CLOSED)
        return "a portfolio was closed twice";
    portfolio->status = TRADING_PORTFOLIO_CLOSED;
    struct owner_record *owner = table_edit(portfolios->owners, portfolio->account);
    owner->open--;
    return portfolio->held == 0 ? NULL : "a portfolio was closed that holds shares";
}

const char *portfolio_fold(struct portfolios *portfolios, uint32_t kind, struct portfolio_event *event, const trading_id *id,
                           struct moment *at)
{
    if (kind == TRADING_EVENT_PORTFOLIO_OPENED)
        return open_portfolio(portfolios, event, id, *at);
    if (event->portfolio == 0 || event->portfolio > table_count(portfolios->records))
        return "an event names a portfolio that is not there";
    struct portfolio_record *portfolio = table_edit(portfolios->records, event->portfolio);
    at->previous = portfolio->last_position;
    portfolio->last_position = at->position;
    portfolio->version++;
    switch (kind) {
    case TRADING_EVENT_SHARES_RESERVED:
        return reserve(portfolios, event, event->quantity);
    case TRADING_EVENT_SHARES_RELEASED:
        return reserve(portfolios, event, -event->quantity);
    case TRADING_EVENT_LOT_ACQUIRED:
        return acquire(portfolios, portfolio, event, *at);
    case TRADING_EVENT_LOT_DISPOSED:
        return dispose(portfolios, portfolio, event);
    case TRADING_EVENT_PORTFOLIO_CLOSING:
        portfolio->status = TRADING_PORTFOLIO_CLOSING;
        return NULL;
    default:
        return close(portfolios, portfolio);
    }
}

bool portfolios_index(struct portfolios *portfolios)
{
    uint32_t count = table_count(portfolios->records);
    bool room = index_expect(portfolios->by_id, count);
    for (uint32_t number = 1; room && number <= count; number++) {
        index_prefetch(portfolios->by_id, id_hash(&portfolio_get(portfolios, number + INDEX_AHEAD)->id));
        room = index_insert(portfolios->by_id, id_hash(&portfolio_get(portfolios, number)->id), number);
    }
    count = table_count(portfolios->holdings);
    for (uint32_t number = 1; room && number <= count; number++) {
        const struct holding_record *holding = holding_get(portfolios, number);
        if (portfolio_get(portfolios, holding->portfolio)->first_holding != number)
            room = index_insert(portfolios->holdings_by_symbol, holding_hash(holding->portfolio, holding->instrument), number);
    }
    return room;
}
