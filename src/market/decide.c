#include "market/decide.h"

#include "base/sum.h"
#include "base/wide.h"

static bool acceptable(int32_t side, trading_decimal limit, trading_decimal price)
{
    if (limit == 0)
        return true;
    return side == TRADING_SIDE_BUY ? price <= limit : price >= limit;
}

static struct match first_of(const struct market *market, const struct level_record *level)
{
    const struct entry_record *entry = entry_get(market, level->first);
    return (struct match){.order = entry->order,
                          .entry = level->first,
                          .next = entry->next_order,
                          .price = level->price,
                          .quantity = entry->leaves};
}

/* What the house offers to an order of the side, no more than its own count of shares can take. */
static struct match house_offer(const struct instrument_record *instrument, int32_t side)
{
    bool buying = side == TRADING_SIDE_BUY;
    trading_decimal price = buying ? instrument->ask : instrument->bid;
    if (price == 0)
        return (struct match){0};
    trading_decimal house = buying ? -instrument->house : instrument->house; /* in the direction that the trade moves it */
    trading_decimal room = house > 0 ? TRADING_DECIMAL_MAX - house : TRADING_DECIMAL_MAX;
    trading_decimal size = buying ? instrument->ask_size : instrument->bid_size;
    return (struct match){.price = price, .quantity = size < room ? size : room};
}

/* Whether a quote is better for an order of the side than the price. */
static bool is_better(const struct match *quote, int32_t side, trading_decimal price)
{
    return quote->quantity && (side == TRADING_SIDE_BUY ? quote->price < price : quote->price > price);
}

bool market_decide_venue(const struct instrument_record *instrument, int32_t side, trading_decimal quantity,
                         struct rejection *why)
{
    trading_decimal change = side == TRADING_SIDE_BUY ? -quantity : quantity;
    return sum_fits(instrument->house, change) || reject(why, TRADING_REASON_TOO_LARGE);
}

struct match market_next_match(const struct market *market, uint32_t instrument, int32_t side, trading_decimal limit)
{
    const struct instrument_record *record = instrument_get(market, instrument);
    struct match house = house_offer(record, side);
    uint32_t best = record->sides[side_index(side_opposite(side))].best;
    const struct level_record *level = level_get(market, best);
    if (best && !is_better(&house, side, level->price))
        return acceptable(side, limit, level->price) ? first_of(market, level) : (struct match){0};
    return acceptable(side, limit, house.price) ? house : (struct match){0};
}

struct match market_next_crossed(const struct market *market, uint32_t instrument, int32_t side)
{
    const struct instrument_record *record = instrument_get(market, instrument);
    struct match house = house_offer(record, side_opposite(side));
    uint32_t best = record->sides[side_index(side_opposite(side))].best;
    const struct level_record *level = level_get(market, best);
    if (!best || house.quantity == 0 || !acceptable(side, house.price, level->price))
        return (struct match){0};
    struct match match = first_of(market, level);
    if (match.quantity > house.quantity)
        match.quantity = house.quantity;
    return match;
}

bool market_decide_cap(trading_decimal ask, trading_decimal collar, trading_decimal *cap, struct rejection *why)
{
    if (ask == 0)
        return reject(why, TRADING_REASON_NO_QUOTE);
    return wide_product_round(wide_product(ask, TRADING_DECIMAL_ONE + collar), cap) || reject(why, TRADING_REASON_TOO_LARGE);
}

bool market_can_rest(const struct market *market, uint32_t instrument, int32_t side, trading_decimal price,
                     trading_decimal quantity)
{
    return sum_fits(level_get(market, book_find(market, instrument, side, price))->quantity, quantity);
}

trading_decimal market_mark(const struct instrument_record *instrument)
{
    if (instrument->bid)
        return instrument->bid;
    return instrument->last_price ? instrument->last_price : instrument->ask;
}
