/* What views show of portfolios, their positions and lots.
 *
 * Holdings and the portfolios of an account are lists that only grow, so their cursors, the number of the record handed out last, stay
 * good in a view of the latest. A lot leaves its list when it is sold out; see skip_to_after. */
#include "base/error.h"
#include "base/sum.h"
#include "base/wide.h"
#include "engine/view.h"
#include "market/decide.h"
#include "portfolio/decide.h"

/* ---- positions ---- */

/* What a share is valued at: by the book of whatever partition has it. */
static trading_decimal mark_of(const struct sight *sight, const struct instrument_record *instrument)
{
    const trading_view *whole = sight->view->whole;
    if (!instrument_is_away(instrument) || !whole)
        return market_mark(instrument);
    const trading_view *part = whole->parts[instrument->partition - 1];
    struct instrument_record there;
    uint32_t number;
    bool found = instrument_read(&part->domain->market, &instrument->symbol, part->pin, &number, &there) == TABLE_FOUND;
    return found ? market_mark(&there) : 0;
}

static int32_t show_position(const struct sight *sight, const struct holding_record *holding, trading_position *out)
{
    struct instrument_record instrument;
    int32_t code = sight_read(sight, sight->domain->market.instruments, holding->instrument, &instrument);
    if (code)
        return code;
    trading_decimal mark = mark_of(sight, &instrument);
    trading_decimal value;
    if (!wide_product_round(wide_product(holding->quantity, mark), &value))
        return error_set(sight->error, TRADING_E_OVERFLOW, "the market value of the position in %.16s passes a decimal",
                         instrument.symbol.text);
    *out = (trading_position){.symbol = instrument.symbol,
                              .quantity = holding->quantity,
                              .reserved = holding->reserved,
                              .cost_basis = holding->cost_basis,
                              .mark = mark,
                              .market_value = value,
                              .realized_pnl = holding->realized,
                              .unrealized_pnl = value - holding->cost_basis};
    return TRADING_OK;
}

/* The first holding after the one that the cursor names; 0: there is none. */
static int32_t first_holding(const struct sight *sight, uint32_t portfolio, const struct portfolio_record *record,
                             uint64_t cursor, uint32_t *number)
{
    struct holding_record holding;
    *number = record->first_holding;
    if (cursor == 0)
        return TRADING_OK;
    if (cursor > table_installed(sight->domain->portfolios.holdings, sight->pin))
        return sight_bad_cursor(sight, cursor);
    int32_t code = sight_read(sight, sight->domain->portfolios.holdings, (uint32_t)cursor, &holding);
    if (code)
        return code;
    *number = holding.next_of_portfolio;
    return holding.portfolio == portfolio ? TRADING_OK : sight_bad_cursor(sight, cursor);
}

static int32_t list_positions(const struct sight *sight, const trading_id *id, uint64_t *cursor, trading_position *out,
                              size_t max, size_t *count)
{
    uint32_t portfolio;
    uint32_t number = 0;
    struct portfolio_record record;
    *count = 0;
    int32_t code = sight_portfolio(sight, id, &portfolio, &record);
    if (!code)
        code = first_holding(sight, portfolio, &record, *cursor, &number);
    while (!code && number && *count < max) {
        struct holding_record holding;
        code = sight_read(sight, sight->domain->portfolios.holdings, number, &holding);
        if (!code)
            code = show_position(sight, &holding, &out[*count]);
        if (code)
            break;
        *cursor = number;
        number = holding.next_of_portfolio;
        ++*count;
    }
    return code;
}

int32_t trading_view_positions(trading_view *view, const trading_id *portfolio, uint64_t *cursor, trading_position *out,
                               size_t max, size_t *count, trading_error *error)
{
    view = view_of_id(view, portfolio);
    struct sight sight;
    bool sound = portfolio && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a portfolio's id, a cursor, and room for at least one position", error);
    return code ? code : sight_end(&sight, list_positions(&sight, portfolio, cursor, out, max, count));
}

/* ---- portfolios ---- */

static int32_t add_market_value(const struct sight *sight, const struct portfolio_record *record, trading_portfolio *out)
{
    for (uint32_t number = record->first_holding; number;) {
        struct holding_record holding;
        trading_position position = {0};
        int32_t code = sight_read(sight, sight->domain->portfolios.holdings, number, &holding);
        if (!code)
            code = show_position(sight, &holding, &position);
        if (!code && !sum_fits(out->market_value, position.market_value))
            code = error_set(sight->error, TRADING_E_OVERFLOW, "the market value of the portfolio passes a decimal");
        if (code)
            return code;
        out->market_value += position.market_value;
        number = holding.next_of_portfolio;
    }
    out->unrealized_pnl = out->market_value - out->cost_basis;
    return TRADING_OK;
}

