#include "portfolio/events.h"

void portfolio_event_write(struct writer *writer, uint32_t kind, const struct portfolio_event *event)
{
    switch (kind) {
    case TRADING_EVENT_PORTFOLIO_OPENED:
        write_u64(writer, event->account);
        write_block(writer, event->sealed, event->sealed_size);
        break;
    case TRADING_EVENT_SHARES_RESERVED:
    case TRADING_EVENT_SHARES_RELEASED:
        write_u64(writer, event->order);
        write_amount(writer, event->quantity);
        break;
    case TRADING_EVENT_LOT_ACQUIRED:
        write_u64(writer, event->order);
        write_amount(writer, event->quantity);
        write_amount(writer, event->amount);
        break;
    case TRADING_EVENT_LOT_DISPOSED:
        write_u64(writer, event->order);
        write_u64(writer, event->lot);
        write_amount(writer, event->quantity);
        write_amount(writer, event->amount);
        write_amount(writer, event->cost);
        break;
    default: /* closing, closed */
        break;
    }
}

void portfolio_event_read(struct reader *reader, uint32_t kind, struct portfolio_event *event)
{
    switch (kind) {
    case TRADING_EVENT_PORTFOLIO_OPENED:
        event->account = read_u32(reader);
        event->sealed = read_block(reader, &event->sealed_size);
        break;
    case TRADING_EVENT_SHARES_RESERVED:
    case TRADING_EVENT_SHARES_RELEASED:
        event->order = read_u32(reader);
        event->quantity = read_amount(reader);
        break;
    case TRADING_EVENT_LOT_ACQUIRED:
        event->order = read_u32(reader);
        event->quantity = read_amount(reader);
        event->amount = read_amount(reader);
        break;
    case TRADING_EVENT_LOT_DISPOSED:
        event->order = read_u32(reader);
        event->lot = read_u32(reader);
        event->quantity = read_amount(reader);
        event->amount = read_amount(reader);
        event->cost = read_amount(reader);
        break;
    default:
        break;
    }
}
