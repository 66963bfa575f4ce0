/* What the parts of the router share: router.c, opening and closing; send.c, from the journal to the venue; receive.c, from the venue to the
 * engine. */
#ifndef VENUE_ROUTER_H
#define VENUE_ROUTER_H

#include "engine/engine.h"
#include "venue/orders.h"

#include <pthread.h>

#include <trading/feed.h>
#include <trading/router.h>

#define ROUTER_NAME_BYTES 32u

/* What one report comes to: the body of a command, and the report that it is of. */
struct booking {
    union {
        trading_book_execution execution;
        trading_end_order end;
    } body;
    const trading_execution_report *report;
};

struct trading_router {
    trading_engine *engine; /* the host's: commands of any partition */
    trading_venue *venue;
    struct memory *memory;
    trading_router_options options;
    char name[ROUTER_NAME_BYTES + 1];

    trading_feed *feed; /* of the thread that sends, with its batch */
    trading_event *events;
    size_t event_count;
    size_t event_at; /* those before are taken */

    trading_execution_report *reports; /* of the thread that receives, with what they come to */
    trading_command *commands;
    trading_result *results;
    struct booking *bookings;
    size_t command_count; /* that are not known to be booked; 0: the next reports are polled */

    pthread_mutex_t
        lock; /* of all below; held while the venue is asked and the engine books, and not while either is waited for */
    struct routed_orders orders;
    int64_t position;
    int64_t cursor;
    trading_router_info counts;
};

/* ---- send.c; with the lock held ---- */

/* Takes the event in. TRADING_E_NO_MEMORY: it was not. */
int32_t router_take_event(trading_router *router, const trading_event *event, trading_error *error);
/* Does what is to be done about orders, until it is or the venue fails. Counts what the venue was handed. */
int32_t router_do_plan(trading_router *router, uint64_t *sent, trading_error *error);

#endif
