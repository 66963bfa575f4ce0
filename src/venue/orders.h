/* The orders that are open at a venue, or on their way to it, in the order in which they were routed; and what is to be done about them. */
#ifndef VENUE_ORDERS_H
#define VENUE_ORDERS_H

#include "base/memory.h"

#include <stdbool.h>

#include <trading/decimal.h>
#include <trading/id.h>

/* What is to be done, the first before the others. */
#define ORDER_TO_ASK    1u /* how it stands: the answer says what else */
#define ORDER_TO_SUBMIT 2u
#define ORDER_TO_CANCEL 4u

struct routed_order {
    struct routed_order *next; /* in its bucket */
    struct routed_order *older;
    struct routed_order *newer;
    struct routed_order *todo_next;
    bool queued; /* among those with something to be done */
    uint32_t todo;
    trading_id id;
    int64_t position; /* of ORDER_ROUTED */
    trading_decimal quantity;
    trading_decimal booked;    /* as the events say that were taken */
    trading_decimal told;      /* CumQty, as far as reports were taken: what is booked, is being booked, or was refused */
    trading_decimal missed_at; /* `told` when a report was found missing and asked for; −1: none was */
    bool cancel_asked;
    trading_id *executions; /* the keys of those that are booked, however long ago the engine forgot them */
    size_t execution_count;
    size_t execution_capacity;
};

struct routed_orders {
    struct memory *memory;
    struct routed_order **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    struct routed_order *oldest;
    struct routed_order *newest;
    struct routed_order *todo_first;
    struct routed_order *todo_last;
};

void orders_drop_all(struct routed_orders *orders);
struct routed_order *orders_find(const struct routed_orders *orders, const trading_id *id);
/* NULL for want of memory. */
struct routed_order *orders_add(struct routed_orders *orders, const trading_id *id, int64_t position, trading_decimal quantity);
void orders_remove(struct routed_orders *orders, struct routed_order *order);

/* An execution of that key is booked. -1 for want of memory. */
int orders_note_execution(struct routed_orders *orders, struct routed_order *order, const trading_id *key);
bool orders_has_execution(const struct routed_order *order, const trading_id *key);

/* Adds to what is to be done about an order, behind the others. */
void orders_plan(struct routed_orders *orders, struct routed_order *order, uint32_t todo);
/* Of all: how they stand is to be asked, the oldest first, and nothing else. */
void orders_plan_asking(struct routed_orders *orders);
/* The first of them has nothing to be done any more. */
void orders_done(struct routed_orders *orders);

#endif
