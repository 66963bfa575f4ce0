#include "portfolio/events.h"

/* The longest event that has no text: a disposal. */
#define SHARES_EVENT_BYTES ((size_t)5 * VARINT_BYTES)

static uint8_t *put_shares(uint8_t *at, uint32_t kind, const struct portfolio_event *event)
{
    at = varint_put(at, event->order);
    if (kind == TRADING_EVENT_LOT_DISPOSED)
        at = varint_put(at, event->lot);
    at = varint_put(at, (uint64_t)event->quantity);
    if (kind == TRADING_EVENT_LOT_ACQUIRED || kind == TRADING_EVENT_LOT_DISPOSED)
        at = varint_put(at, (uint64_t)event->amount);
    return kind == TRADING_EVENT_LOT_DISPOSED ? varint_put(at, (uint64_t)event->cost) : at;
}

void portfolio_event_write(struct writer *writer, uint32_t kind, const struct portfolio_event *event)
{
    switch (kind) {
    case TRADING_EVENT_PORTFOLIO_OPENED:
        write_u64(writer, event->account);
        write_block(writer, event->sealed, event->sealed_size);
        break;
    case TRADING_EVENT_PORTFOLIO_CLOSING:
    case TRADING_EVENT_PORTFOLIO_CLOSED:
        break;
    default:
        if (writer_has(writer, SHARES_EVENT_BYTES))
            writer->at = put_shares(writer->at, kind, event);
        else
            writer_fill(writer);
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
