/* The state of the market: instruments with the house's quote, and their order books.
 *
 * A side of a book is a list of price levels, the best first, and a balanced tree over the same levels to find a price in it; a level is a
 * queue of entries, the oldest first. An entry is what rests of one order, known by its number alone. Canceling is O(1).
 *
 * Tree and list change seldom, though the best level is emptied by every third order of a lively market: prices come back, so the few
 * levels that were emptied last stay where they are (book_vacate), and where a price's level stands is guessed before it is searched. */
#ifndef MARKET_STATE_H
#define MARKET_STATE_H

#include "base/moment.h"
#include "base/sum.h"
#include "market/events.h"
#include "state/index.h"
#include "state/table.h"

/* How many levels without an order a side keeps at most. */
#define BOOK_VACANT 64u

/* One side of a book. */
struct book_side {
    uint32_t best;    /* the best level that has an order; 0: there is none */
    uint32_t root;    /* of the tree */
    uint32_t longest; /* the level that has been vacant longest */
    uint32_t latest;  /* the one that was emptied last */
    uint32_t vacant;  /* how many they are */
    uint32_t unused;
};

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
    trading_decimal house;   /* shares of the house: with those of the customers and of messages they sum to zero */
    struct wide_sum carried; /* shares that messages to other partitions took along, less what those from them brought */
    int64_t last_position;
    int64_t version;
    struct book_side sides[2];
    uint32_t partition; /* + 1 of that which has its book, when that is another; its currency is then not known here */
    uint32_t unused;
};

struct level_record {
    trading_decimal price;    /* 0: it is free */
    trading_decimal quantity; /* of all its entries */
    uint32_t orders;          /* 0: it is vacant, or free */
    uint32_t first;           /* entry, the oldest; of a vacant level: the level emptied before it */
    uint32_t last;            /* entry, the newest; of a vacant level: the level emptied after it */
    uint32_t book;            /* book_of its instrument and side */
    uint32_t better;          /* the neighbours in the list, vacant ones too */
    uint32_t worse;           /* of a free level: the next free one */
    uint32_t left;            /* the tree; better prices are to the left */
    uint32_t right;
    uint32_t rank; /* its height in the tree, from 1 */
    uint32_t unused;
};

struct entry_record {
    uint32_t order; /* 0: the entry is free */
    uint32_t level;
    uint32_t next;       /* of a free entry: the next free one; of a level's last, nothing that counts */
    uint32_t previous;   /* of a level's first, nothing that counts */
    uint32_t next_order; /* that of the next entry, to call it into the cache before it is met */
    uint32_t unused;
    trading_decimal leaves;
};

/* One record: levels and entries to be used again. */
struct exchange_record {
    uint32_t free_level;
    uint32_t free_entry;
};

/* Guesses where a price's level stands. */
#define BOOK_HINTS 2048u

struct market {
    struct table *instruments;
    struct table *levels;
    struct table *entries;
    struct table *exchange;
    struct index *by_symbol;
    uint32_t hints[BOOK_HINTS]; /* levels; never believed before the level's own record was asked */
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

/* One number for both, as level_record.book has it. */
static inline uint32_t book_of(uint32_t instrument, int32_t side)
{
    return instrument << 1 | side_index(side);
}

static inline bool symbol_equal(const trading_symbol *a, const trading_symbol *b)
{
    return !memcmp(a->text, b->text, sizeof a->text);
}

uint32_t instrument_find(const struct market *market, const trading_symbol *symbol);
/* The same for who only wants advice, on any thread: maybe another's number. */
uint32_t instrument_foresee(const struct market *market, const trading_symbol *symbol);
enum table_read instrument_read(const struct market *market, const trading_symbol *symbol, struct pin *pin, uint32_t *number,
                                struct instrument_record *record);

/* Whether its book and quote are in another partition. */
static inline bool instrument_is_away(const struct instrument_record *instrument)
{
    return instrument->partition != 0;
}

/* Makes the records that there is one of, before the first event. */
bool market_found(struct market *market);

/* Applies an event, and says what it follows. NULL, or which invariant it breaks. */
const char *market_fold(struct market *market, uint32_t kind, const struct market_event *event, struct moment *at);

/* What an order's event does to the book: it rests, and `entry` receives where; it trades; or it ends. An entry of 0 does not rest. */
const char *market_fold_rested(struct market *market, uint32_t instrument, int32_t side, trading_decimal price, uint32_t order,
                               trading_decimal quantity, uint32_t *entry);
const char *market_fold_traded(struct market *market, uint32_t instrument, int32_t side, uint32_t entry,
                               trading_decimal quantity, trading_decimal price, struct moment at);
const char *market_fold_ended(struct market *market, uint32_t instrument, int32_t side, uint32_t entry);

/* A message took shares along, or claimed them (negative); one that came did the opposite. */
void market_fold_carried(struct market *market, uint32_t instrument, trading_decimal taken);

/* A place among the entries, in no level of a book, for an order whose book is in another partition; 0 when there is no memory. */
uint32_t market_fold_away(struct market *market, uint32_t order, trading_decimal quantity);

/* A partition was split (process/split.c). The order's book is in another from here on: it leaves its level, and keeps its place. */
void market_fold_leave(struct market *market, uint32_t instrument, int32_t side, uint32_t entry);
/* The house's shares are in another partition from here on, as if messages had taken them along. */
void market_fold_house_gone(struct market *market, uint32_t instrument);
/* The instrument's book and quote are in that partition from here on, or, of one whose book was elsewhere, are counted so. */
void market_fold_elsewhere(struct market *market, uint32_t instrument, uint32_t partition);

bool market_index(struct market *market);

/* ---- book.c: the levels of one side ---- */

/* The level of a price, which may be vacant, or 0. */
uint32_t book_find(const struct market *market, uint32_t instrument, int32_t side, trading_decimal price);

/* The level of a price, made if it is not there, to rest an order in: it is vacant no more, and the best if it is better than that.
 * NULL when there is no memory. */
struct level_record *book_fill(struct market *market, uint32_t instrument, int32_t side, trading_decimal price,
                               uint32_t *number);

/* The level has lost its last order. It stays in the book, in place of the one that has been vacant longest. */
void book_vacate(struct market *market, uint32_t instrument, int32_t side, uint32_t number);

#endif
