#include "base/hash.h"
#include "base/sum.h"
#include "base/text.h"
#include "market/state.h"

static uint64_t symbol_hash(const trading_symbol *symbol)
{
    uint64_t halves[2];
    memcpy(halves, symbol->text, sizeof halves);
    return hash_mix(halves[0] ^ hash_mix(halves[1]));
}

uint32_t instrument_foresee(const struct market *market, const trading_symbol *symbol)
{
    uint64_t cursor = 0;
    return index_next(market->by_symbol, symbol_hash(symbol), &cursor);
}

uint32_t instrument_find(const struct market *market, const trading_symbol *symbol)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(market->by_symbol, symbol_hash(symbol), &cursor)) != 0) {
        if (symbol_equal(&instrument_get(market, number)->symbol, symbol))
            return number;
    }
    return 0;
}

enum table_read instrument_read(const struct market *market, const trading_symbol *symbol, struct pin *pin, uint32_t *number,
                                struct instrument_record *record)
{
    uint64_t cursor = 0;
    while ((*number = index_next(market->by_symbol, symbol_hash(symbol), &cursor)) != 0) {
        enum table_read found = table_read(market->instruments, *number, pin, record);
        if (found == TABLE_EXPIRED || (found == TABLE_FOUND && symbol_equal(&record->symbol, symbol)))
            return found;
    }
    return TABLE_ABSENT;
}

bool market_found(struct market *market)
{
    uint32_t number;
    return table_append(market->exchange, &number) != NULL;
}

/* ---- quotes ---- */

__attribute__((cold)) static const char *list_instrument(struct market *market, const struct market_event *event,
                                                         struct moment at)
{
    uint32_t number;
    struct instrument_record *record = table_append(market->instruments, &number);
    if (!record)
        return NULL;
    if (number != event->instrument || !symbol_is_valid(&event->symbol) || instrument_find(market, &event->symbol))
        return "an instrument was listed out of turn, twice, or without a symbol";
    record->symbol = event->symbol;
    record->currency = event->currency;
    record->partition = event->partition;
    record->last_position = at.position;
    record->version = 1;
    index_insert(market->by_symbol, symbol_hash(&event->symbol), number);
    return NULL;
}

__attribute__((cold)) static const char *set_quote(struct instrument_record *record, const struct market_event *event,
                                                   struct moment at)
{
    if (event->bid && event->ask && event->bid >= event->ask)
        return "a quote's bid is not below its ask";
    record->quoted = 1;
    record->bid = event->bid;
    record->ask = event->ask;
    record->bid_size = event->bid_size;
    record->ask_size = event->ask_size;
    record->quote_time = at.time;
    return NULL;
}

__attribute__((cold)) static const char *take_quote(struct instrument_record *record, const struct market_event *event,
                                                    struct moment at)
{
    bool buys = event->side == TRADING_SIDE_BUY;
    trading_decimal *size = buys ? &record->bid_size : &record->ask_size;
    trading_decimal change = buys ? event->quantity : -event->quantity;
    if (event->quantity <= 0 || event->quantity > *size || !sum_fits(record->house, change))
        return "more was traded with a quote than its size";
    if (*size != TRADING_SIZE_UNLIMITED)
        *size -= event->quantity;
    record->house += change;
    record->last_price = event->price;
    record->trade_time = at.time;
    return NULL;
}

/* Shares come to the house or leave it without its quote: it stands in for an order that could not take its execution, or between an order
 * and a venue outside. */
__attribute__((cold)) static const char *move_house(struct instrument_record *record, const struct market_event *event)
{
    trading_decimal change = event->side == TRADING_SIDE_BUY ? event->quantity : -event->quantity;
    if (event->quantity <= 0 || !sum_fits(record->house, change))
        return "the house moved more shares than it can count";
    record->house += change;
    return NULL;
}

void market_fold_carried(struct market *market, uint32_t instrument, trading_decimal taken)
{
    struct instrument_record *record = table_edit(market->instruments, instrument);
    wide_sum_add(&record->carried, taken);
}

const char *market_fold(struct market *market, uint32_t kind, const struct market_event *event, struct moment *at)
{
    if (kind == TRADING_EVENT_INSTRUMENT_LISTED)
        return list_instrument(market, event, *at);
    if (kind == TRADING_EVENT_SESSION_ENDED)
        return NULL;
    if (event->instrument == 0 || event->instrument > table_count(market->instruments))
        return "an event names an instrument that is not there";
    struct instrument_record *record = table_edit(market->instruments, event->instrument);
    at->previous = record->last_position;
    record->last_position = at->position;
    record->version++;
    if (kind == TRADING_EVENT_TRADE_TAKEN_OVER || kind == TRADING_EVENT_VENUE_TRADED)
        return move_house(record, event);
    return kind == TRADING_EVENT_QUOTE_SET ? set_quote(record, event, *at) : take_quote(record, event, *at);
}

/* ---- the book ---- */

