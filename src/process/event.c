#include "process/event.h"

#include "base/moment.h"

static int64_t read_back(struct reader *reader, int64_t position)
{
    int64_t back = read_amount(reader);
    if (back > position)
        reader->bad = true;
    return back ? position - back : POSITION_NONE;
}

static uint64_t back(int64_t position, int64_t before)
{
    return before == POSITION_NONE ? 0 : (uint64_t)(position - before);
}

/* Whom it is a message to. */
__attribute__((cold)) static void write_address(struct writer *writer, const struct event *event)
{
    write_u64(writer, event->to);
    if (event->to)
        write_u64(writer, back(event->position, event->before));
}

static void write_head(struct writer *writer, const struct event *event)
{
    if (!writer_has(writer, EVENT_HEADER_BYTES)) {
        writer_fill(writer);
        return;
    }
    *writer->at = (uint8_t)event->kind;
    writer->at = varint_put(varint_put(writer->at + 1, event->number), back(event->position, event->previous));
    if (event_may_be_sent(event->kind))
        write_address(writer, event);
}

static void read_head(struct reader *reader, int64_t position, struct event *event)
{
    event->kind = read_u8(reader);
    event->number = read_u32(reader);
    event->position = position;
    event->previous = read_back(reader, position);
    event->before = POSITION_NONE;
    if (!event_may_be_sent(event->kind))
        return;
    event->to = read_u32(reader);
    if (event->to)
        event->before = read_back(reader, position);
}

__attribute__((cold)) static void write_work(struct writer *writer, const struct work *work)
{
    write_u64(writer, work->kind);
    write_u64(writer, work->subject);
    write_u64(writer, work->cursor);
    write_u64(writer, work->order);
    write_u64(writer, work->ordinal);
    if (work->kind != WORK_SETTLE)
        return;
    write_amount(writer, work->quantity);
    write_amount(writer, work->price);
    write_amount(writer, work->amount);
    write_bytes(writer, &work->counter, sizeof work->counter);
}

static void read_work(struct reader *reader, struct work *work)
{
    work->kind = read_u32(reader);
    work->subject = read_u32(reader);
    work->cursor = read_u32(reader);
    work->order = read_u32(reader);
    work->ordinal = read_u32(reader);
    if (work->kind == WORK_NONE || work->kind > WORK_SETTLE)
        reader->bad = true;
    if (work->kind != WORK_SETTLE)
        return;
    work->quantity = read_amount(reader);
    work->price = read_amount(reader);
    work->amount = read_amount(reader);
    read_copy(reader, &work->counter, sizeof work->counter);
}

static void read_cursor(struct reader *reader, struct cursor_event *cursor)
{
    cursor->position = read_amount(reader);
    cursor->name = read_block(reader, &cursor->name_size);
    if (cursor->name_size > CURSOR_NAME_BYTES)
        reader->bad = true;
}

#define END_BYTES 8u

__attribute__((cold)) static void write_split(struct writer *writer, const struct split_event *split)
{
    write_u64(writer, split->from);
    write_u64(writer, split->to);
    write_block(writer, split->ends, split->ends_size);
}

static void read_split(struct reader *reader, struct split_event *split)
{
    split->from = read_u32(reader);
    split->to = read_u32(reader);
    split->ends = read_block(reader, &split->ends_size);
    if (!split->from || split->to <= split->from || split->to % split->from ||
        split->ends_size != (uint64_t)split->from * END_BYTES)
        reader->bad = true;
}

int64_t split_event_end(const struct split_event *split, uint32_t partition)
{
    uint64_t end;
    memcpy(&end, split->ends + (size_t)partition * END_BYTES, sizeof end);
    return (int64_t)le64toh(end);
}

/* Of the kinds that belong to no context. */
__attribute__((cold)) static void write_other(struct writer *writer, const struct event *event)
{
    switch (event->kind) {
    case TRADING_EVENT_WORK_PAUSED:
        write_work(writer, &event->work);
        break;
    case TRADING_EVENT_PARTITION_SPLIT:
        write_split(writer, &event->split);
        break;
    default:
        write_amount(writer, event->cursor.position);
        write_block(writer, event->cursor.name, event->cursor.name_size);
        break;
    }
}

