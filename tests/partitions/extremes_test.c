/* What random commands hardly meet: an execution out of very many lots, booked over several commits; executions that their home cannot book,
 * which the house takes over; and two homes that name one symbol in two currencies. */
#include "base/id.h"
#include "order/decide.h"
#include "partitions/system.h"

#include <stdio.h>

enum { MANY_LOTS = 9000 };

static struct system system_;
static uint64_t keys;

struct trader {
    struct partition *home;
    trading_id account;
    trading_id portfolio;
};

static trading_result tell(struct partition *partition, int32_t type, const trading_id *account, const void *body, size_t size)
{
    trading_command command = {.type = type, .body = body, .body_size = size};
    if (account)
        command.account = *account;
    keys++;
    memcpy(command.key.bytes, &keys, sizeof keys);
    command.key.bytes[15] = 2;
    return system_command(&system_, partition, &command);
}

static void expect(bool holds, const char *what)
{
    if (!holds)
        fail("%s", what);
}

/* An account in the partition: keys are tried until the id lies there. */
static struct trader open_in(struct partition *home, const char *currency, trading_decimal deposit)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    memcpy(body.currency.text, currency, 3);
    body.deposit = deposit;
    for (;;) {
        trading_id key = {{0}};
        trading_id id;
        uint64_t next = keys + 1;
        memcpy(key.bytes, &next, sizeof next);
        key.bytes[15] = 2;
        id_derive(&id, TRADING_ENTITY_ACCOUNT, &(trading_id){{0}}, &key, 0);
        if (system_of_id(&system_, &id) == home)
            break;
        keys++;
    }
    trading_result opened = tell(home, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &body, sizeof body);
    return (struct trader){.home = home, .account = opened.account, .portfolio = opened.portfolio};
}

/* A symbol whose book is there. */
static trading_symbol symbol_in(const struct partition *book)
{
    trading_symbol symbol = {{0}};
    for (int i = 0;; i++) {
        snprintf(symbol.text, sizeof symbol.text, "S%d", i);
        if (system_of_symbol(&system_, &symbol) == book)
            return symbol;
    }
}

static void quote(const trading_symbol *symbol, const char *currency, trading_decimal bid, trading_decimal ask)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    memcpy(body.currency.text, currency, 3);
    body.symbol = *symbol;
    body.bid = bid;
    body.ask = ask;
    trading_result result = tell(system_of_symbol(&system_, symbol), TRADING_COMMAND_SET_QUOTE, NULL, &body, sizeof body);
    expect(result.status == TRADING_STATUS_ACCEPTED, "a quote is taken");
    partition_commit(&system_, system_of_symbol(&system_, symbol)); /* orders are stamped with what is durable */
}

static trading_result order(const struct trader *trader, int32_t side, const trading_symbol *symbol, trading_decimal quantity,
                            trading_decimal limit)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = trader->portfolio;
    body.side = side;
    body.type = limit ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.symbol = *symbol;
    body.quantity = quantity;
    body.limit_price = limit;
    return tell(trader->home, TRADING_COMMAND_PLACE_ORDER, NULL, &body, sizeof body);
}

static struct order_record record_of(const struct trader *trader, const trading_id *id)
{
    const struct orders *orders = &trader->home->domain.orders;
    return *order_get(orders, order_find(orders, id));
}

static struct account_record account_of(const struct trader *trader)
{
    const struct accounts *accounts = &trader->home->domain.accounts;
    return *account_get(accounts, account_find(accounts, &trader->account));
}

static uint32_t pauses(const struct partition *partition, int64_t from)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < partition->commit_count; i++) {
        const struct commit *header = &partition->commits[i].header;
        struct reader reader = {.at = header->body, .end = header->body + header->body_size};
        int64_t position = header->first_position;
        while (reader.at < reader.end) {
            struct cause cause;
            uint32_t events;
            for (entry_read(&reader, &cause, &events); events; events--) {
                struct event event;
                event_read(&reader, position++, &event);
                sum += position > from && event.kind == TRADING_EVENT_WORK_PAUSED && event.work.kind == WORK_SETTLE;
            }
            entry_read_version(&reader);
        }
    }
    return sum;
}

static void test_many_lots(void)
{
    const trading_decimal one = TRADING_DECIMAL_ONE;
    system_open(&system_, 2);
    struct trader ann = open_in(&system_.at[0], "USD", 1000000 * one);
    trading_symbol symbol = symbol_in(&system_.at[1]);
    quote(&symbol, "USD", 9 * one, 10 * one);
    for (int i = 0; i < MANY_LOTS; i++)
        order(&ann, TRADING_SIDE_BUY, &symbol, one + i, 11 * one);
    system_settle(&system_);
    trading_decimal all = MANY_LOTS * one + (trading_decimal)MANY_LOTS * (MANY_LOTS - 1) / 2;
    trading_id sale = order(&ann, TRADING_SIDE_SELL, &symbol, all, 0).order;
    system_settle(&system_);
    expect(pauses(ann.home, 0) > 0, "an execution out of so many lots pauses");
    struct order_record sold = record_of(&ann, &sale);
    expect(sold.status == TRADING_ORDER_STATUS_FILLED && sold.executions > 1, "it is booked in several steps");
    expect(sold.paid == all * 9, "and comes to the same money");
    system_check_settled(&system_);
    partition_reopen(&system_, ann.home);
    system_close(&system_);
}

