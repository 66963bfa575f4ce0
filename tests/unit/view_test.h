/* What the tests of views share: an engine that is driven by hand, short ways to command it, and everything a view shows as text. */
#ifndef VIEW_TEST_H
#define VIEW_TEST_H

#include "engine/engine.h"
#include "engine/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <trading.h>

#include <cmocka.h>

/* Each runs its tests and returns how many failed. */
int view_now_suite(void);
int view_list_suite(void);
int view_past_suite(void);
int view_snapshots_suite(void);
int view_history_suite(void);
int view_profile_suite(void);
int view_thread_suite(void);
int view_verify_suite(void);

#define UNITS(n) ((trading_decimal)(n)*TRADING_DECIMAL_ONE)
#define CENTS(n) ((trading_decimal)(n) * (TRADING_DECIMAL_ONE / 100))

struct trader {
    trading_id account;
    trading_id portfolio; /* the first one */
};

struct desk {
    trading_host *host;
    trading_engine *engine;
    trading_time now; /* a second more each time it is asked for */
    uint64_t keys;    /* how many were made */
    uint64_t entropy;
    struct trader ann;
    struct trader bob;
    trading_id lots[3]; /* orders that bought: see desk_morning */
};

/* All calls of the engine that are not looked at must succeed. */
void must(int32_t code, const trading_error *error);

/* A host and an engine on a store in memory. `options` may be NULL: driven by hand. */
void desk_open(struct desk *desk, const trading_engine_options *options);
/* The engine alone, on another store, with the same clock and entropy. */
void desk_open_store(struct desk *desk, const trading_engine_options *options, const char *uri);
/* Closes the engine and opens the store, driven by hand, with a snapshot after so many events. */
void desk_reopen(struct desk *desk, uint64_t snapshot_events, const char *uri);
void desk_close(struct desk *desk);

extern const trading_id nobody;

/* One command; its result, whatever it is. The account is nobody where the type wants none. */
trading_result desk_run(struct desk *desk, int32_t type, const trading_id *account, const void *body, size_t size);

trading_symbol symbol_of(const char *text);
trading_text text_of(const char *text);

struct trader desk_trader(struct desk *desk, const char *name, trading_decimal deposit);
void desk_cash(struct desk *desk, int32_t type, const trading_id *account, trading_decimal amount);
void desk_quote(struct desk *desk, const char *symbol, trading_decimal bid, trading_decimal ask);
trading_result desk_place(struct desk *desk, const trading_place_order *order);
void desk_cancel(struct desk *desk, const trading_id *order);

/* An order's body; limit 0: at the market. Time in force: good till canceled where there is a limit. */
trading_place_order order_of(const trading_id *portfolio, int32_t side, const char *symbol, trading_decimal quantity,
                             trading_decimal limit);
trading_id desk_buy(struct desk *desk, const struct trader *trader, const char *symbol, trading_decimal quantity,
                    trading_decimal limit);
trading_id desk_sell(struct desk *desk, const struct trader *trader, const char *symbol, trading_decimal quantity,
                     trading_decimal limit);
/* Of AAPL, and of this lot alone. */
trading_id desk_sell_lot(struct desk *desk, const struct trader *trader, const trading_id *lot, trading_decimal quantity,
                         trading_decimal limit);

/* Ann and Bob come, AAPL and MSFT are quoted, and trade is done whose every number is known: see the suite of views of now. */
void desk_morning(struct desk *desk);
/* Random commands, the same for the same seed. */
void desk_random(struct desk *desk, uint64_t *seed);

/* Everything that the view shows but personal data, lists in pages of `page`. To be freed. */
char *view_text(trading_view *view, size_t page);
trading_view *view_at(struct desk *desk, int64_t at);

#endif