__attribute__((cold)) static void read_other(struct reader *reader, struct event *event)
{
    switch (event->kind) {
    case TRADING_EVENT_WORK_PAUSED:
        read_work(reader, &event->work);
        break;
    case TRADING_EVENT_CURSOR_ACKNOWLEDGED:
        read_cursor(reader, &event->cursor);
        break;
    case TRADING_EVENT_PARTITION_SPLIT:
        read_split(reader, &event->split);
        break;
    default:
        reader->bad = true;
        break;
    }
}

void event_write(struct writer *writer, const struct event *event)
{
    write_head(writer, event);
    switch (event_entity(event->kind)) {
    case TRADING_ENTITY_ACCOUNT:
        account_event_write(writer, event->kind, &event->account);
        break;
    case TRADING_ENTITY_PORTFOLIO:
        portfolio_event_write(writer, event->kind, &event->portfolio);
        break;
    case TRADING_ENTITY_ORDER:
        order_event_write(writer, event->kind, &event->order);
        break;
    case TRADING_ENTITY_INSTRUMENT:
        market_event_write(writer, event->kind, &event->market);
        break;
    default:
        write_other(writer, event);
        break;
    }
}

void event_read(struct reader *reader, int64_t position, struct event *event)
{
    memset(event, 0, sizeof *event);
    read_head(reader, position, event);
    switch (event_entity(event->kind)) {
    case TRADING_ENTITY_ACCOUNT:
        event->account.account = event->number;
        account_event_read(reader, event->kind, &event->account);
        break;
    case TRADING_ENTITY_PORTFOLIO:
        event->portfolio.portfolio = event->number;
        portfolio_event_read(reader, event->kind, &event->portfolio);
        break;
    case TRADING_ENTITY_ORDER:
        event->order.order = event->number;
        order_event_read(reader, event->kind, &event->order);
        break;
    case TRADING_ENTITY_INSTRUMENT:
        event->market.instrument = event->number;
        market_event_read(reader, event->kind, &event->market);
        break;
    default:
        read_other(reader, event);
        break;
    }
}

/* ---- text ---- */

bool event_has_text(uint32_t kind)
{
    switch (kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
    case TRADING_EVENT_CONTACT_UPDATED:
    case TRADING_EVENT_ADDRESS_UPDATED:
    case TRADING_EVENT_ALIAS_BOUND:
    case TRADING_EVENT_PORTFOLIO_OPENED:
    case TRADING_EVENT_CURSOR_ACKNOWLEDGED:
    case TRADING_EVENT_PARTITION_SPLIT:
        return true;
    default:
        return false;
    }
}

size_t event_text_bytes(const struct event *event)
{
    switch (event->kind) {
    case TRADING_EVENT_PORTFOLIO_OPENED:
        return event->portfolio.sealed_size;
    case TRADING_EVENT_CURSOR_ACKNOWLEDGED:
        return event->cursor.name_size;
    case TRADING_EVENT_PARTITION_SPLIT:
        return event->split.ends_size;
    default:
        return (size_t)event->account.sealed_size + event->account.alias_space_size + event->account.alias_name_size;
    }
}

static const void *keep(uint8_t **room, const void *text, uint32_t size)
{
    uint8_t *kept = *room;
    if (size)
        memcpy(kept, text, size);
    *room += size;
    return kept;
}

void event_keep_text(struct event *event, uint8_t *room)
{
    struct account_event *account = &event->account;
    switch (event->kind) {
    case TRADING_EVENT_PORTFOLIO_OPENED:
        event->portfolio.sealed = keep(&room, event->portfolio.sealed, event->portfolio.sealed_size);
        break;
    case TRADING_EVENT_CURSOR_ACKNOWLEDGED:
        event->cursor.name = keep(&room, event->cursor.name, event->cursor.name_size);
        break;
    case TRADING_EVENT_PARTITION_SPLIT:
        event->split.ends = keep(&room, event->split.ends, event->split.ends_size);
        break;
    default:
        account->sealed = keep(&room, account->sealed, account->sealed_size);
        account->alias_space = keep(&room, account->alias_space, account->alias_space_size);
        account->alias_name = keep(&room, account->alias_name, account->alias_name_size);
        break;
    }
}
