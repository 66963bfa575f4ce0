/* A replay in words: what a line of the strategy does, and what became of it. */
#ifndef CLI_REPLAY_WORDS_H
#define CLI_REPLAY_WORDS_H

#include "operation.h"
#include "refusal.h"
#include "replay_strategy.h"

#define WORDS 200

/* An amount with its digits in groups of three. */
#define AMOUNT_TEXT 48
const char *words_amount(trading_decimal value, int32_t decimals, char buffer[AMOUNT_TEXT]);

const char *words_count(size_t count, char buffer[AMOUNT_TEXT]);

/* "buys 100 AAPL at the market" */
void words_of_request(const struct strategy *strategy, const struct request *request, char words[WORDS]);

/* "filled at 85.66" */
void words_of_outcome(const struct request *request, const json_t *outcome, char words[REFUSAL_BYTES]);

/* The line that placed an order; NULL when the strategy did not. */
const struct strategy_line *words_line_of_order(const struct strategy *strategy, const trading_id *order);

/* The name that the strategy gives an account; else its id, in `buffer`. */
const char *words_account(const struct strategy *strategy, const trading_id *account, char buffer[TRADING_ID_TEXT]);

#endif
