/* An account's statement over a period: what came in and went out, what was bought and sold, realised and unrealised profit. */
#ifndef CLI_STATEMENT_H
#define CLI_STATEMENT_H

#include <jansson.h>
#include <stdio.h>

#include <trading.h>

/* From one instant to just before another; 0: from the first event, up to the view. */
struct statement_period {
    trading_time from;
    trading_time to;
};

/* The statement as a JSON object, a new reference; docs/replay.md names its members. NULL with a code in `error`:
 * TRADING_E_NOT_FOUND when there was no such account at the period's end, TRADING_E_DAMAGED when it does not add up. */
json_t *statement_json(trading_engine *engine, trading_view *view, const trading_id *account,
                       const struct statement_period *period, trading_error *error);

/* Writes a statement for people. */
void statement_show(FILE *out, const json_t *statement);

#endif
