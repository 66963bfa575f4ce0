/* Cash, portfolios and shares. */
#include "engine/audit.h"

#include "base/error.h"

/* ---- cash ---- */

static bool check_ledgers(struct audit *audit, const struct wide_sum *balances)
{
    const struct accounts *accounts = &audit->domain->accounts;
    for (uint32_t number = 1; number <= table_count(accounts->ledgers); number++) {
        const struct ledger_record *ledger = table_get(accounts->ledgers, number);
        __int128 customers = wide_sum_get(&ledger->customers);
        __int128 others = wide_sum_get(&ledger->house) + wide_sum_get(&ledger->bank) + wide_sum_get(&ledger->fee);
        if (wide_sum_get(&balances[number]) != customers)
            return audit_complain(audit, "the balances in %.3s do not add up to what its ledger says of customers",
                                  ledger->currency.text);
        __int128 clearing = wide_sum_get(&ledger->clearing);
        if (clearing != wide_sum_get(&ledger->carried))
            return audit_complain(audit, "clearing in %.3s is not what messages carry", ledger->currency.text);
        if (customers + others + clearing != 0)
            return audit_complain(audit, "the ledger in %.3s does not sum to zero", ledger->currency.text);
    }
    return true;
}

static bool sum_balances(struct audit *audit, struct wide_sum *balances)
{
    const struct accounts *accounts = &audit->domain->accounts;
    for (uint32_t number = 1; number <= table_count(accounts->records); number++) {
        const struct account_record *account = account_get(accounts, number);
        if (account->ledger == 0 || account->ledger > table_count(accounts->ledgers))
            return audit_complain(audit, "account %u is of no ledger", number);
        if (!domain_is_stranger(audit->domain, &account->id))
            wide_sum_add(&balances[account->ledger], account->balance);
    }
    return check_ledgers(audit, balances);
}

/* What an account holds is what its open orders hold. */
static bool sum_holds(struct audit *audit, struct wide_sum *holds)
{
    const struct accounts *accounts = &audit->domain->accounts;
    const struct orders *orders = &audit->domain->orders;
    for (uint32_t number = 1; number <= table_count(orders->records); number++) {
        const struct order_record *order = order_get(orders, number);
        if (order_is_guest(order) && order->held == 0)
            continue;
        if (order->account == 0 || order->account > table_count(accounts->records))
            return audit_complain(audit, "order %u is of no account", number);
        if (order->held && (order_leaves(order) == 0 || order->side != TRADING_SIDE_BUY))
            return audit_complain(audit, "order %u holds funds, and is no open buy", number);
        wide_sum_add(&holds[order->account], order->held);
    }
    for (uint32_t number = 1; number <= table_count(accounts->records); number++) {
        const struct account_record *account = account_get(accounts, number);
        if (wide_sum_get(&holds[number]) != account->held && !domain_is_stranger(audit->domain, &account->id))
            return audit_complain(audit, "account %u holds other funds than its orders", number);
    }
    return true;
}

bool audit_cash(struct audit *audit)
{
    const struct accounts *accounts = &audit->domain->accounts;
    struct wide_sum *balances = audit_sums(audit, accounts->ledgers, sizeof *balances);
    struct wide_sum *holds = audit_sums(audit, accounts->records, sizeof *holds);
    bool sound = balances && holds && sum_balances(audit, balances) && sum_holds(audit, holds);
    audit_sums_close(audit, accounts->ledgers, balances, sizeof *balances);
    audit_sums_close(audit, accounts->records, holds, sizeof *holds);
    return sound;
}

/* ---- portfolios ---- */

static bool check_owner(struct audit *audit, uint32_t account, uint32_t *met)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    const struct owner_record *owner = owner_get(portfolios, account);
    uint32_t count = 0;
    uint32_t open = 0;
    for (uint32_t number = owner->first; number && count <= owner->count; count++) {
        const struct portfolio_record *portfolio = portfolio_get(portfolios, number);
        if (portfolio->account != account)
            return audit_complain(audit, "portfolio %u is in the list of another account than its own", number);
        open += portfolio->status != TRADING_PORTFOLIO_CLOSED;
        number = portfolio->next_of_account;
    }
    *met += count;
    return (count == owner->count && open == owner->open) ||
           audit_complain(audit, "the portfolios of account %u are not as many as it says", account);
}

/* One portfolio against its positions. */
static bool check_portfolio(struct audit *audit, uint32_t number, uint32_t *met)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    const struct portfolio_record *portfolio = portfolio_get(portfolios, number);
    struct wide_sum cost = {0};
    struct wide_sum realized = {0};
    uint32_t held = 0;
    for (uint32_t at = portfolio->first_holding; at && *met <= table_count(portfolios->holdings); ++*met) {
        const struct holding_record *holding = holding_get(portfolios, at);
        if (holding->portfolio != number)
            return audit_complain(audit, "position %u is in the list of another portfolio than its own", at);
        wide_sum_add(&cost, holding->cost_basis);
        wide_sum_add(&realized, holding->realized);
        held += holding->quantity > 0;
        at = holding->next_of_portfolio;
    }
    bool sound = wide_sum_get(&cost) == portfolio->cost_basis && wide_sum_get(&realized) == portfolio->realized &&
                 held == portfolio->held;
    return sound || audit_complain(audit, "portfolio %u is not the sum of its positions", number);
}

