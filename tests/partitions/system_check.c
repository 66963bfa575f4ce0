/* What must hold over all partitions, taken from records and messages, not from the sums that the folds keep. */
#include "base/id.h"
#include "base/text.h"
#include "engine/audit.h"
#include "order/decide.h"
#include "partitions/system.h"

#include <stdlib.h>

static void check_alone(struct system *system, struct partition *partition)
{
    char finding[256];
    trading_error error;
    if (audit_domain(&partition->domain, &system->memory, finding, sizeof finding, &error))
        fail("%s", error.message);
    if (finding[0])
        fail("partition %u: %s", partition->number, finding);
}

/* ---- what is in flight ---- */

/* What a message takes along, of one currency and one symbol. */
struct cargo {
    trading_currency currency;
    trading_symbol symbol;
    __int128 money;
    __int128 shares;
};

static void load_execution(const struct partition *from, const struct order_event *executed, struct cargo *cargo)
{
    const struct domain *domain = &from->domain;
    const struct order_record *guest = order_get(&domain->orders, order_find(&domain->orders, &executed->id));
    const struct instrument_record *instrument = instrument_get(&domain->market, guest->instrument);
    bool buys = guest->side == TRADING_SIDE_BUY;
    cargo->currency = instrument->currency;
    cargo->symbol = instrument->symbol;
    cargo->money = buys ? -executed->amount : executed->amount;
    cargo->shares = buys ? executed->quantity : -executed->quantity;
}

static void load(struct system *system, const struct message *message, struct cargo *cargo)
{
    const struct account_event *account = &message->event.account;
    *cargo = (struct cargo){0};
    if (message->event.kind == TRADING_EVENT_GUEST_EXECUTED)
        load_execution(&system->at[message->from], &message->event.order, cargo);
    if (message->event.kind == TRADING_EVENT_TRANSFER_SENT || message->event.kind == TRADING_EVENT_TRANSFER_REFUSED) {
        bool back = message->event.kind == TRADING_EVENT_TRANSFER_REFUSED;
        const struct partition *home = &system->at[back ? message->to : message->from];
        const trading_id *id = back ? &account->other_id : &account->own_id;
        cargo->currency = account_get(&home->domain.accounts, account_find(&home->domain.accounts, id))->currency;
        cargo->money = account->amount;
    }
}

static void sum_in_flight(struct system *system, const trading_currency *currency, const trading_symbol *symbol,
                          __int128 *money, __int128 *shares)
{
    *money = *shares = 0;
    for (uint32_t i = 0; i < system->partitions * system->partitions; i++) {
        struct partition *from = &system->at[i / system->partitions];
        struct partition *to = &system->at[i % system->partitions];
        struct message message;
        struct cargo cargo;
        for (size_t ahead = 0; from != to && system_message(system, from, to, ahead, &message); ahead++) {
            load(system, &message, &cargo);
            if (currency && currency_equal(&cargo.currency, currency))
                *money += cargo.money;
            if (symbol && !memcmp(&cargo.symbol, symbol, sizeof *symbol))
                *shares += cargo.shares;
        }
    }
}

/* ---- sums over all ---- */

static void check_currency(struct system *system, const trading_currency *currency)
{
    __int128 customers = 0;
    __int128 others = 0;
    __int128 money;
    __int128 shares;
    for (uint32_t p = 0; p < system->partitions; p++) {
        const struct accounts *accounts = &system->at[p].domain.accounts;
        for (uint32_t i = 1; i <= table_count(accounts->records); i++)
            if (currency_equal(&account_get(accounts, i)->currency, currency))
                customers += account_get(accounts, i)->balance;
        for (uint32_t i = 1; i <= table_count(accounts->ledgers); i++) {
            const struct ledger_record *ledger = table_get(accounts->ledgers, i);
            if (currency_equal(&ledger->currency, currency))
                others += wide_sum_get(&ledger->house) + wide_sum_get(&ledger->bank);
        }
    }
    sum_in_flight(system, currency, NULL, &money, &shares);
    if (customers + others + money != 0)
        fail("the money in %.3s does not sum to zero over all partitions: off by %lld", currency->text,
             (long long)(customers + others + money));
}

