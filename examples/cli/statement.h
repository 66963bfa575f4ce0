/* An account's statement over a period: what came in and went out, what was bought and sold, realised and unrealised profit. */
#ifndef CLI_STATEMENT_H
#define CLI_STATEMENT_H

#include <jansson.h>
#include <stdio.h>

#include <trading.h>

/* From one instant to just before another; both 0: everything up to the view. */
struct statement_period {
    trading_time from;
    trading_time to;
};

/* The statement as a JSON object, a new reference; also the op `statement` of `trading run`. NULL with a code in `error`. */
json_t *statement_json(trading_engine *engine, trading_view *view, const trading_id *account,
                       const struct statement_period *period, trading_error *error);

/* Writes it to `out`, as a line of JSON or for people. @return an exit_code, having said on stderr what failed */
int statement_print(trading_engine *engine, trading_view *view, const trading_id *account,
                    const struct statement_period *period, int json, FILE *out);

#endif
