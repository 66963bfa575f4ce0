#include "engine/eras.h"

#include "base/id.h"

/* The oldest split at the position or behind it; false: there is none. */
static bool next_split(const trading_engine *engine, int64_t position, struct split_record *split)
{
    const struct table *splits = engine->domain.splits;
    uint32_t count = table_installed(splits, NULL);
    for (uint32_t number = 1; number <= count; number++)
        if (table_read(splits, number, NULL, split) == TABLE_FOUND && split->position >= position)
            return true;
    return false;
}

uint32_t engine_parts_at(const trading_engine *engine, int64_t position)
{
    struct split_record split;
    return next_split(engine, position, &split) ? split.from : engine->parts;
}

int64_t engine_split_end(const trading_engine *engine)
{
    struct split_record split = {0};
    const struct table *splits = engine->domain.splits;
    uint32_t count = table_installed(splits, NULL);
    return count && table_read(splits, count, NULL, &split) == TABLE_FOUND ? split.position + 1 : 0;
}

/* A guest is of the book that it rests in, an order else of its account. False: the event is of the partition itself. */
static bool slot_of(const trading_event *event, uint32_t *slot)
{
    bool of_guest = event->kind >= TRADING_EVENT_GUEST_PLACED && event->kind <= TRADING_EVENT_GUEST_ENDED;
    bool of_book = event->entity == TRADING_ENTITY_INSTRUMENT || of_guest;
    *slot = of_book                                 ? symbol_slot(&event->symbol)
            : event->entity == TRADING_ENTITY_ORDER ? id_slot(&event->order)
                                                    : id_slot(&event->account);
    return event->entity != 0;
}

bool engine_tells(const trading_engine *engine, const trading_event *event)
{
    uint32_t slot;
    uint32_t parts = engine_parts_at(engine, event->position);
    if (event->kind == TRADING_EVENT_PARTITION_SPLIT)
        return true;
    bool was_here = slot_of(event, &slot) && slot % parts == engine->partition % parts;
    return was_here ? slot % engine->parts == engine->partition : engine->partition < parts;
}
