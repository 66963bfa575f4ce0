/* The steps of a replay in order: for each instant the quotes made of the prices, then the lines of the strategy; at the end of each
 * day that has prices, the end of its session.
 *
 * A step has an idempotency key made of what it says. So the journal itself knows which steps are done, however the replay ended: a
 * step is done when an event was caused under its key. */
#ifndef CLI_REPLAY_PLAN_H
#define CLI_REPLAY_PLAN_H

#include "input.h"
#include "replay_prices.h"
#include "replay_strategy.h"

enum step_kind {
    STEP_QUOTE,
    STEP_LINE,
    STEP_SESSION,
};

struct step {
    trading_time time;
    trading_id key;
    size_t index; /* of the row or line */
    enum step_kind kind;
    bool done;
};

/* How quotes are made of prices. */
struct quoting {
    trading_decimal half_spread; /* of the price: 0.0005 for ten basis points from bid to ask */
    trading_decimal size;        /* shares a side, or with of_volume the part of the day's volume; 0: unlimited */
    bool of_volume;
    trading_currency currency;
};

struct plan {
    struct prices prices;
    struct strategy strategy; /* without lines when there is none */
    struct quoting quoting;
    struct step *steps;
    size_t count;
};

/* Makes the steps up to `until` of prices that are sorted and of the strategy. */
bool plan_make(struct plan *plan, trading_time until, struct input_error *error);

void plan_free(struct plan *plan);

/* The quote that a price makes. False when its price or size is beyond what numbers hold. */
bool plan_quote(const struct quoting *quoting, const struct price_row *row, trading_set_quote *quote);

/* Finds in the journal which steps are done, and the ids that came of their lines. @return TRADING_OK or what the store failed with */
int32_t plan_recognize(struct plan *plan, trading_engine *engine, trading_error *error);

/* The first step that is not done; NULL: all are. */
struct step *plan_next(const struct plan *plan);

/* Where a step is from, "AAPL.csv:12", for messages. */
void plan_place(const struct plan *plan, const struct step *step, char *text, size_t bytes);

#endif
