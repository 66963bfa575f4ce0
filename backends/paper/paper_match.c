/* What an order trades at the quote, and in how many pieces. */
#include "backends/paper/paper.h"

/* What it may trade at now; 0: nothing. */
static trading_decimal price_for(const struct paper *paper, const trading_venue_order *terms)
{
    struct paper_quote quote = paper_quote_of(paper, &terms->symbol);
    trading_decimal quoted = terms->side == TRADING_SIDE_BUY ? quote.ask : quote.bid;
    bool beyond = terms->side == TRADING_SIDE_BUY ? quoted > terms->price : quoted < terms->price;
    return terms->price && beyond ? 0 : quoted;
}

static trading_decimal quantity_for(const struct paper *paper, const struct paper_order *order)
{
    trading_decimal leaves = paper_leaves(order);
    return paper->size && paper->size < leaves ? paper->size : leaves;
}

/* One of so many pieces: whole shares, as long as each of them can have one. */
static trading_decimal piece_of(trading_decimal quantity, int64_t pieces)
{
    trading_decimal piece = quantity / pieces;
    piece -= piece % TRADING_DECIMAL_ONE;
    return pieces == 1 || !piece ? quantity : piece;
}

static void fill(struct paper *paper, struct paper_order *order, trading_decimal quantity, trading_decimal price)
{
    order->filled += quantity;
    struct paper_fill *fill = &order->fills[order->fill_count++];
    *fill = (struct paper_fill){.quantity = quantity, .price = price, .filled = order->filled, .time = paper_now()};
    if (order->filled == order->terms.quantity)
        paper_end(paper, order, TRADING_ORDER_STATUS_FILLED, NULL);
    else
        order->status = TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    paper_tell_fill(paper, order, fill);
}

int paper_match(struct paper *paper, struct paper_order *order)
{
    if (paper_make_room(paper, (size_t)paper->pieces + 1) || paper_make_room_for_fills(paper, order))
        return -1;
    trading_decimal price = price_for(paper, &order->terms);
    trading_decimal quantity = price ? quantity_for(paper, order) : 0;
    for (int64_t pieces = paper->pieces; quantity; pieces--) {
        trading_decimal piece = piece_of(quantity, pieces);
        fill(paper, order, piece, price);
        quantity -= piece;
    }
    if (paper_is_open(order) && order->terms.time_in_force == TRADING_TIME_IN_FORCE_IOC) {
        paper_end(paper, order, TRADING_ORDER_STATUS_CANCELED, "immediate or cancel");
        paper_tell(paper, order, TRADING_EXEC_TYPE_CANCELED);
    }
    return 0;
}
