#include "account/events.h"

#include <trading/account.h>

/* The longest event of these that has no text: a transfer sent to another partition. */
#define ACCOUNT_EVENT_BYTES ((size_t)2 * VARINT_BYTES + 2 * sizeof(trading_id) + 3)
_Static_assert(ACCOUNT_EVENT_BYTES >= (size_t)3 * VARINT_BYTES, "nor is a rejection longer, or what a trade pays");

__attribute__((cold)) static uint8_t *put_transfer(uint8_t *at, uint32_t kind, const struct account_event *event)
{
    at = varint_put(at, (uint64_t)event->amount);
    at = varint_put(at, event->other);
    if (event->other)
        return at;
    at = bytes_put(at, &event->other_id, sizeof event->other_id);
    if (kind != TRADING_EVENT_TRANSFER_SENT)
        return at;
    at = bytes_put(at, &event->own_id, sizeof event->own_id);
    return bytes_put(at, event->currency.text, 3);
}

__attribute__((cold)) static void read_transfer(struct reader *reader, uint32_t kind, struct account_event *event)
{
    event->amount = read_amount(reader);
    event->other = read_u32(reader);
    if (event->other)
        return;
    read_copy(reader, &event->other_id, sizeof event->other_id);
    if (kind == TRADING_EVENT_TRANSFER_SENT) {
        read_copy(reader, &event->own_id, sizeof event->own_id);
        read_copy(reader, event->currency.text, 3);
    }
}

static int32_t read_reason(struct reader *reader)
{
    return (int32_t)(read_u32(reader) & INT32_MAX);
}

__attribute__((cold)) static void read_alias(struct reader *reader, struct account_event *event)
{
    event->portfolio = read_u32(reader);
    event->alias_space = (const char *)read_block(reader, &event->alias_space_size);
    event->alias_name = (const char *)read_block(reader, &event->alias_name_size);
    if (event->alias_space_size == 0 || event->alias_space_size > TRADING_ALIAS_SPACE_BYTES || event->alias_name_size == 0 ||
        event->alias_name_size > TRADING_ALIAS_NAME_BYTES)
        reader->bad = true;
}

static uint8_t *put_event(uint8_t *at, uint32_t kind, const struct account_event *event)
{
    switch (kind) {
    case TRADING_EVENT_FUNDS_HELD:
    case TRADING_EVENT_FUNDS_RELEASED:
        at = varint_put(at, event->order);
        return varint_put(at, (uint64_t)event->amount);
    case TRADING_EVENT_FUNDS_PAID:
        at = varint_put(at, event->order);
        at = varint_put(at, (uint64_t)event->amount);
        return varint_put(at, (uint64_t)event->held);
    case TRADING_EVENT_FUNDS_RECEIVED:
        at = varint_put(at, event->order);
        at = varint_put(at, (uint64_t)event->amount);
        return varint_put(at, zigzag(event->rounding));
    case TRADING_EVENT_REFUND_ACCEPTED:
        at = varint_put(at, (uint64_t)event->amount);
        return varint_put(at, event->order);
    case TRADING_EVENT_COMMAND_REJECTED:
        at = varint_put(at, (uint64_t)event->reason);
        at = varint_put(at, zigzag(event->required));
        return varint_put(at, zigzag(event->available));
    case TRADING_EVENT_ACCOUNT_FROZEN:
    case TRADING_EVENT_ACCOUNT_UNFROZEN:
        return at;
    case TRADING_EVENT_TRANSFER_SENT:
    case TRADING_EVENT_TRANSFER_RECEIVED:
        return put_transfer(at, kind, event);
    case TRADING_EVENT_TRANSFER_REFUSED:
        at = varint_put(at, (uint64_t)event->amount);
        at = varint_put(at, (uint64_t)event->reason);
        return bytes_put(at, &event->other_id, sizeof event->other_id);
    case TRADING_EVENT_TRANSFER_RETURNED:
        at = varint_put(at, (uint64_t)event->amount);
        return varint_put(at, (uint64_t)event->reason);
    default: /* deposited, withdrawn, credited, debited, closed, a transfer settled */
        return varint_put(at, (uint64_t)event->amount);
    }
}

void account_event_write(struct writer *writer, uint32_t kind, const struct account_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
        write_bytes(writer, event->currency.text, 3);
        write_block(writer, event->sealed, event->sealed_size);
        break;
    case TRADING_EVENT_CONTACT_UPDATED:
    case TRADING_EVENT_ADDRESS_UPDATED:
        write_block(writer, event->sealed, event->sealed_size);
        break;
    case TRADING_EVENT_ALIAS_BOUND:
        write_u64(writer, event->portfolio);
        write_block(writer, event->alias_space, event->alias_space_size);
        write_block(writer, event->alias_name, event->alias_name_size);
        break;
    default:
        if (writer_has(writer, ACCOUNT_EVENT_BYTES))
            writer->at = put_event(writer->at, kind, event);
        else
            writer_fill(writer);
        break;
    }
}

void account_event_read(struct reader *reader, uint32_t kind, struct account_event *event)
{
    switch (kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
        read_copy(reader, event->currency.text, 3);
        event->sealed = read_block(reader, &event->sealed_size);
        break;
    case TRADING_EVENT_CONTACT_UPDATED:
    case TRADING_EVENT_ADDRESS_UPDATED:
        event->sealed = read_block(reader, &event->sealed_size);
        break;
    case TRADING_EVENT_FUNDS_HELD:
    case TRADING_EVENT_FUNDS_RELEASED:
        event->order = read_u32(reader);
        event->amount = read_amount(reader);
        break;
    case TRADING_EVENT_FUNDS_PAID:
        event->order = read_u32(reader);
        event->amount = read_amount(reader);
        event->held = read_amount(reader);
        break;
    case TRADING_EVENT_FUNDS_RECEIVED:
        event->order = read_u32(reader);
        event->amount = read_amount(reader);
        event->rounding = read_i64(reader);
        break;
    case TRADING_EVENT_REFUND_ACCEPTED:
        event->amount = read_amount(reader);
        event->order = read_u32(reader);
        break;
    case TRADING_EVENT_COMMAND_REJECTED:
        event->reason = read_reason(reader);
        event->required = read_i64(reader);
        event->available = read_i64(reader);
        break;
    case TRADING_EVENT_ACCOUNT_FROZEN:
    case TRADING_EVENT_ACCOUNT_UNFROZEN:
        break;
    case TRADING_EVENT_TRANSFER_SENT:
    case TRADING_EVENT_TRANSFER_RECEIVED:
        read_transfer(reader, kind, event);
        break;
    case TRADING_EVENT_TRANSFER_REFUSED:
        event->amount = read_amount(reader);
        event->reason = read_reason(reader);
        read_copy(reader, &event->other_id, sizeof event->other_id);
        break;
    case TRADING_EVENT_TRANSFER_RETURNED:
        event->amount = read_amount(reader);
        event->reason = read_reason(reader);
        break;
    case TRADING_EVENT_ALIAS_BOUND:
        read_alias(reader, event);
        break;
    default:
        event->amount = read_amount(reader);
        break;
    }
}
