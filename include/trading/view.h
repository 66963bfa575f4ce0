/**
 * @file
 * Views: what the journal amounts to, at one position. Only what is durable is ever shown.
 *
 * Lists are read in pages: `cursor` is 0 at first, and is moved by each call; a page of 0 elements is the end. Where a call fails, the
 * cursor is good for what was handed out before. A cursor that can be told to be of another list is refused with
 * TRADING_E_INVALID.
 *
 * In a view of TRADING_VIEW_LATEST each page is of its own moment. What was there all the time is listed once, what came or went between
 * two pages perhaps; only lots that were sold out and bought again meanwhile may come twice or hide others. For a list that is of one
 * moment from end to end, open TRADING_VIEW_NOW.
 */
#ifndef TRADING_VIEW_H
#define TRADING_VIEW_H

#include <trading/account.h>
#include <trading/engine.h>
#include <trading/event.h>
#include <trading/market.h>
#include <trading/order.h>
#include <trading/portfolio.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_view trading_view;

/** @name Where a view stands, instead of a position */
/**@{*/
#define TRADING_VIEW_NOW    (-1) /**< pinned at the newest position: everything in it is of one moment */
#define TRADING_VIEW_LATEST (-2) /**< follows the journal: each call shows its entity as it is then, whole */
/**@}*/

/**
 * Opens a view.
 * @param at  TRADING_VIEW_NOW, TRADING_VIEW_LATEST, or a position: the state before the event of that position, so that 0 is the
 *            empty system, rounded up to the end of its commit. A view of the past is rebuilt from the newest snapshot before it,
 *            in memory of its own.
 * @return TRADING_OK, TRADING_E_NOT_FOUND when the journal has not come that far; TRADING_E_INVALID for a position of an engine of several
 *         partitions, as each has positions of its own. Any thread; a view may be used from many threads.
 */
TRADING_API int32_t trading_view_open(trading_view **view, trading_engine *engine, int64_t at, trading_error *error);

/**
 * Opens a view as of a position of one partition, of however many the engine has. The others stand at the same moment: each shows all
 * commits made until the time of the commit that the one then ends with, that instant included.
 * @param partition  whose position it is: 0 where the store has but one; trading_engine_partition_of tells that of an account
 * @param at         a position, as trading_view_open takes it; 0 is the empty system
 * @return TRADING_OK, TRADING_E_NOT_FOUND when the partition has not come that far, TRADING_E_INVALID when the engine does not have
 *         it. Any thread.
 */
TRADING_API int32_t trading_view_open_at_position(trading_view **view, trading_engine *engine, uint32_t partition, int64_t at,
                                                  trading_error *error);

/** Opens a view as of a time: all commits made until then, that instant included; one of the future is that of now. @return as
 *  trading_view_open, but for TRADING_E_NOT_FOUND. Any thread. */
TRADING_API int32_t trading_view_open_at_time(trading_view **view, trading_engine *engine, trading_time at,
                                              trading_error *error);

/** Nobody may be in a call on the view. NULL is allowed. Any thread. */
TRADING_API void trading_view_close(trading_view *view);

/** The position that the view is of; of an engine of several partitions, the sum of theirs: how far they have come together. */
TRADING_API int64_t trading_view_position(trading_view *view);
/** The position of one partition that the view is of: a feed of that partition goes on from there. −1: the engine does not have it. */
TRADING_API int64_t trading_view_partition_position(trading_view *view, uint32_t partition);
/** The time of the last commit that it shows; 0: none. */
TRADING_API trading_time trading_view_time(trading_view *view);

/** All functions below return TRADING_OK, TRADING_E_NOT_FOUND when there is no such entity in the view, TRADING_E_VIEW_EXPIRED when
 *  a pinned view was held for too long, or a code of the store. Any thread. */
TRADING_API int32_t trading_view_account(trading_view *view, const trading_id *account, trading_account *out,
                                         trading_error *error);
/**
 * Many accounts by their ids, all of one position: quicker than one call each, since memory is waited for once for many of them.
 * @param accounts  `count` ids, at least one
 * @param out       as many, of which the first has its size set; one whose id there is no account of gets the status 0, and zero in
 *                  all else but size and position
 */
TRADING_API int32_t trading_view_accounts_by_id(trading_view *view, const trading_id *accounts, size_t count,
                                                trading_account *out, trading_error *error);
/** What has the alias. Of an engine of several partitions: in whichever it is found first. */
TRADING_API int32_t trading_view_alias(trading_view *view, const char *space, const char *name, trading_alias *out,
                                       trading_error *error);
/** The aliases of an account and of its portfolios, in the order in which they were bound. */
TRADING_API int32_t trading_view_aliases(trading_view *view, const trading_id *account, uint64_t *cursor, trading_alias *out,
                                         size_t max, size_t *count, trading_error *error);