static void test_house_takes_over(void)
{
    const trading_decimal one = TRADING_DECIMAL_ONE;
    system_open(&system_, 2);
    struct trader ann = open_in(&system_.at[0], "USD", 1000 * one);
    trading_symbol symbol = symbol_in(&system_.at[1]);
    quote(&symbol, "USD", 0, 10 * one);
    order(&ann, TRADING_SIDE_BUY, &symbol, 20 * one, 0);
    system_settle(&system_);
    trading_id sale = order(&ann, TRADING_SIDE_SELL, &symbol, 20 * one, 5 * one).order;
    quote(&symbol, "USD", 0, 0);
    system_settle(&system_);
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = TRADING_DECIMAL_MAX - account_of(&ann).balance - 30 * one;
    expect(tell(ann.home, TRADING_COMMAND_CREDIT, &ann.account, &cash, sizeof cash).status == TRADING_STATUS_ACCEPTED,
           "there is room for 30 more");
    struct trader bob = open_in(&system_.at[1], "USD", 1000 * one);
    order(&bob, TRADING_SIDE_BUY, &symbol, 4 * one, 5 * one); /* 20: fits */
    order(&bob, TRADING_SIDE_BUY, &symbol, 4 * one, 5 * one); /* 20: does not */
    order(&bob, TRADING_SIDE_BUY, &symbol, one, 5 * one);     /* would, but the order has ended */
    system_settle(&system_);
    struct order_record sold = record_of(&ann, &sale);
    expect(sold.status == TRADING_ORDER_STATUS_CANCELED && sold.filled == 4 * one, "what fits is sold, the rest canceled");
    const struct domain *home = &ann.home->domain;
    const struct instrument_record *instrument = instrument_get(&home->market, instrument_find(&home->market, &symbol));
    expect(instrument->house == -5 * one, "the house sold what the customer could not");
    expect(account_of(&ann).balance == TRADING_DECIMAL_MAX - 10 * one, "the balance is as far as it goes");
    system_check_settled(&system_);
    partition_reopen(&system_, ann.home);
    system_close(&system_);
}

/* What is pending may come back, so it counts against what an account may take. */
static void test_returned_money_has_room(void)
{
    const trading_decimal one = TRADING_DECIMAL_ONE;
    system_open(&system_, 2);
    struct trader ann = open_in(&system_.at[0], "USD", 1000 * one);
    struct trader bob = open_in(&system_.at[1], "EUR", 0);
    trading_transfer body = TRADING_TRANSFER_INIT;
    body.amount = 400 * one;
    body.to = bob.account;
    expect(tell(ann.home, TRADING_COMMAND_TRANSFER, &ann.account, &body, sizeof body).status == TRADING_STATUS_ACCEPTED,
           "a transfer to another partition is accepted");
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = TRADING_DECIMAL_MAX - 999 * one;
    trading_result refused = tell(ann.home, TRADING_COMMAND_CREDIT, &ann.account, &cash, sizeof cash);
    expect(refused.reason == TRADING_REASON_TOO_LARGE && refused.available == TRADING_DECIMAL_MAX - 1000 * one,
           "pending money keeps its room");
    const struct accounts *accounts = &ann.home->domain.accounts;
    expect(account_pending(accounts, account_find(accounts, &ann.account)) == 400 * one, "it is pending");
    system_settle(&system_);
    expect(account_of(&ann).balance == 1000 * one, "another currency is returned");
    system_check_settled(&system_);
    system_close(&system_);
}

static void test_two_currencies(void)
{
    const trading_decimal one = TRADING_DECIMAL_ONE;
    system_open(&system_, 3);
    struct trader ann = open_in(&system_.at[0], "USD", 1000 * one);
    struct trader eve = open_in(&system_.at[1], "EUR", 1000 * one);
    trading_symbol symbol = symbol_in(&system_.at[2]);
    trading_id first = order(&ann, TRADING_SIDE_BUY, &symbol, one, 10 * one).order;
    trading_id second = order(&eve, TRADING_SIDE_BUY, &symbol, one, 10 * one).order;
    system_settle(&system_);
    expect(record_of(&ann, &first).status == TRADING_ORDER_STATUS_NEW, "the first order lists the symbol");
    expect(record_of(&eve, &second).status == TRADING_ORDER_STATUS_CANCELED && account_of(&eve).held == 0,
           "one in another currency is refused, and its money released");
    trading_result refused = order(&eve, TRADING_SIDE_BUY, &symbol, one, 10 * one);
    expect(refused.reason == TRADING_REASON_OTHER_CURRENCY, "the next is refused at once");
    expect(order(&ann, TRADING_SIDE_BUY, &symbol, one, 0).reason == TRADING_REASON_NO_QUOTE, "a market buy needs a quote");
    system_check_settled(&system_);
    system_close(&system_);
}

int main(void)
{
    test_many_lots();
    test_house_takes_over();
    test_returned_money_has_room();
    test_two_currencies();
    return 0;
}