static void check_symbol(struct system *system, const trading_symbol *symbol)
{
    __int128 sum = 0;
    __int128 money;
    __int128 shares;
    for (uint32_t p = 0; p < system->partitions; p++) {
        const struct domain *domain = &system->at[p].domain;
        uint32_t number = instrument_find(&domain->market, symbol);
        sum += instrument_get(&domain->market, number)->house;
        for (uint32_t i = 1; i <= table_count(domain->portfolios.holdings); i++) {
            const struct holding_record *holding = holding_get(&domain->portfolios, i);
            sum += number && holding->instrument == number ? holding->quantity : 0;
        }
    }
    sum_in_flight(system, NULL, symbol, &money, &shares);
    if (sum + shares != 0)
        fail("the shares of %s do not sum to zero over all partitions: off by %lld", symbol->text, (long long)(sum + shares));
}

void system_check(struct system *system)
{
    for (uint32_t p = 0; p < system->partitions; p++) {
        const struct domain *domain = &system->at[p].domain;
        check_alone(system, &system->at[p]);
        for (uint32_t i = 1; i <= table_count(domain->accounts.ledgers); i++)
            check_currency(system, &((const struct ledger_record *)table_get(domain->accounts.ledgers, i))->currency);
        for (uint32_t i = 1; i <= table_count(domain->market.instruments); i++)
            check_symbol(system, &instrument_get(&domain->market, i)->symbol);
    }
}

/* ---- when all is settled ---- */

/* What the house took over of an order is executed in its book and not in its home. */
static trading_decimal taken_over(const struct partition *home, uint32_t number)
{
    trading_decimal sum = 0;
    for (size_t i = 0; i < home->commit_count; i++) {
        const struct commit *header = &home->commits[i].header;
        struct reader reader = {.at = header->body, .end = header->body + header->body_size};
        int64_t position = header->first_position;
        while (reader.at < reader.end && !reader.bad) {
            struct cause cause;
            uint32_t events;
            entry_read(&reader, &cause, &events);
            for (; events; events--) {
                struct event event;
                event_read(&reader, position++, &event);
                if (event.kind == TRADING_EVENT_TRADE_TAKEN_OVER && event.market.order == number)
                    sum += event.market.quantity;
            }
            entry_read_version(&reader);
        }
    }
    return sum;
}

static void check_order(struct system *system, const struct partition *home, uint32_t number)
{
    const struct order_record *order = order_get(&home->domain.orders, number);
    if (!order_is_away(order))
        return;
    const struct orders *there = &system->at[order->partition - 1].domain.orders;
    const struct order_record *guest = order_get(there, order_find(there, &order->id));
    trading_decimal over = order->filled == guest->filled ? 0 : taken_over(home, number);
    if (!order_is_guest(guest) || guest->partition != home->number + 1)
        fail("order %u of partition %u is lost on its way to its book", number, home->number);
    if (guest->filled != order->filled + over || guest->quantity != order->quantity)
        fail("order %u of partition %u is filled otherwise in its book", number, home->number);
    if (order_leaves(guest) != order_leaves(order))
        fail("order %u of partition %u is open otherwise in its book", number, home->number);
    if (!over && guest->filled && order->paid != guest->paid)
        fail("order %u of partition %u paid otherwise in its book", number, home->number);
}

void system_check_settled(struct system *system)
{
    system_check(system);
    __int128 clearing[PARTITIONS_MAX * 2] = {0};
    for (uint32_t p = 0; p < system->partitions; p++) {
        const struct domain *domain = &system->at[p].domain;
        for (uint32_t i = 1; i <= table_count(domain->orders.records); i++)
            check_order(system, &system->at[p], i);
        for (uint32_t i = 1; i <= table_count(domain->accounts.records); i++)
            if (account_pending(&domain->accounts, i))
                fail("account %u of partition %u has a transfer that never ended", i, p);
        for (uint32_t i = 1; i <= table_count(domain->accounts.ledgers); i++) {
            const struct ledger_record *ledger = table_get(domain->accounts.ledgers, i);
            clearing[ledger->currency.text[0] == 'U'] += wide_sum_get(&ledger->clearing);
        }
    }
    if (clearing[0] != 0 || clearing[1] != 0)
        fail("clearing over all partitions is not empty");
}
