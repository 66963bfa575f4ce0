/* What views show of instruments, quotes and books. */
#include "engine/view.h"

#include <string.h>

static int32_t find_instrument(const struct sight *sight, const trading_symbol *symbol, struct instrument_record *record)
{
    uint32_t number;
    return sight_found(sight, instrument_read(&sight->domain->market, symbol, sight->pin, &number, record), "instrument");
}

static int32_t show_quote(const struct sight *sight, const void *symbol, void *out)
{
    struct instrument_record record;
    int32_t code = find_instrument(sight, symbol, &record);
    if (code)
        return code;
    *(trading_quote *)out = (trading_quote){.symbol = record.symbol,
                                            .currency = record.currency,
                                            .quoted = (int32_t)record.quoted,
                                            .bid = record.bid,
                                            .ask = record.ask,
                                            .bid_size = record.bid_size,
                                            .ask_size = record.ask_size,
                                            .last_price = record.last_price,
                                            .quote_time = record.quote_time,
                                            .trade_time = record.trade_time,
                                            .position = sight->position,
                                            .version = record.version};
    return TRADING_OK;
}

int32_t trading_view_quote(trading_view *view, const trading_symbol *symbol, trading_quote *out, trading_error *error)
{
    view = view_of_symbol(view, symbol);
    return sight_single(view, symbol && out, "a symbol, and a trading_quote", show_quote, symbol, out, error);
}

static int32_t list_instruments(const struct sight *sight, uint64_t *cursor, trading_symbol *out, size_t max, size_t *count)
{
    const struct table *instruments = sight->domain->market.instruments;
    uint64_t listed = table_installed(instruments, sight->pin);
    if (*cursor > listed)
        return sight_bad_cursor(sight, *cursor);
    for (*count = 0; *count < max && *cursor < listed;) {
        struct instrument_record record;
        int32_t code = sight_read(sight, instruments, (uint32_t)*cursor + 1, &record);
        if (code)
            return code;
        out[*count] = record.symbol;
        *count += domain_has_book(sight->domain, &record.symbol);
        ++*cursor;
    }
    return TRADING_OK;
}

static int32_t page_of_instruments(trading_view *view, uint64_t *cursor, void *out, size_t max, size_t *count,
                                   trading_error *error)
{
    struct sight sight;
    bool sound = page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a cursor, and room for at least one symbol", error);
    return code ? code : sight_end(&sight, list_instruments(&sight, cursor, out, max, count));
}

int32_t trading_view_instruments(trading_view *view, uint64_t *cursor, trading_symbol *out, size_t max, size_t *count,
                                 trading_error *error)
{
    return view_walk(view, page_of_instruments, cursor, out, max, count, error);
}

/* ---- books ----
 *
 * The cursor is the price that was handed out last, since a level that is emptied is used again for another price. */

/* The best level of a side that is worse than the price, and so comes after it; 0: none. */
static int32_t level_after(const struct sight *sight, int32_t side, uint32_t root, trading_decimal price, uint32_t *number)
{
    *number = 0;
    while (root) {
        struct level_record level;
        int32_t code = sight_read(sight, sight->domain->market.levels, root, &level);
        if (code)
            return code;
        bool after = side == TRADING_SIDE_BUY ? level.price < price : level.price > price;
        if (after)
            *number = root;
        root = after ? level.left : level.right;
    }
    return TRADING_OK;
}

static int32_t list_levels(const struct sight *sight, const trading_symbol *symbol, int32_t side, uint64_t *cursor,
                           trading_level *out, size_t max, size_t *count)
{
    struct instrument_record record;
    *count = 0;
    if (*cursor > TRADING_DECIMAL_MAX)
        return sight_bad_cursor(sight, *cursor);
    int32_t code = find_instrument(sight, symbol, &record);
    if (code)
        return code;
    uint32_t number = record.sides[side_index(side)].best;
    if (*cursor)
        code = level_after(sight, side, record.sides[side_index(side)].root, (trading_decimal)*cursor, &number);
    while (!code && number && *count < max) {
        struct level_record level;
        code = sight_read(sight, sight->domain->market.levels, number, &level);
        if (code)
            break;
        number = level.worse;
        if (level.orders == 0)
            continue;
        out[(*count)++] = (trading_level){.price = level.price, .quantity = level.quantity, .orders = level.orders};
        *cursor = (uint64_t)level.price;
    }
    return code;
}

int32_t trading_view_book(trading_view *view, const trading_symbol *symbol, int32_t side, uint64_t *cursor, trading_level *out,
                          size_t max, size_t *count, trading_error *error)
{
    view = view_of_symbol(view, symbol);
    struct sight sight;
    bool is_side = side == TRADING_SIDE_BUY || side == TRADING_SIDE_SELL;
    bool sound = symbol && is_side && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a symbol, a side, a cursor, and room for at least one level", error);
    return code ? code : sight_end(&sight, list_levels(&sight, symbol, side, cursor, out, max, count));
}