static uint32_t take_free_entry(struct market *market)
{
    struct exchange_record *exchange = table_edit(market->exchange, 1);
    uint32_t number = exchange->free_entry;
    if (number)
        exchange->free_entry = entry_get(market, number)->next;
    else
        table_append(market->entries, &number);
    return number;
}

const char *market_fold_rested(struct market *market, uint32_t instrument, int32_t side, trading_decimal price, uint32_t order,
                               trading_decimal quantity, uint32_t *number)
{
    uint32_t level_number;
    struct level_record *level = book_fill(market, instrument, side, price, &level_number);
    *number = take_free_entry(market);
    if (!level || !*number)
        return NULL;
    struct entry_record *entry = table_edit(market->entries, *number);
    *entry = (struct entry_record){.order = order, .level = level_number, .previous = level->last, .leaves = quantity};
    if (level->orders) {
        struct entry_record *before = table_edit(market->entries, level->last);
        before->next = *number;
        before->next_order = order;
    } else {
        level->first = *number;
    }
    level->last = *number;
    level->orders++;
    if (quantity <= 0 || !sum_fits(level->quantity, quantity))
        return "a price level passed the range of a decimal";
    level->quantity += quantity;
    return NULL;
}

uint32_t market_fold_away(struct market *market, uint32_t order, trading_decimal quantity)
{
    uint32_t number = take_free_entry(market);
    struct entry_record *entry = table_edit(market->entries, number);
    *entry = (struct entry_record){.order = order, .leaves = quantity};
    return number;
}

/* Takes an entry out of its level. */
static void leave_level(struct market *market, uint32_t instrument, int32_t side, uint32_t number,
                        const struct entry_record *entry)
{
    uint32_t level_number = entry->level;
    struct level_record *level = table_edit(market->levels, level_number);
    bool first = level->first == number;
    bool last = level->last == number;
    if (first)
        level->first = entry->next;
    if (last)
        level->last = entry->previous;
    if (!first && !last) {
        struct entry_record *before = table_edit(market->entries, entry->previous);
        struct entry_record *after = table_edit(market->entries, entry->next);
        before->next = entry->next;
        before->next_order = entry->next_order;
        after->previous = entry->previous;
    }
    level->orders--;
    level->quantity -= entry->leaves;
    if (level->orders == 0)
        book_vacate(market, instrument, side, level_number);
    else
        table_prefetch(market->entries, level->first);
}

static void remove_entry(struct market *market, uint32_t instrument, int32_t side, uint32_t number, struct entry_record *entry)
{
    if (entry->level)
        leave_level(market, instrument, side, number, entry);
    struct exchange_record *exchange = table_edit(market->exchange, 1);
    *entry = (struct entry_record){.next = exchange->free_entry};
    exchange->free_entry = number;
}

const char *market_fold_traded(struct market *market, uint32_t instrument, int32_t side, uint32_t number,
                               trading_decimal quantity, trading_decimal price, struct moment at)
{
    struct instrument_record *record = table_edit(market->instruments, instrument);
    record->last_price = price;
    record->trade_time = at.time;
    if (!number)
        return NULL;
    struct entry_record *entry = table_edit(market->entries, number);
    if (quantity <= 0 || quantity > entry->leaves)
        return "more was traded than rested in the book";
    if (quantity == entry->leaves) {
        remove_entry(market, instrument, side, number, entry);
        return NULL;
    }
    entry->leaves -= quantity;
    if (!entry->level)
        return NULL;
    struct level_record *level = table_edit(market->levels, entry->level);
    level->quantity -= quantity;
    return NULL;
}

const char *market_fold_ended(struct market *market, uint32_t instrument, int32_t side, uint32_t number)
{
    if (number)
        remove_entry(market, instrument, side, number, table_edit(market->entries, number));
    return NULL;
}

void market_fold_leave(struct market *market, uint32_t instrument, int32_t side, uint32_t number)
{
    struct entry_record *entry = table_edit(market->entries, number);
    leave_level(market, instrument, side, number, entry);
    *entry = (struct entry_record){.order = entry->order, .leaves = entry->leaves};
}

void market_fold_house_gone(struct market *market, uint32_t instrument)
{
    struct instrument_record *record = table_edit(market->instruments, instrument);
    wide_sum_add(&record->carried, record->house);
    record->house = 0;
}

void market_fold_elsewhere(struct market *market, uint32_t instrument, uint32_t partition)
{
    struct instrument_record *record = table_edit(market->instruments, instrument);
    record->partition = partition + 1;
    record->currency = (trading_currency){{0}};
    record->quoted = 0;
    record->bid = record->ask = record->bid_size = record->ask_size = 0;
    record->quote_time = 0;
}

bool market_index(struct market *market)
{
    uint32_t count = table_count(market->instruments);
    for (uint32_t number = 1; number <= count; number++) {
        if (!index_insert(market->by_symbol, symbol_hash(&instrument_get(market, number)->symbol), number))
            return false;
    }
    return true;
}
