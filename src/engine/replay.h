/* Commits into state: at opening, for views of the past, and to prove the store. The same folds as when they were decided. */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "engine/events_ahead.h"
#include "process/process.h"

#include <trading/engine.h>

/* Folds one proven commit, which must follow what the domain's mark says, and installs it. TRADING_E_DAMAGED when an event cannot be
 * read, breaks an invariant, or money does not balance after it; the domain is then as before the commit. */
int32_t replay_commit(struct domain *domain, const struct commit *commit, trading_error *error);

/* Folds all that the journal has after the domain's mark, up to the end of the commit before `to` (INT64_MAX: all). `entry`, which may be
 * NULL, is told of each entry on whatever thread reads it, and where folding fails, of some that were not folded. `progress` may be NULL;
 * it hears of positions. */
int32_t replay_journal(struct domain *domain, const struct journal *journal, int64_t to, event_entry entry, void *arg,
                       trading_progress progress, void *context, trading_error *error);

#endif
