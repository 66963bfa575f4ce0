/* An engine over a store that fails when it is told to, for the tests that try what must not be. */
#ifndef AUDIT_H
#define AUDIT_H

#include "../contract/faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trading.h>

#include <cmocka.h>

struct fixture {
    trading_host *host;
    trading_engine *engine;
    struct faulty_plan plan;
    char uri[64];
    _Atomic bool full;   /* every append is refused for want of space */
    _Atomic bool broken; /* no append is answered, and the journal's end cannot be learnt */
    _Atomic int64_t now;
    _Atomic uint64_t full_from; /* the append from which on it is full; 0: none */
    _Atomic bool closing;       /* no append ends before it is set, where `holds` is */
    _Atomic bool holds;
    _Atomic bool fills; /* the disk is full once the first commit of paused work is durable */
};

/* For cmocka: a host, and what is left closed with no memory behind. */
int audit_set_up(void **state);
int audit_tear_down(void **state);

trading_engine_options audit_options_of(struct fixture *fixture, uint32_t flags);
void audit_open_with(struct fixture *fixture, const trading_engine_options *options);
void audit_open_engine(struct fixture *fixture, uint32_t flags);
void audit_close_engine(struct fixture *fixture, int32_t how);
void audit_expect_sound(struct fixture *fixture);
trading_result audit_ask(struct fixture *fixture, const trading_command *command);
trading_result audit_execute(struct fixture *fixture, int32_t type, const trading_id *account, const void *body, size_t size);
trading_result audit_open_account(struct fixture *fixture, trading_decimal deposit);
trading_symbol audit_symbol_of(unsigned number);
void audit_quote(struct fixture *fixture, unsigned symbol, trading_decimal bid, trading_decimal ask);
trading_place_order audit_order_of(const trading_id *portfolio, unsigned symbol, int32_t side, trading_decimal quantity,
                                   trading_decimal price);
trading_result audit_place(struct fixture *fixture, const trading_id *portfolio, unsigned symbol, int32_t side,
                           trading_decimal quantity, trading_decimal price);
trading_command audit_closing_of(const trading_close_portfolio *body);
trading_portfolio audit_portfolio_now(struct fixture *fixture, const trading_id *id);
int64_t audit_next_position(struct fixture *fixture);
trading_order audit_order_now(struct fixture *fixture, const trading_id *id);

#endif
