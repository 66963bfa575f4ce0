/* What the parts of the venue on paper share: paper_location.c, its options; paper_orders.c, its orders and what it tells of them;
 * paper_match.c, executing them at quotes; paper_venue.c, what it is asked. */
#ifndef PAPER_H
#define PAPER_H

#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>

#include <trading/order.h>
#include <trading/plugin/venue.h>

/* What a symbol is quoted at; a side of 0 is not. The symbol "*" is any that has no quote of its own. */
struct paper_quote {
    trading_symbol symbol;
    trading_decimal bid;
    trading_decimal ask;
};

struct paper_fill {
    trading_decimal quantity;
    trading_decimal price;
    trading_decimal filled; /* of the order, with this */
    trading_time time;
};

struct paper_order {
    struct paper_order *next;      /* in its bucket */
    struct paper_order *open_next; /* of those that rest, in order of their coming */
    struct paper_order *open_previous;
    trading_venue_order terms;
    int32_t status;         /* TRADING_ORDER_STATUS_ */
    trading_decimal filled; /* CumQty */
    const char *reason;     /* static: why it was rejected */
    trading_time ended;
    struct paper_fill *fills;
    size_t fill_count;
    size_t fill_capacity;
};

struct paper {
    struct memory memory;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t told;  /* a report waits */

    int64_t pieces;       /* an execution comes in so many, where it has as many shares */
    trading_decimal size; /* the most of an order that a quote executes; 0: all */
    struct paper_quote *quotes;
    size_t quote_count;
    size_t quote_capacity;
    trading_symbol *rejects; /* orders for them are */
    size_t reject_count;
    size_t reject_capacity;

    struct paper_order **buckets;
    size_t bucket_count; /* a power of two */
    size_t order_count;
    struct paper_order *open_first;
    struct paper_order *open_last;

    trading_execution_report *reports; /* those that wait are from report_at on */
    size_t report_at;
    size_t report_count;
    size_t report_capacity;
};

/* ---- paper_location.c ---- */

int32_t paper_read_location(struct paper *paper, const char *location, trading_error *error);
/* -1 for want of memory. */
int paper_set_quote(struct paper *paper, const struct paper_quote *quote);
bool paper_rejects(const struct paper *paper, const trading_symbol *symbol);
/* A quote of nothing when there is none. */
struct paper_quote paper_quote_of(const struct paper *paper, const trading_symbol *symbol);

/* ---- paper_orders.c ---- */

struct paper_order *paper_find(const struct paper *paper, const char *cl_ord_id);
/* With room for an execution. NULL for want of memory. */
struct paper_order *paper_add(struct paper *paper, const trading_venue_order *terms);
int paper_make_room_for_fills(struct paper *paper, struct paper_order *order);
void paper_rest(struct paper *paper, struct paper_order *order);
bool paper_is_open(const struct paper_order *order);
trading_decimal paper_leaves(const struct paper_order *order);
void paper_drop_all(struct paper *paper);

/* Room for so many reports more; -1 for want of memory. Who tells has made it. */
int paper_make_room(struct paper *paper, size_t reports);
void paper_tell(struct paper *paper, const struct paper_order *order, int32_t exec_type);
void paper_tell_fill(struct paper *paper, const struct paper_order *order, const struct paper_fill *fill);
/* Of an order that is not known. */
void paper_tell_unknown(struct paper *paper, const trading_venue_order *terms, int32_t exec_type);
/* Its end: of its status and its reason, or, for an end by a cancel, that it was asked for. */
void paper_end(struct paper *paper, struct paper_order *order, int32_t status, const char *reason);
trading_time paper_now(void);

/* ---- paper_match.c ---- */

/* Executes what the quote executes, and ends what is immediate or cancel. -1 for want of memory, and nothing happened. */
int paper_match(struct paper *paper, struct paper_order *order);

#endif
