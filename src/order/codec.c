#include "base/id.h"
#include "base/symbol.h"
#include "order/events.h"

#define TERMS_SELL       1u
#define TERMS_LIMIT      2u
#define TERMS_TIME_SHIFT 2u
#define TERMS_LOT        16u
#define TERMS_ALL        31u

/* The longest event of these: rejected, with a lot. */
#define ORDER_EVENT_BYTES (8u * VARINT_BYTES + 1u)

/* A counter order of another partition. */
#define COUNTER_ELSEWHERE (UINT64_C(1) << 32)

static uint8_t *put_terms(uint8_t *at, const struct order_event *event)
{
    unsigned terms = (unsigned)event->time_in_force << TERMS_TIME_SHIFT;
    terms |= event->side == TRADING_SIDE_SELL ? TERMS_SELL : 0;
    terms |= event->type == TRADING_ORDER_TYPE_LIMIT ? TERMS_LIMIT : 0;
    terms |= event->lot ? TERMS_LOT : 0;
    *at++ = (uint8_t)terms;
    at = varint_put(at, (uint64_t)event->quantity);
    at = varint_put(at, (uint64_t)event->price);
    return event->lot ? varint_put(at, event->lot) : at;
}

static uint8_t *put_placed(uint8_t *at, const struct order_event *event)
{
    at = varint_put(at, event->portfolio);
    at = varint_put(at, event->instrument);
    return put_terms(at, event);
}

static void read_terms(struct reader *reader, struct order_event *event)
{
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

static void read_placed(struct reader *reader, struct order_event *event)
{
    event->portfolio = read_u32(reader);
    event->instrument = read_u32(reader);
    read_terms(reader, event);
}

static int32_t read_reason(struct reader *reader)
{
    return (int32_t)(read_u32(reader) & INT32_MAX);
}

static uint8_t *put_executed(uint8_t *at, const struct order_event *event)
{
    bool elsewhere = !id_is_zero(&event->counter_id);
    at = varint_put(at, elsewhere ? COUNTER_ELSEWHERE : event->counter);
    if (elsewhere) {
        memcpy(at, &event->counter_id, sizeof event->counter_id);
        at += sizeof event->counter_id;
    }
    at = varint_put(at, (uint64_t)event->quantity);
    at = varint_put(at, (uint64_t)event->price);
    return varint_put(at, (uint64_t)event->amount);
}

static void read_executed(struct reader *reader, struct order_event *event)
{
    uint64_t counter = read_u64(reader);
    if (counter == COUNTER_ELSEWHERE)
        read_copy(reader, &event->counter_id, sizeof event->counter_id);
    else
        event->counter = (uint32_t)counter;
    if (counter > COUNTER_ELSEWHERE || (counter == COUNTER_ELSEWHERE && id_is_zero(&event->counter_id)))
        reader->bad = true;
    event->quantity = read_amount(reader);
    event->price = read_amount(reader);
    event->amount = read_amount(reader);
}

/* ---- orders and their books in two partitions ---- */

__attribute__((cold)) static uint8_t *put_apart(uint8_t *at, uint32_t kind, const struct order_event *event)
{
    at = bytes_put(at, &event->id, sizeof event->id);
    switch (kind) {
    case TRADING_EVENT_ORDER_SENT: {
        size_t length = strnlen(event->symbol.text, sizeof event->symbol.text);
        at = bytes_put(varint_put(at, length), event->symbol.text, length);
        at = bytes_put(at, event->currency.text, 3);
        return put_terms(at, event);
    }
    case TRADING_EVENT_GUEST_PLACED:
        return put_terms(varint_put(at, event->instrument), event);
    case TRADING_EVENT_GUEST_EXECUTED:
        at = bytes_put(at, &event->counter_id, sizeof event->counter_id);
        at = varint_put(at, (uint64_t)event->quantity);
        at = varint_put(at, (uint64_t)event->price);
        at = varint_put(at, (uint64_t)event->amount);
        return varint_put(at, zigzag(event->rounding));
    case TRADING_EVENT_GUEST_ENDED:
        at = varint_put(at, (uint64_t)event->quantity);
        *at++ = (uint8_t)event->status;
        return varint_put(at, (uint64_t)event->reason);
    default: /* a cancel is its order's id */
        return at;
    }
}

__attribute__((cold)) static void read_apart(struct reader *reader, uint32_t kind, struct order_event *event)
{
    read_copy(reader, &event->id, sizeof event->id);
    switch (kind) {
    case TRADING_EVENT_ORDER_SENT:
        read_symbol(reader, &event->symbol);
        read_copy(reader, event->currency.text, 3);
        read_terms(reader, event);
        break;
    case TRADING_EVENT_GUEST_PLACED:
        event->instrument = read_u32(reader);
        read_terms(reader, event);
        break;
    case TRADING_EVENT_GUEST_EXECUTED:
        read_copy(reader, &event->counter_id, sizeof event->counter_id);
        event->quantity = read_amount(reader);
        event->price = read_amount(reader);
        event->amount = read_amount(reader);
        event->rounding = read_i64(reader);
        break;
    case TRADING_EVENT_GUEST_ENDED:
        event->quantity = read_amount(reader);
        event->status = read_u8(reader);
        event->reason = read_reason(reader);
        if (event->status != TRADING_ORDER_STATUS_CANCELED && event->status != TRADING_ORDER_STATUS_EXPIRED)
            reader->bad = true;
        break;
    default:
        break;
    }
}

/* ---- all ---- */

static uint8_t *put_event(uint8_t *at, uint32_t kind, const struct order_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ORDER_PLACED:
        return put_placed(at, event);
    case TRADING_EVENT_ORDER_REJECTED:
        at = varint_put(put_placed(at, event), (uint64_t)event->reason);
        at = varint_put(at, zigzag(event->required));
        return varint_put(at, zigzag(event->available));
    case TRADING_EVENT_ORDER_EXECUTED:
        return put_executed(at, event);
    case TRADING_EVENT_ORDER_RESTED:
    case TRADING_EVENT_ORDER_CANCELED:
    case TRADING_EVENT_ORDER_EXPIRED:
    case TRADING_EVENT_ORDER_ROUTED:
        return varint_put(at, (uint64_t)event->quantity);
    case TRADING_EVENT_CANCEL_ROUTED:
        return at;
    default:
        return put_apart(at, kind, event);
    }
}

void order_event_write(struct writer *writer, uint32_t kind, const struct order_event *event)
{
    if (writer_has(writer, ORDER_EVENT_BYTES))
        writer->at = put_event(writer->at, kind, event);
    else
        writer_fill(writer);
}

void order_event_read(struct reader *reader, uint32_t kind, struct order_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ORDER_PLACED:
        read_placed(reader, event);
        break;
    case TRADING_EVENT_ORDER_REJECTED:
        read_placed(reader, event);
        event->reason = read_reason(reader);
        event->required = read_i64(reader);
        event->available = read_i64(reader);
        break;
    case TRADING_EVENT_ORDER_EXECUTED:
        read_executed(reader, event);
        break;
    case TRADING_EVENT_ORDER_RESTED:
    case TRADING_EVENT_ORDER_CANCELED:
    case TRADING_EVENT_ORDER_EXPIRED:
    case TRADING_EVENT_ORDER_ROUTED:
        event->quantity = read_amount(reader);
        break;
    case TRADING_EVENT_CANCEL_ROUTED:
        break;
    default:
        read_apart(reader, kind, event);
        break;
    }
}
