#include "base/symbol.h"
#include "market/events.h"

static void write_side(struct writer *writer, trading_decimal price, trading_decimal size)
{
    write_amount(writer, price);
    if (price)
        write_amount(writer, size == TRADING_SIZE_UNLIMITED ? 0 : size);
}

static void read_side(struct reader *reader, trading_decimal *price, trading_decimal *size)
{
    *price = read_amount(reader);
    *size = *price ? read_amount(reader) : 0;
    if (*price && *size == 0)
        *size = TRADING_SIZE_UNLIMITED;
}

void market_event_write(struct writer *writer, uint32_t kind, const struct market_event *event)
{
    switch (kind) {
    case TRADING_EVENT_INSTRUMENT_LISTED:
        write_symbol(writer, &event->symbol);
        write_bytes(writer, event->currency.text, 3);
        if (!event->currency.text[0])
            write_u64(writer, event->partition);
        break;
    case TRADING_EVENT_QUOTE_SET:
        write_side(writer, event->bid, event->bid_size);
        write_side(writer, event->ask, event->ask_size);
        break;
    case TRADING_EVENT_QUOTE_TAKEN:
    case TRADING_EVENT_TRADE_TAKEN_OVER:
    case TRADING_EVENT_VENUE_TRADED:
        write_u64(writer, event->order);
        write_u8(writer, (uint8_t)event->side);
        write_amount(writer, event->quantity);
        write_amount(writer, event->price);
        write_amount(writer, event->amount);
        break;
    default: /* the session ended */
        break;
    }
}

void market_event_read(struct reader *reader, uint32_t kind, struct market_event *event)
{
    switch (kind) {
    case TRADING_EVENT_INSTRUMENT_LISTED:
        read_symbol(reader, &event->symbol);
        read_copy(reader, event->currency.text, 3);
        if (!event->currency.text[0])
            event->partition = read_u32(reader);
        if (!event->currency.text[0] && !event->partition)
            reader->bad = true;
        break;
    case TRADING_EVENT_QUOTE_SET:
        read_side(reader, &event->bid, &event->bid_size);
        read_side(reader, &event->ask, &event->ask_size);
        break;
    case TRADING_EVENT_QUOTE_TAKEN:
    case TRADING_EVENT_TRADE_TAKEN_OVER:
    case TRADING_EVENT_VENUE_TRADED:
        event->order = read_u32(reader);
        event->side = read_u8(reader);
        event->quantity = read_amount(reader);
        event->price = read_amount(reader);
        event->amount = read_amount(reader);
        if (event->side != TRADING_SIDE_BUY && event->side != TRADING_SIDE_SELL)
            reader->bad = true;
        break;
    default:
        break;
    }
}