bool audit_portfolios(struct audit *audit)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    uint32_t met = 0;
    for (uint32_t number = 1; number <= table_count(portfolios->owners); number++) {
        if (!check_owner(audit, number, &met))
            return false;
    }
    if (met != table_count(portfolios->records))
        return audit_complain(audit, "a portfolio is in no account's list");
    met = 0;
    for (uint32_t number = 1; number <= table_count(portfolios->records); number++) {
        if (!check_portfolio(audit, number, &met))
            return false;
    }
    return met == table_count(portfolios->holdings) || audit_complain(audit, "a position is in no portfolio's list");
}

/* ---- shares ---- */

/* One position against its lots. */
static bool check_holding(struct audit *audit, uint32_t number, uint32_t *met)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    const struct holding_record *holding = holding_get(portfolios, number);
    struct wide_sum quantity = {0};
    struct wide_sum reserved = {0};
    struct wide_sum cost = {0};
    uint32_t before = 0;
    for (uint32_t at = holding->first_lot; at && *met <= table_count(portfolios->lots); ++*met) {
        const struct lot_record *lot = lot_get(portfolios, at);
        if (lot->holding != number || lot->previous != before || lot->quantity <= 0 || lot->reserved > lot->quantity)
            return audit_complain(audit, "lot %u is not a lot of the position that lists it", at);
        wide_sum_add(&quantity, lot->quantity);
        wide_sum_add(&reserved, lot->reserved);
        wide_sum_add(&cost, lot->cost);
        before = at;
        at = lot->next;
    }
    bool sound = wide_sum_get(&quantity) == holding->quantity && wide_sum_get(&reserved) == holding->lot_reserved &&
                 wide_sum_get(&cost) == holding->cost_basis && before == holding->last_lot;
    return sound || audit_complain(audit, "position %u of portfolio %u is not the sum of its lots", number, holding->portfolio);
}

static bool check_lots(struct audit *audit)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    uint32_t met = 0;
    uint32_t held = 0;
    for (uint32_t number = 1; number <= table_count(portfolios->holdings); number++) {
        if (!check_holding(audit, number, &met))
            return false;
    }
    for (uint32_t number = 1; number <= table_count(portfolios->lots); number++)
        held += lot_get(portfolios, number)->quantity != 0;
    return met == held || audit_complain(audit, "a lot is held that no position lists");
}

/* Shares are double entry too: what customers have, the house lacks. */
static bool check_issues(struct audit *audit, struct wide_sum *shares)
{
    const struct portfolios *portfolios = &audit->domain->portfolios;
    const struct market *market = &audit->domain->market;
    for (uint32_t number = 1; number <= table_count(portfolios->holdings); number++) {
        const struct holding_record *holding = holding_get(portfolios, number);
        if (holding->instrument == 0 || holding->instrument > table_count(market->instruments))
            return audit_complain(audit, "position %u is in no instrument", number);
        if (!domain_is_stranger(audit->domain, &portfolio_get(portfolios, holding->portfolio)->id))
            wide_sum_add(&shares[holding->instrument], holding->quantity);
    }
    for (uint32_t number = 1; number <= table_count(market->instruments); number++) {
        const struct instrument_record *instrument = instrument_get(market, number);
        if (wide_sum_get(&shares[number]) + instrument->house + wide_sum_get(&instrument->carried) != 0)
            return audit_complain(audit, "the shares of %.16s do not sum to zero", instrument->symbol.text);
    }
    return true;
}

bool audit_shares(struct audit *audit)
{
    const struct table *instruments = audit->domain->market.instruments;
    struct wide_sum *shares = audit_sums(audit, instruments, sizeof *shares);
    bool sound = shares && check_lots(audit) && check_issues(audit, shares);
    audit_sums_close(audit, instruments, shares, sizeof *shares);
    return sound;
}

/* ---- all ---- */

int32_t audit_domain(const struct domain *domain, struct memory *memory, char *finding, size_t room, trading_error *error)
{
    struct audit audit = {.domain = domain, .memory = memory, .finding = finding, .room = room};
    finding[0] = 0;
    bool sound = audit_cash(&audit) && audit_portfolios(&audit) && audit_shares(&audit) && audit_orders(&audit) &&
                 audit_reservations(&audit) && audit_books(&audit);
    return !sound && audit.no_memory ? error_no_memory(error, "the sums over the state") : TRADING_OK;
}