/** Name, contact and address; read from the journal and opened with the account's key. */
TRADING_API int32_t trading_view_profile(trading_view *view, const trading_id *account, trading_profile *out,
                                         trading_error *error);
TRADING_API int32_t trading_view_portfolio(trading_view *view, const trading_id *portfolio, trading_portfolio *out,
                                           trading_error *error);
/** The portfolio's name as it was opened with. `bytes`: of the buffer, more than TRADING_NAME_BYTES. */
TRADING_API int32_t trading_view_portfolio_name(trading_view *view, const trading_id *portfolio, char *name, size_t bytes,
                                                trading_error *error);
TRADING_API int32_t trading_view_order(trading_view *view, const trading_id *order, trading_order *out, trading_error *error);
TRADING_API int32_t trading_view_quote(trading_view *view, const trading_symbol *symbol, trading_quote *out,
                                       trading_error *error);

/** The accounts in order of opening; the portfolios of an account; the instruments in order of listing. */
TRADING_API int32_t trading_view_accounts(trading_view *view, uint64_t *cursor, trading_id *out, size_t max, size_t *count,
                                          trading_error *error);
TRADING_API int32_t trading_view_portfolios(trading_view *view, const trading_id *account, uint64_t *cursor, trading_id *out,
                                            size_t max, size_t *count, trading_error *error);
TRADING_API int32_t trading_view_instruments(trading_view *view, uint64_t *cursor, trading_symbol *out, size_t max,
                                             size_t *count, trading_error *error);
/** Symbols that the portfolio holds or has held, in order of first acquisition. */
TRADING_API int32_t trading_view_positions(trading_view *view, const trading_id *portfolio, uint64_t *cursor,
                                           trading_position *out, size_t max, size_t *count, trading_error *error);
/** Lots still held, by symbol as positions are, the oldest first. */
TRADING_API int32_t trading_view_lots(trading_view *view, const trading_id *portfolio, uint64_t *cursor, trading_lot *out,
                                      size_t max, size_t *count, trading_error *error);
/** Orders of a portfolio, the newest first. `open_only`: 1 for those that are New or Partially Filled. */
TRADING_API int32_t trading_view_orders(trading_view *view, const trading_id *portfolio, int32_t open_only, uint64_t *cursor,
                                        trading_order *out, size_t max, size_t *count, trading_error *error);
/** Executions of an order, the newest first. Read from the journal. */
TRADING_API int32_t trading_view_executions(trading_view *view, const trading_id *order, uint64_t *cursor,
                                            trading_execution *out, size_t max, size_t *count, trading_error *error);
/** Where the durable cursor of that name stands; of an engine of several partitions, in the first. */
TRADING_API int32_t trading_view_cursor(trading_view *view, const char *name, int64_t *position, trading_error *error);
/**
 * Where the durable cursor of that name stands in one partition: cursors are each partition's own.
 * @return TRADING_OK; TRADING_E_NOT_FOUND when the partition has no such cursor; TRADING_E_INVALID when the engine does not have the
 *         partition; TRADING_E_VIEW_EXPIRED.
 */
TRADING_API int32_t trading_view_partition_cursor(trading_view *view, uint32_t partition, const char *name, int64_t *position,
                                                  trading_error *error);
/** One side of a book, the best price first. */
TRADING_API int32_t trading_view_book(trading_view *view, const trading_symbol *symbol, int32_t side, uint64_t *cursor,
                                      trading_level *out, size_t max, size_t *count, trading_error *error);

/**
 * The events of one entity, the newest first, as of the view.
 * @param entity  TRADING_ENTITY_ACCOUNT, _PORTFOLIO or _ORDER with its id; TRADING_ENTITY_INSTRUMENT with the symbol's 16 bytes as id
 * @param cursor  0 at first
 */
TRADING_API int32_t trading_view_history(trading_view *view, int32_t entity, const trading_id *id, uint64_t *cursor,
                                         trading_event *out, size_t max, size_t *count, trading_error *error);

/** A sum over the whole system, which may be larger than a decimal: as text. The layout is frozen. */
typedef struct trading_total {
    char text[48];
} trading_total;

/** The books of one currency: who holds what; they sum to zero. Set up by its initialiser before it is handed to a view. */
typedef struct trading_ledger {
    uint32_t size;
    trading_currency currency;
    trading_total customers;
    trading_total house;
    trading_total bank;
    trading_total clearing;
    trading_total fee;
} trading_ledger;

#define TRADING_LEDGER_INIT                                                                                                    \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_ledger)                                                                               \
    }
TRADING_API void trading_ledger_init(trading_ledger *ledger);

/** The ledger of the cursor's next currency. @return TRADING_E_NOT_FOUND at the end. */
TRADING_API int32_t trading_view_ledger(trading_view *view, uint64_t *cursor, trading_ledger *out, trading_error *error);

TRADING_EXTERN_C_END

#endif
