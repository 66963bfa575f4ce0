/* The state of the market: instruments with the house's quote, and their order books.
 *
 * A side of a book is a list of price levels, the best first, and a balanced tree over the same levels to find a price in it; a level is a
 * queue of entries, the oldest first. An entry is what rests of one order, known by its number alone. Canceling is O(1). */
#ifndef MARKET_STATE_H
#define MARKET_STATE_H

#include "base/moment.h"
#include "market/events.h"
#include "state/index.h"
#include "state/table.h"

struct instrument_record {
    trading_symbol symbol;
    trading_currency currency;
    uint32_t quoted;
    trading_decimal bid;
    trading_decimal ask;
    trading_decimal bid_size;
    trading_decimal ask_size;
    trading_decimal last_price;
    trading_time quote_time;
    trading_time trade_time;
    trading_decimal house; /* shares of the house: with those of the customers they sum to zero */
    int64_t last_position;
    int64_t version;
    struct {
        uint32_t best; /* level */
        uint32_t root; /* level */
    } sides[2];
};

struct level_record {
    trading_decimal price;
    trading_decimal quantity; /* of all its entries */
    uint32_t orders;
    uint32_t first; /* entry, the oldest */
    uint32_t last;
    uint32_t better; /* the neighbours in the list */
    uint32_t worse;  /* of a free level: the next free one */
    uint32_t left;   /* the tree; better prices are to the left */
    uint32_t right;
    uint32_t rank; /* its height in the tree, from 1 */
};

struct entry_record {
    uint32_t order; /* 0: the entry is free */
    uint32_t level;
    uint32_t next; /* of a free entry: the next free one */
    uint32_t previous;
    trading_decimal leaves;
};

/* One record: levels and entries to be used again. */
struct exchange_record {
    uint32_t free_level;
    uint32_t free_entry;
};

struct market {
    struct table *instruments;
    struct table *levels;
    struct table *entries;
    struct table *exchange;
    struct index *by_symbol;
};

static inline const struct instrument_record *instrument_get(const struct market *market, uint32_t number)
{
    return table_get(market->instruments, number);
}

static inline const struct level_record *level_get(const struct market *market, uint32_t number)
{
    return table_get(market->levels, number);
}

static inline const struct entry_record *entry_get(const struct market *market, uint32_t number)
{
    return table_get(market->entries, number);
}

/* Which of an instrument's sides an order's side is. */
static inline uint32_t side_index(int32_t side)
{
    return side == TRADING_SIDE_BUY ? 0 : 1;
}

static inline int32_t side_opposite(int32_t side)
{
    return side == TRADING_SIDE_BUY ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
}

uint32_t instrument_find(const struct market *market, const trading_symbol *symbol);
enum table_read instrument_read(const struct market *market, const trading_symbol *symbol, struct pin *pin, uint32_t *number,
                                struct instrument_record *record);

/* Makes the records that there is one of, before the first event. */
bool market_found(struct market *market);

/* Applies an event. NULL, or which invariant it breaks. */
const char *market_fold(struct market *market, uint32_t kind, const struct market_event *event, struct moment at);

/* What an order's event does to the book: it rests, and `entry` receives where; it trades; or it ends. An entry of 0 does not rest. */
const char *market_fold_rested(struct market *market, uint32_t instrument, int32_t side, trading_decimal price, uint32_t order,
                               trading_decimal quantity, uint32_t *entry);
const char *market_fold_traded(struct market *market, uint32_t instrument, int32_t side, uint32_t entry,
                               trading_decimal quantity, trading_decimal price, struct moment at);
const char *market_fold_ended(struct market *market, uint32_t instrument, int32_t side, uint32_t entry);

bool market_index(struct market *market);

/* ---- book.c: the levels of one side ---- */

/* The level of a price, or 0. */
uint32_t book_find(const struct market *market, uint32_t instrument, int32_t side, trading_decimal price);
/* The level of a price, made if it is not there; 0 when there is no memory. */
uint32_t book_level(struct market *market, uint32_t instrument, int32_t side, trading_decimal price);
/* Takes an empty level out. */
void book_drop(struct market *market, uint32_t instrument, int32_t side, uint32_t level);

#endif
