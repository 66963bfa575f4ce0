/* Entries and events that no engine wrote, folded into a small market that real commands made: whatever the bytes say, folding ends,
 * either whole and sound or refused and undone. A trap is a property that does not hold. */
#include "base/memory.h"
#include "engine/replay.h"

#include <stdlib.h>
#include <string.h>

#include <trading.h>

#define BODY_BYTES 65536u

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

struct market_day {
    struct memory memory;
    struct domain domain;
    struct process process;
    uint8_t body[BODY_BYTES];
    struct writer writer;
    uint64_t keys;
};

static trading_result decide(struct market_day *day, int32_t type, const trading_id *account, const void *body, size_t size)
{
    trading_command command = {.type = type, .body = body, .body_size = size};
    if (account)
        command.account = *account;
    const struct named nobody_looked = {0};
    struct request request = {.command = &command, .cause = {.type = type}, .foreseen = &nobody_looked};
    struct rejection why = {0};
    trading_result result = {0};
    day->keys++;
    memcpy(request.cause.key.bytes, &day->keys, sizeof day->keys);
    day->writer = (struct writer){.at = day->body, .end = day->body + sizeof day->body};
    require(process_locate(&day->domain, &request, &why) && process_command(&day->process, &request, &result, &why));
    require(!day->process.broken && !domain_failed(&day->domain));
    return result;
}

static void order(struct market_day *day, const trading_id *portfolio, int32_t side, int64_t quantity, int64_t price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = *portfolio;
    memcpy(body.symbol.text, "GOOG", 4);
    body.side = side;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.quantity = quantity;
    body.limit_price = price;
    decide(day, TRADING_COMMAND_PLACE_ORDER, NULL, &body, sizeof body);
}

/* Two customers, lots, resting orders on both sides, a quote. */
static void open_day(struct market_day *day)
{
    memory_init(&day->memory);
    require(domain_open(&day->domain, &day->memory, 1 << 20, NULL) == TRADING_OK);
    require(domain_found(&day->domain, NULL) == TRADING_OK);
    day->process = (struct process){.domain = &day->domain, .out = &day->writer, .now = 1, .collar = 50000};
    tables_begin(day->domain.tables);
    trading_open_account account = TRADING_OPEN_ACCOUNT_INIT;
    account.deposit = 100000 * TRADING_DECIMAL_ONE;
    trading_result ann = decide(day, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &account, sizeof account);
    trading_result bob = decide(day, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &account, sizeof account);
    trading_set_quote quote = TRADING_SET_QUOTE_INIT;
    memcpy(quote.symbol.text, "GOOG", 4);
    quote.bid = 90;
    quote.ask = 100;
    decide(day, TRADING_COMMAND_SET_QUOTE, NULL, &quote, sizeof quote);
    order(day, &ann.portfolio, TRADING_SIDE_BUY, 500, 0);
    order(day, &ann.portfolio, TRADING_SIDE_BUY, 300, 0);
    order(day, &ann.portfolio, TRADING_SIDE_SELL, 200, 120);
    order(day, &bob.portfolio, TRADING_SIDE_BUY, 100, 80);
    order(day, &bob.portfolio, TRADING_SIDE_BUY, 100, 81);
    day->domain.place.partitions = 2; /* as if a partition had been split, which it may be at any moment */
    struct mark_record *mark = domain_edit_mark(&day->domain);
    mark->next_position = day->process.next_position;
    tables_install(day->domain.tables);
}

static void close_day(struct market_day *day)
{
    domain_close(&day->domain);
    require(atomic_load(&day->memory.bytes) == 0);
}

/* Every list that a later command would walk has an end. */
static void walk_lists(const struct domain *domain)
{
    uint32_t orders = table_count(domain->orders.records);
    uint32_t steps = 0;
    const struct session_record *session = table_get(domain->orders.session, 1);
    for (uint32_t at = session->first_day; at; at = resting_get(&domain->orders, at)->next_day)
        require(++steps <= orders);
    for (uint32_t desk = 1; desk <= table_count(domain->orders.desks); desk++) {
        steps = 0;
        for (uint32_t at = desk_get(&domain->orders, desk)->first_open; at; at = resting_get(&domain->orders, at)->next_open)
            require(++steps <= orders);
    }
    for (uint32_t holding = 1; holding <= table_count(domain->portfolios.holdings); holding++) {
        steps = 0;
        for (uint32_t lot = holding_get(&domain->portfolios, holding)->first_lot; lot;
             lot = lot_get(&domain->portfolios, lot)->next)
            require(++steps <= table_count(domain->portfolios.lots));
    }
    for (uint32_t level = 1; level <= table_count(domain->market.levels); level++) {
        const struct level_record *record = level_get(&domain->market, level);
        steps = 0;
        for (uint32_t entry = record->first; entry && steps < record->orders; entry = entry_get(&domain->market, entry)->next)
            require(++steps <= table_count(domain->market.entries));
        require(steps == record->orders);
    }
}

static void fold_entry(struct process *process, struct reader *reader)
{
    struct cause cause;
    struct event event;
    uint32_t count;
    entry_read(reader, &cause, &count);
    process_replay_begin(process, &cause);
    for (; count && !reader->bad && !process->broken; count--) {
        event_read(reader, process->next_position, &event);
        if (!reader->bad)
            process_replay_event(process, &event);
    }
    entry_read_version(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct market_day *day = calloc(1, sizeof *day);
    require(day != NULL);
    open_day(day);
    struct reader reader = {.at = data, .end = data + size};
    tables_begin(day->domain.tables);
    while (reader.at < reader.end && !reader.bad && !day->process.broken && !domain_failed(&day->domain)) {
        fold_entry(&day->process, &reader);
    }
    bool whole = !reader.bad && !day->process.broken && !domain_failed(&day->domain) && ledgers_balance(&day->domain.accounts);
    if (whole)
        walk_lists(&day->domain);
    domain_discard(&day->domain);
    walk_lists(&day->domain);
    close_day(day);
    free(day);
    return 0;
}
