/**
 * @file
 * Venues outside: markets that execute the orders that ROUTE_ORDER sends away, whatever the URI names: "paper:", simulated within the
 * process, or a plugin's. trading/plugin/venue.h says what orders and reports are, and what a venue promises.
 *
 * Threads: trading_venue_submit, _cancel, _status and _quote may be called by any thread at any time; trading_venue_poll by one thread at
 * a time. After a fork every call answers TRADING_E_FORKED.
 */
#ifndef TRADING_VENUE_H
#define TRADING_VENUE_H

#include <trading/engine.h>
#include <trading/order.h>
#include <trading/plugin/venue.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_venue trading_venue;

/**
 * Opens a venue.
 * @param uri  "scheme:location"; a plugin is loaded for a scheme that is not known, where the host allows it
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_SYNTAX, TRADING_E_NOT_FOUND (no such scheme), TRADING_E_NO_MEMORY, TRADING_E_IO, or what
 *         trading_plugin_load returns. Any thread.
 */
TRADING_API int32_t trading_venue_open(trading_venue **venue, trading_host *host, const char *uri, trading_error *error);

/** Closes. Orders stay at the venue as they are. NULL is allowed. In a child after a fork it does nothing. */
TRADING_API void trading_venue_close(trading_venue *venue);

/**
 * Hands an order over; what becomes of it is told by reports. One that the venue knows by its ClOrdID is ignored.
 * @return TRADING_OK; TRADING_E_INVALID: the order is not well formed, and nothing was done. Any other code: the venue may have it or not;
 *         hand it over again.
 */
TRADING_API int32_t trading_venue_submit(trading_venue *venue, const trading_venue_order *order, trading_error *error);

/** Asks for the end of an order. A report tells whether it came to that. @return as trading_venue_submit. */
TRADING_API int32_t trading_venue_cancel(trading_venue *venue, const trading_venue_order *order, trading_error *error);

/** Asks for all reports of an order again, and how it stands: ORDER_STATUS is the last of them. @return as trading_venue_submit. */
TRADING_API int32_t trading_venue_status(trading_venue *venue, const trading_venue_order *order, trading_error *error);

/**
 * Takes reports.
 * @param reports  receives up to `max`
 * @param count    receives how many
 * @param timeout  nanoseconds to wait for the first; 0: do not wait; −1: for ever
 * @return TRADING_OK, or TRADING_E_TIMEOUT with *count = 0. Any other code: reports may have been missed: ask for the status of what is
 *         open. TRADING_E_DAMAGED: the venue broke its word, by a report that cannot be.
 */
TRADING_API int32_t trading_venue_poll(trading_venue *venue, trading_execution_report *reports, size_t max, size_t *count,
                                       int64_t timeout, trading_error *error);

/**
 * Tells a simulated venue what a symbol is quoted at. A side of 0 is not quoted.
 * @return TRADING_OK; TRADING_E_INVALID; TRADING_E_UNSUPPORTED: the venue has prices of its own.
 */
TRADING_API int32_t trading_venue_quote(trading_venue *venue, const trading_symbol *symbol, trading_decimal bid,
                                        trading_decimal ask, trading_error *error);

/** The name of an ExecType, such as "TRADE". Never NULL; static. Any thread. */
TRADING_API const char *trading_exec_type_name(int32_t exec_type);

/**
 * Teaches the host a kind of venue: URIs that begin with "scheme:" are opened by `ops`. "paper" is there already.
 * @param scheme  1 to 15 characters a–z; copied
 * @param ops     the table is copied, what it points to must stay valid until the host is closed; its abi must be TRADING_PLUGIN_ABI,
 *                and its size at least that of the functions that are not optional
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_BUSY when the scheme is taken, TRADING_E_ABI. Any thread.
 */
TRADING_API int32_t trading_venue_register(trading_host *host, const char *scheme, const trading_venue_ops *ops,
                                           trading_error *error);

TRADING_EXTERN_C_END

#endif
