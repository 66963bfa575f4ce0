/* A venue for tests: what it knows lies in memory that survives the processes that use it, as a market does; what it has told and nobody took
 * is lost with the process, as on a broken connection. It can fail, lose reports, tell them twice, and kill who asks it. */
#ifndef MARKET_H
#define MARKET_H

#include <pthread.h>
#include <stdbool.h>

#include <trading/venue.h>

enum { MARKET_ORDERS = 64, MARKET_TRADES = 16, MARKET_REPORTS = 4096 };

/* What becomes of an order follows from its symbol: FILL trades in pieces of two shares; REST rests until it is canceled; PART trades one
 * share and rests; OLD trades one share and expires; NO is rejected; another trades as FILL does, beyond its limit. */
struct market_order {
    trading_venue_order order;
    int submissions;
    int32_t status; /* TRADING_ORDER_STATUS_ */
    trading_decimal filled;
    int trade_count;
    struct {
        trading_decimal quantity;
        trading_decimal price;
        trading_decimal filled;
    } trades[MARKET_TRADES];
};

struct market {
    pthread_mutex_t lock; /* of the orders, between threads of one process */
    struct market_order orders[MARKET_ORDERS];
    int count;
    int cancels;   /* that were asked for */
    int questions; /* likewise */

    _Atomic int64_t points; /* passed: before and after whatever it does */
    int64_t kill_after;     /* so many, the process is killed; 0: never */
    int fail_before;        /* so many calls of submit, cancel and status fail, and nothing was done */
    int fail_after;         /* … and it was done, which the caller is told is not known */
    int lose;               /* so many of ten reports are not told, by chance */
    bool lose_trade;        /* the next trade is not told */
    uint64_t chance;
    bool repeat;     /* each is told twice */
    int break_polls; /* so many polls fail, and what was to be told is lost */
};

/* In memory that children share. */
struct market *market_make(void);
void market_free(struct market *market);

/* The scheme "market:", of the market at hand. */
int32_t market_register(trading_host *host, struct market *market, trading_error *error);

/* By ClOrdID; NULL: it never came here. */
struct market_order *market_find(struct market *market, const char *cl_ord_id);
/* One more share trades of what rests, and is told of to those who have it open. */
void market_trade(struct market *market, struct market_order *order);

#endif
