/**
 * @file
 * The market: instruments, quotes and the built-in exchange's order books.
 *
 * A book matches by price, then time. The quote is the house's order, one a side, behind customers at the same price; its size is
 * used up until the next SET_QUOTE. A trade is at the price of the order that was there first. Orders of one account may trade
 * with each other. An instrument is listed by the first quote or order that names its symbol, in that one's currency.
 */
#ifndef TRADING_MARKET_H
#define TRADING_MARKET_H

#include <trading/command.h>

TRADING_EXTERN_C_BEGIN

/** A size that is not used up. */
#define TRADING_SIZE_UNLIMITED TRADING_DECIMAL_MAX

/** Body of SET_QUOTE: replaces the quote of the symbol. A side with price 0 is not quoted. A new quote that crosses resting orders
 *  trades with them at their prices, by priority, as far as its size goes. */
typedef struct trading_set_quote {
    uint32_t size;
    trading_currency currency; /**< of the instrument, when this lists it; zero means USD. Another than the listed: rejected */
    trading_symbol symbol;
    trading_decimal bid;      /**< what the house pays, ≥ 0; below the ask where both are quoted */
    trading_decimal ask;      /**< what the house asks, ≥ 0 */
    trading_decimal bid_size; /**< shares, > 0, or TRADING_SIZE_UNLIMITED, which _init sets */
    trading_decimal ask_size;
} trading_set_quote;

/** @name Flags of ACKNOWLEDGE */
/**@{*/
#define TRADING_ACKNOWLEDGE_FOREIGN                                                                                            \
    1u /**< the position is none of the journal's, as the next offset of a topic that commands come from: it may be any from 0 on */
/**@}*/

/** Body of ACKNOWLEDGE: the durable cursor `name` of a feed stands at `position`: everything before it is done. */
typedef struct trading_acknowledge {
    uint32_t size;
    uint32_t flags;    /**< TRADING_ACKNOWLEDGE_ */
    trading_text name; /**< 1 to 63 bytes of printable UTF-8 */
    int64_t position;  /**< not below where the cursor stands */
} trading_acknowledge;

TRADING_API void trading_set_quote_init(trading_set_quote *body);
TRADING_API void trading_acknowledge_init(trading_acknowledge *body);

#define TRADING_SET_QUOTE_INIT                                                                                                 \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_set_quote), .bid_size = TRADING_SIZE_UNLIMITED, .ask_size = TRADING_SIZE_UNLIMITED    \
    }
#define TRADING_ACKNOWLEDGE_INIT                                                                                               \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_acknowledge)                                                                          \
    }

/** An instrument and its quote as a view shows them. The layout is frozen. */
typedef struct trading_quote {
    trading_symbol symbol;
    trading_currency currency;
    int32_t quoted;      /**< 1 once a quote was set */
    trading_decimal bid; /**< 0: not quoted */
    trading_decimal ask;
    trading_decimal bid_size; /**< what is left of it; TRADING_SIZE_UNLIMITED stays */
    trading_decimal ask_size;
    trading_decimal last_price; /**< of the last trade; 0 before the first */
    trading_time quote_time;    /**< when the quote was set */
    trading_time trade_time;
    int64_t position; /**< as of this journal position */
    int64_t version;
} trading_quote;

/** One price of one side of a book, the house's quote left out. The layout is frozen. */
typedef struct trading_level {
    trading_decimal price;
    trading_decimal quantity; /**< all that rests there */
    uint32_t orders;
    uint32_t reserved;
} trading_level;

TRADING_EXTERN_C_END

#endif
