/* What a partition shows of the time before it was split. Its journal is then that of all partitions that it was split into, and so of what is
 * said of the time of before each thing is shown by one of them. */
#ifndef ENGINE_ERAS_H
#define ENGINE_ERAS_H

#include "engine/engine.h"

#include <trading/event.h>

/* How many partitions the store had when the event at the position was written. */
uint32_t engine_parts_at(const trading_engine *engine, int64_t position);

/* Where the time begins in which the store has as many partitions as now: behind the newest split; 0 where there was none. */
int64_t engine_split_end(const trading_engine *engine);

/* Whether sums of the time when the journal ended at the position are shown here: by the first of those that a partition was split into. */
static inline bool engine_shows_sums_at(const trading_engine *engine, int64_t position)
{
    return engine->partition < engine_parts_at(engine, position);
}

/* Whether an event of before the newest split is told here: where the account or book is that it is of. What is of neither is told by the
 * first; the split itself by all. */
bool engine_tells(const trading_engine *engine, const trading_event *event);

#endif