/* Orders that are New or Partially Filled. One that waits for the next commit to go on matching does not rest yet; it is the newest. */
static int32_t count_open(const struct sight *sight, uint32_t portfolio, uint32_t *open)
{
    struct desk_record desk = {0};
    struct order_record newest = {0};
    int32_t code = sight_read(sight, sight->domain->orders.desks, portfolio, &desk);
    if (!code && desk.newest)
        code = sight_read(sight, sight->domain->orders.records, desk.newest, &newest);
    *open = desk.open + (order_leaves(&newest) > 0 && !newest.entry);
    return code;
}

static int32_t show_portfolio(const struct sight *sight, const void *id, void *out)
{
    uint32_t number;
    struct portfolio_record record;
    struct account_record account;
    uint32_t open;
    int32_t code = sight_portfolio(sight, id, &number, &record);
    if (!code)
        code = sight_read(sight, sight->domain->accounts.records, record.account, &account);
    if (!code)
        code = count_open(sight, number, &open);
    if (code)
        return code;
    trading_portfolio shown = {.size = sizeof shown,
                               .status = (int32_t)record.status,
                               .id = record.id,
                               .account = account.id,
                               .loyalty = portfolio_loyalty(record.traded),
                               .currency = account.currency,
                               .position = sight->position,
                               .version = record.version,
                               .opened = record.opened,
                               .position_count = record.held,
                               .open_order_count = open,
                               .traded = record.traded,
                               .cost_basis = record.cost_basis,
                               .realized_pnl = record.realized};
    code = add_market_value(sight, &record, &shown);
    if (!code)
        *(trading_portfolio *)out = shown;
    return code;
}

int32_t trading_view_portfolio(trading_view *view, const trading_id *portfolio, trading_portfolio *out, trading_error *error)
{
    view = view_of_id(view, portfolio);
    bool sound = portfolio && out && out->size == sizeof *out;
    return sight_single(view, sound, "a portfolio's id, and a trading_portfolio with its size set", show_portfolio, portfolio,
                        out, error);
}

/* The account's first portfolio after the one that the cursor names; 0: there is none. */
static int32_t first_portfolio(const struct sight *sight, const trading_id *account, uint64_t cursor, uint32_t *number)
{
    const struct domain *domain = sight->domain;
    uint32_t owner_number;
    struct account_record record;
    struct owner_record owner;
    struct portfolio_record before;
    int32_t code = sight_account(sight, account, &owner_number, &record);
    if (code)
        return code;
    if (cursor == 0) {
        code = sight_read(sight, domain->portfolios.owners, owner_number, &owner);
        *number = code ? 0 : owner.first;
        return code;
    }
    if (cursor > table_installed(domain->portfolios.records, sight->pin))
        return sight_bad_cursor(sight, cursor);
    code = sight_read(sight, domain->portfolios.records, (uint32_t)cursor, &before);
    if (code)
        return code;
    *number = before.next_of_account;
    return before.account == owner_number ? TRADING_OK : sight_bad_cursor(sight, cursor);
}

static int32_t list_portfolios(const struct sight *sight, const trading_id *account, uint64_t *cursor, trading_id *out,
                               size_t max, size_t *count)
{
    uint32_t number = 0;
    *count = 0;
    int32_t code = first_portfolio(sight, account, *cursor, &number);
    while (!code && number && *count < max) {
        struct portfolio_record record;
        code = sight_read(sight, sight->domain->portfolios.records, number, &record);
        if (code)
            break;
        out[(*count)++] = record.id;
        *cursor = number;
        number = record.next_of_account;
    }
    return code;
}

int32_t trading_view_portfolios(trading_view *view, const trading_id *account, uint64_t *cursor, trading_id *out, size_t max,
                                size_t *count, trading_error *error)
{
    view = view_of_id(view, account);
    struct sight sight;
    bool sound = account && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "an account's id, a cursor, and room for at least one id", error);
    return code ? code : sight_end(&sight, list_portfolios(&sight, account, cursor, out, max, count));
}

/* ---- lots ---- */

/* Where a walk over the lots of a portfolio stands. */
struct lot_walk {
    uint32_t holding_number;
    struct holding_record holding;
    uint32_t number; /* of the next lot; 0: the holding has no more */
    struct lot_record lot;
};

