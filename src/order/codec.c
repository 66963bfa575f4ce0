#include "order/events.h"

#define TERMS_SELL       1u
#define TERMS_LIMIT      2u
#define TERMS_TIME_SHIFT 2u
#define TERMS_LOT        16u
#define TERMS_ALL        31u

/* The longest event: rejected, with a lot. */
#define ORDER_EVENT_BYTES (8u * VARINT_BYTES + 1u)

static uint8_t *put_terms(uint8_t *at, const struct order_event *event)
{
    unsigned terms = (unsigned)event->time_in_force << TERMS_TIME_SHIFT;
    terms |= event->side == TRADING_SIDE_SELL ? TERMS_SELL : 0;
    terms |= event->type == TRADING_ORDER_TYPE_LIMIT ? TERMS_LIMIT : 0;
    terms |= event->lot ? TERMS_LOT : 0;
    at = varint_put(at, event->portfolio);
    at = varint_put(at, event->instrument);
    *at++ = (uint8_t)terms;
    at = varint_put(at, (uint64_t)event->quantity);
    at = varint_put(at, (uint64_t)event->price);
    return event->lot ? varint_put(at, event->lot) : at;
}

static void read_terms(struct reader *reader, struct order_event *event)
{
    event->portfolio = read_u32(reader);
    event->instrument = read_u32(reader);
    unsigned terms = read_u8(reader);
    event->side = terms & TERMS_SELL ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
    event->type = terms & TERMS_LIMIT ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    event->time_in_force = (int32_t)(terms >> TERMS_TIME_SHIFT & 3u);
    event->quantity = read_amount(reader);
    event->price = read_amount(reader);
    event->lot = terms & TERMS_LOT ? read_u32(reader) : 0;
    if (terms > TERMS_ALL || event->time_in_force == 0 || (terms & TERMS_LOT && event->lot == 0))
        reader->bad = true;
}

static uint8_t *put_event(uint8_t *at, uint32_t kind, const struct order_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ORDER_PLACED:
        return put_terms(at, event);
    case TRADING_EVENT_ORDER_REJECTED:
        at = varint_put(put_terms(at, event), (uint64_t)event->reason);
        at = varint_put(at, zigzag(event->required));
        return varint_put(at, zigzag(event->available));
    case TRADING_EVENT_ORDER_EXECUTED:
        at = varint_put(at, event->counter);
        at = varint_put(at, (uint64_t)event->quantity);
        at = varint_put(at, (uint64_t)event->price);
        return varint_put(at, (uint64_t)event->amount);
    default: /* rested, canceled, expired */
        return varint_put(at, (uint64_t)event->quantity);
    }
}

void order_event_write(struct writer *writer, uint32_t kind, const struct order_event *event)
{
    if (writer_has(writer, ORDER_EVENT_BYTES))
        writer->at = put_event(writer->at, kind, event);
    else
        writer->full = true;
}

void order_event_read(struct reader *reader, uint32_t kind, struct order_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ORDER_PLACED:
        read_terms(reader, event);
        break;
    case TRADING_EVENT_ORDER_REJECTED:
        read_terms(reader, event);
        event->reason = (int32_t)(read_u32(reader) & INT32_MAX);
        event->required = read_i64(reader);
        event->available = read_i64(reader);
        break;
    case TRADING_EVENT_ORDER_EXECUTED:
        event->counter = read_u32(reader);
        event->quantity = read_amount(reader);
        event->price = read_amount(reader);
        event->amount = read_amount(reader);
        break;
    default:
        event->quantity = read_amount(reader);
        break;
    }
}
