/* Splitting a partition. A store of N partitions is copied into one of M = kN (engine/copy.c): each of the k partitions that one becomes has all
 * of its journal, and behind it the event PARTITION_SPLIT, which makes of the state that all of them share what is each one's own.
 *
 * Accounts are where their slot says, modulo M. One that is elsewhere from here on is a stranger: its records stay as they were, no list or sum
 * has them, and of its orders only what rests in a book here is left, as a guest. An order whose account stays while its book goes is away.
 * What strangers have left with counts as taken along by messages, so that every ledger and instrument balances as ever.
 *
 * Nothing may be on its way. So the event stands for the newest message of each partition to each: it is what the next one follows. */
#include "process/domain.h"

struct split {
    struct domain *domain;
    uint32_t from;      /* how many partitions there were */
    uint32_t to;        /* how many there are now */
    uint32_t partition; /* this one, of them */
    bool first;         /* of those that one was split into: it has the number that the one had */
    struct split_record record;
};

static bool is_here(const struct split *split, uint32_t slot)
{
    return slot % split->to == split->partition;
}

/* Was here, and is in another from here on. What had left with an earlier split is not. */
static bool is_leaving(const struct split *split, uint32_t slot)
{
    return !is_here(split, slot) && slot % split->from == split->partition % split->from;
}

static const char *check(const struct domain *domain, const struct event *event)
{
    const struct split_event *split = &event->split;
    const struct split_record *before = table_get(domain->splits, table_count(domain->splits));
    if (before->to && before->to != split->from)
        return "a partition was split of another number of them than there was";
    if (split->to > domain->place.partitions || domain->place.partitions % split->to)
        return "a partition was split into other partitions than the store has";
    if (split_event_end(split, domain->place.partition % split->to % split->from) != event->position)
        return "a partition was split at another position than its journal says";
    return domain_mark(domain)->work.kind == WORK_NONE ? NULL : "a partition was split before its work was done";
}

/* ---- messages ---- */

static void set_peers(struct split *split, const struct event *event)
{
    for (uint32_t other = 0; other < split->to; other++) {
        int64_t end = split_event_end(&event->split, other % event->split.from);
        if (other != split->partition)
            *domain_edit_peer(split->domain, other) = (struct peer_record){.received = end + 1, .sent = event->position + 1};
    }
}

/* ---- orders ---- */

/* One that rests or is away. It was in its home here, in its book, or both; what of that is so still? An order at a venue outside is in no book. */
static void split_open(struct split *split, uint32_t number, const struct order_record *order)
{
    struct orders *orders = &split->domain->orders;
    struct market *market = &split->domain->market;
    uint32_t home = id_slot(&order->id) % split->to;
    uint32_t book = symbol_slot(&instrument_get(market, order->instrument)->symbol) % split->to;
    bool stays_home = !order_is_guest(order) && home == split->partition;
    bool stays_in_book = !order_is_away(order) && book == split->partition;
    if (stays_home && (stays_in_book || order_is_outside(order)))
        return;
    struct order_record *record = order_edit(orders, number);
    if (stays_in_book) {
        order_fold_guest(orders, record, home);
    } else if (stays_home) {
        if (!order_is_away(record))
            market_fold_leave(market, record->instrument, record->side, record->entry);
        order_fold_away(orders, record, book);
    } else {
        market_fold_ended(market, record->instrument, record->side, record->entry);
        order_fold_gone(orders, record);
    }
}

static void split_orders(struct split *split)
{
    const struct orders *orders = &split->domain->orders;
    uint32_t count = table_count(orders->records);
    for (uint32_t number = 1; number <= count; number++) {
        const struct order_record *order = order_get(orders, number);
        if (order->entry)
            split_open(split, number, order);
        split->record.orders += !is_here(split, id_slot(&order->id)) && !order->entry;
    }
}

/* ---- accounts and what they own ---- */

static void split_accounts(struct split *split)
{
    struct accounts *accounts = &split->domain->accounts;
    uint32_t count = table_count(accounts->records);
    for (uint32_t number = 1; number <= count; number++) {
        uint32_t slot = id_slot(&account_get(accounts, number)->id);
        if (is_leaving(split, slot))
            account_fold_gone(accounts, number);
        split->record.accounts += !is_here(split, slot);
    }
    for (uint32_t ledger = 1; !split->first && ledger <= table_count(accounts->ledgers); ledger++)
        account_fold_ledger_gone(accounts, ledger);
}

static void split_portfolios(struct split *split)
{
    const struct portfolios *portfolios = &split->domain->portfolios;
    uint32_t count = table_count(portfolios->records);
    for (uint32_t number = 1; number <= count; number++)
        split->record.portfolios += !is_here(split, id_slot(&portfolio_get(portfolios, number)->id));
    count = table_count(portfolios->holdings);
    for (uint32_t number = 1; number <= count; number++) {
        const struct holding_record *holding = holding_get(portfolios, number);
        if (is_leaving(split, id_slot(&portfolio_get(portfolios, holding->portfolio)->id)))
            market_fold_carried(&split->domain->market, holding->instrument, holding->quantity);
    }
}

/* ---- instruments ---- */

static void split_instruments(struct split *split)
{
    struct market *market = &split->domain->market;
    uint32_t count = table_count(market->instruments);
    for (uint32_t number = 1; number <= count; number++) {
        uint32_t book = symbol_slot(&instrument_get(market, number)->symbol) % split->to;
        if (!split->first)
            market_fold_house_gone(market, number);
        if (book != split->partition)
            market_fold_elsewhere(market, number, book);
    }
}

/* ---- the whole ---- */

const char *domain_fold_split(struct domain *domain, const struct event *event)
{
    const char *broken = check(domain, event);
    if (broken)
        return broken;
    struct split split = {.domain = domain,
                          .from = event->split.from,
                          .to = event->split.to,
                          .partition = domain->place.partition % event->split.to};
    split.first = split.partition < event->split.from;
    split.record = (struct split_record){.position = event->position, .from = event->split.from, .to = event->split.to};
    set_peers(&split, event);
    split_orders(&split);
    split_accounts(&split);
    split_portfolios(&split);
    split_instruments(&split);
    uint32_t number;
    struct split_record *record = table_append(domain->splits, &number);
    if (number)
        *record = split.record;
    return NULL;
}
