#include "order/events.h"

#define TERMS_SELL       1u
#define TERMS_LIMIT      2u
#define TERMS_TIME_SHIFT 2u
#define TERMS_LOT        16u
#define TERMS_ALL        31u

static void write_terms(struct writer *writer, const struct order_event *event)
{
    unsigned terms = (unsigned)event->time_in_force << TERMS_TIME_SHIFT;
    terms |= event->side == TRADING_SIDE_SELL ? TERMS_SELL : 0;
    terms |= event->type == TRADING_ORDER_TYPE_LIMIT ? TERMS_LIMIT : 0;
    terms |= event->lot ? TERMS_LOT : 0;
    write_u64(writer, event->portfolio);
    write_u64(writer, event->instrument);
    write_u8(writer, (uint8_t)terms);
    write_amount(writer, event->quantity);
    write_amount(writer, event->price);
    if (event->lot)
        write_u64(writer, event->lot);
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

void order_event_write(struct writer *writer, uint32_t kind, const struct order_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ORDER_PLACED:
        write_terms(writer, event);
        break;
    case TRADING_EVENT_ORDER_REJECTED:
        write_terms(writer, event);
        write_u64(writer, (uint64_t)event->reason);
        write_i64(writer, event->required);
        write_i64(writer, event->available);
        break;
    case TRADING_EVENT_ORDER_EXECUTED:
        write_u64(writer, event->counter);
        write_amount(writer, event->quantity);
        write_amount(writer, event->price);
        write_amount(writer, event->amount);
        break;
    default: /* rested, canceled, expired */
        write_amount(writer, event->quantity);
        break;
    }
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
