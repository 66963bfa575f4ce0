/* A house with orders at the market for tests: an engine, a router, and customers whose orders are keyed, so that they are placed once. */
#ifndef HOUSE_H
#define HOUSE_H

#include "../unit/desk.h"
#include "market.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <trading/router.h>

#include <cmocka.h>

#define ONE TRADING_DECIMAL_ONE

struct house {
    struct desk desk; /* its engine is open */
    trading_venue *venue;
    trading_router *router;
    trading_router_options options;
    struct client client;
    int refused;           /* reports that the engine refused */
    int32_t refusal;       /* the last one's TRADING_REASON_ */
    trading_error failure; /* of the last call that failed */
};

/* Opens venue and router beside the engine of a desk; uri: "market:" or "paper:…". */
void house_open(struct house *house, const char *uri);
void house_shut(struct house *house);

/* Sends and receives by turns until nothing comes for a while, passing over failures, of which it counts. */
int house_run(struct house *house);
trading_router_info house_info(const struct house *house);

/* The one customer of a store that was opened before, perhaps. */
void house_client(struct house *house);
/* The number names the order for good: again, it is the same. Price 0: a market order. */
trading_id house_route(struct house *house, int number, const char *symbol, int32_t side, int64_t shares,
                       trading_decimal price);
void house_cancel(struct house *house, int number, const trading_id *order);
trading_order house_order(const struct house *house, const trading_id *order);
/* As the market has it. */
struct market_order *house_at_market(struct market *market, const trading_id *order);
void house_verify(const struct house *house);

#endif
