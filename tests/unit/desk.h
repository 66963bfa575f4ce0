/* An engine to trade with, for the tests of what reads its journal: feeds and projections. */
#ifndef DESK_H
#define DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <trading.h>

#include <cmocka.h>

struct desk {
    trading_host *host;
    trading_engine *engine;
    char folder[64]; /* empty: the store is in memory */
    char uri[80];
    char log[512]; /* the last line */
};

/* A customer. */
struct client {
    trading_id account;
    trading_id portfolio;
};

/* Each of these ends the program when it fails: they are called from threads and child processes, too. */
void desk_open_memory(struct desk *desk);
void desk_open_folder(struct desk *desk);
/* Opens and closes the engine alone; flags: TRADING_ENGINE_ */
void desk_start(struct desk *desk, uint32_t flags);
void desk_stop(struct desk *desk);
/* Closes what is open, removes the folder, and finds no memory left behind. */
void desk_close(struct desk *desk);

trading_result desk_execute(struct desk *desk, int32_t type, const trading_id *account, const void *body, size_t size);
struct client desk_client(struct desk *desk, int64_t deposit);
void desk_cash(struct desk *desk, int32_t type, const trading_id *account, trading_decimal amount);
void desk_quote(struct desk *desk, const char *symbol, trading_decimal bid, trading_decimal ask);
/* Limit orders rest until they are canceled; a price of 0 makes it a market order. Shares are whole. */
trading_result desk_order(struct desk *desk, const struct client *client, const char *symbol, int32_t side, int64_t quantity,
                          trading_decimal price);
trading_decimal desk_balance(struct desk *desk, const trading_id *account);
int64_t desk_next_position(struct desk *desk);

/* All events of the feed that are there now, at most `max`, taken `page` at a time. */
size_t desk_drain(trading_feed *feed, trading_event *events, size_t max, size_t page);

#define MUST(condition) desk_must(condition, #condition, __FILE__, __LINE__)
void desk_must(int condition, const char *text, const char *file, int line);

#endif
