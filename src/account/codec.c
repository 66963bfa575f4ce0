#include "account/events.h"

#include <trading/account.h>

static void write_transfer(struct writer *writer, uint32_t kind, const struct account_event *event)
{
    write_amount(writer, event->amount);
    write_u64(writer, event->other);
    if (event->other)
        return;
    write_bytes(writer, &event->other_id, sizeof event->other_id);
    if (kind == TRADING_EVENT_TRANSFER_SENT) {
        write_bytes(writer, &event->own_id, sizeof event->own_id);
        write_bytes(writer, event->currency.text, 3);
    }
}

static void read_transfer(struct reader *reader, uint32_t kind, struct account_event *event)
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

static void read_alias(struct reader *reader, struct account_event *event)
{
    event->portfolio = read_u32(reader);
    event->alias_space = (const char *)read_block(reader, &event->alias_space_size);
    event->alias_name = (const char *)read_block(reader, &event->alias_name_size);
    if (event->alias_space_size == 0 || event->alias_space_size > TRADING_ALIAS_SPACE_BYTES || event->alias_name_size == 0 ||
        event->alias_name_size > TRADING_ALIAS_NAME_BYTES)
        reader->bad = true;
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
    case TRADING_EVENT_FUNDS_HELD:
    case TRADING_EVENT_FUNDS_RELEASED:
        write_u64(writer, event->order);
        write_amount(writer, event->amount);
        break;
    case TRADING_EVENT_FUNDS_PAID:
        write_u64(writer, event->order);
        write_amount(writer, event->amount);
        write_amount(writer, event->held);
        break;
    case TRADING_EVENT_FUNDS_RECEIVED:
        write_u64(writer, event->order);
        write_amount(writer, event->amount);
        write_i64(writer, event->rounding);
        break;
    case TRADING_EVENT_REFUND_ACCEPTED:
        write_amount(writer, event->amount);
        write_u64(writer, event->order);
        break;
    case TRADING_EVENT_COMMAND_REJECTED:
        write_u64(writer, (uint64_t)event->reason);
        write_i64(writer, event->required);
        write_i64(writer, event->available);
        break;
    case TRADING_EVENT_ACCOUNT_FROZEN:
    case TRADING_EVENT_ACCOUNT_UNFROZEN:
        break;
    case TRADING_EVENT_TRANSFER_SENT:
    case TRADING_EVENT_TRANSFER_RECEIVED:
        write_transfer(writer, kind, event);
        break;
    case TRADING_EVENT_TRANSFER_REFUSED:
        write_amount(writer, event->amount);
        write_u64(writer, (uint64_t)event->reason);
        write_bytes(writer, &event->other_id, sizeof event->other_id);
        break;
    case TRADING_EVENT_TRANSFER_RETURNED:
        write_amount(writer, event->amount);
        write_u64(writer, (uint64_t)event->reason);
        break;
    case TRADING_EVENT_ALIAS_BOUND:
        write_u64(writer, event->portfolio);
        write_block(writer, event->alias_space, event->alias_space_size);
        write_block(writer, event->alias_name, event->alias_name_size);
        break;
    default: /* deposited, withdrawn, credited, debited, closed, a transfer settled */
        write_amount(writer, event->amount);
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