static int32_t enter_holding(const struct sight *sight, struct lot_walk *walk, uint32_t number)
{
    walk->holding_number = number;
    walk->number = 0;
    if (number == 0)
        return TRADING_OK;
    int32_t code = sight_read(sight, sight->domain->portfolios.holdings, number, &walk->holding);
    walk->number = code ? 0 : walk->holding.first_lot;
    return code;
}

/* The lot handed out last was sold out since, and its list has forgotten it: goes on behind where it was. The list is in order of
 * acquisition; of lots acquired at the same moment, that of the higher number came later. */
static int32_t skip_to_after(const struct sight *sight, struct lot_walk *walk, uint32_t number, const struct lot_record *gone)
{
    while (walk->number) {
        int32_t code = sight_read(sight, sight->domain->portfolios.lots, walk->number, &walk->lot);
        if (code)
            return code;
        bool later = walk->lot.acquired > gone->acquired || (walk->lot.acquired == gone->acquired && walk->number > number);
        if (later)
            return TRADING_OK;
        walk->number = walk->lot.next;
    }
    return TRADING_OK;
}

static int32_t begin_lots(const struct sight *sight, uint32_t portfolio, const struct portfolio_record *record, uint64_t cursor,
                          struct lot_walk *walk)
{
    if (cursor == 0)
        return enter_holding(sight, walk, record->first_holding);
    if (cursor > table_installed(sight->domain->portfolios.lots, sight->pin))
        return sight_bad_cursor(sight, cursor);
    struct lot_record last;
    int32_t code = sight_read(sight, sight->domain->portfolios.lots, (uint32_t)cursor, &last);
    if (!code)
        code = enter_holding(sight, walk, last.holding);
    if (code)
        return code;
    if (walk->holding.portfolio != portfolio)
        return sight_bad_cursor(sight, cursor);
    if (last.quantity == 0)
        return skip_to_after(sight, walk, (uint32_t)cursor, &last);
    walk->number = last.next;
    return TRADING_OK;
}

/* Moves to the next lot: walk->number is 0 when there is none. */
static int32_t next_lot(const struct sight *sight, struct lot_walk *walk)
{
    int32_t code = TRADING_OK;
    while (!code && walk->number == 0 && walk->holding_number)
        code = enter_holding(sight, walk, walk->holding.next_of_portfolio);
    return code || walk->number == 0 ? code : sight_read(sight, sight->domain->portfolios.lots, walk->number, &walk->lot);
}

static int32_t show_lot(const struct sight *sight, const struct lot_walk *walk, trading_lot *out)
{
    struct order_record order;
    struct instrument_record instrument;
    int32_t code = sight_read(sight, sight->domain->orders.records, walk->lot.order, &order);
    if (!code)
        code = sight_read(sight, sight->domain->market.instruments, walk->holding.instrument, &instrument);
    if (code)
        return code;
    *out = (trading_lot){.lot = order.id,
                         .symbol = instrument.symbol,
                         .quantity = walk->lot.quantity,
                         .reserved = walk->lot.reserved,
                         .cost_basis = walk->lot.cost,
                         .acquired = walk->lot.acquired};
    return TRADING_OK;
}

static int32_t list_lots(const struct sight *sight, const trading_id *id, uint64_t *cursor, trading_lot *out, size_t max,
                         size_t *count)
{
    uint32_t portfolio;
    struct portfolio_record record;
    struct lot_walk walk = {0};
    *count = 0;
    int32_t code = sight_portfolio(sight, id, &portfolio, &record);
    if (!code)
        code = begin_lots(sight, portfolio, &record, *cursor, &walk);
    while (!code && *count < max) {
        code = next_lot(sight, &walk);
        if (code || walk.number == 0)
            break;
        code = show_lot(sight, &walk, &out[*count]);
        if (code)
            break;
        *cursor = walk.number;
        walk.number = walk.lot.next;
        ++*count;
    }
    return code;
}

int32_t trading_view_lots(trading_view *view, const trading_id *portfolio, uint64_t *cursor, trading_lot *out, size_t max,
                          size_t *count, trading_error *error)
{
    view = view_of_id(view, portfolio);
    struct sight sight;
    bool sound = portfolio && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a portfolio's id, a cursor, and room for at least one lot", error);
    return code ? code : sight_end(&sight, list_lots(&sight, portfolio, cursor, out, max, count));
}
