/* What the answers to a crowd's commands amount to, to be found in the engine: every payment, transfer and order, once. */
#ifndef CRASH_BOOKS_H
#define CRASH_BOOKS_H

#include "partitions/lines.h"

#include <stdbool.h>

enum books_way { BOOKS_PAID_IN, BOOKS_SENT, BOOKS_RECEIVED, BOOKS_RETURNED, BOOKS_WAYS };

/* How often, and how much in all. */
struct books_sum {
    int64_t count;
    trading_decimal amount;
};

struct books_orders {
    trading_id *ids;
    size_t count;
    size_t room;
};

struct books {
    const struct crowd *crowd;
    struct books_sum sums[ACCOUNTS][BOOKS_WAYS];
    struct books_orders orders[ACCOUNTS];
    char failure[256];
};

void books_init(struct books *books, const struct crowd *crowd);
void books_free(struct books *books);

/* Counts what came of a command. */
void books_take(struct books *books, const struct line *line, const trading_result *result);
/* Waits until no transfer is on its way, and compares with what is there. False: `failure` says what is not there, or is there twice. */
bool books_check(struct books *books, trading_engine *engine);

#endif
