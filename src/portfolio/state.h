/* The state of the Portfolio context: portfolios of accounts, positions of portfolios, lots of positions. */
#ifndef PORTFOLIO_STATE_H
#define PORTFOLIO_STATE_H

#include "account/events.h"
#include "base/moment.h"
#include "portfolio/events.h"
#include "state/index.h"
#include "state/table.h"

#include <trading/portfolio.h>

struct portfolio_record {
    trading_id id;
    uint32_t account;
    uint32_t status; /* TRADING_PORTFOLIO_ */
    trading_time opened;
    int64_t last_position;
    int64_t version;
    int64_t name_position; /* where its name stands in the journal, −1: nowhere */
    trading_decimal traded;
    trading_decimal cost_basis;
    trading_decimal realized;
    uint32_t first_holding; /* holdings in order of first acquisition */
    uint32_t last_holding;
    uint32_t held;            /* how many of them hold something */
    uint32_t next_of_account; /* portfolio */
};

/* One symbol in one portfolio. (A position of the journal is something else; hence the name.) */
struct holding_record {
    uint32_t portfolio;
    uint32_t instrument;
    trading_decimal quantity;
    trading_decimal reserved;     /* for open sells, with and without a named lot */
    trading_decimal lot_reserved; /* of it, in named lots */
    trading_decimal cost_basis;
    trading_decimal realized;
    uint32_t first_lot; /* lots that hold something, the oldest first */
    uint32_t last_lot;
    uint32_t next_of_portfolio;
    uint32_t unused;
};

struct lot_record {
    uint32_t holding;
    uint32_t order; /* that bought it, and names it */
    trading_decimal quantity;
    trading_decimal reserved; /* for sells that name it */
    trading_decimal cost;
    trading_time acquired;
    uint32_t next;
    uint32_t previous;
};

/* The portfolios of an account; its number is the account's. */
struct owner_record {
    uint32_t first;
    uint32_t last;
    uint32_t count;
    uint32_t open; /* not closed */
};

struct portfolios {
    struct table *records;
    struct table *owners;
    struct table *holdings;
    struct table *lots;
    struct index *by_id;
    struct index *holdings_by_symbol; /* portfolio and instrument; but not a portfolio's first */
};

static inline const struct portfolio_record *portfolio_get(const struct portfolios *portfolios, uint32_t number)
{
    return table_get(portfolios->records, number);
}

static inline const struct holding_record *holding_get(const struct portfolios *portfolios, uint32_t number)
{
    return table_get(portfolios->holdings, number);
}

static inline const struct lot_record *lot_get(const struct portfolios *portfolios, uint32_t number)
{
    return table_get(portfolios->lots, number);
}

static inline const struct owner_record *owner_get(const struct portfolios *portfolios, uint32_t account)
{
    return table_get(portfolios->owners, account);
}

/* Numbers as decided, 0 when there is none. */
uint32_t portfolio_find(const struct portfolios *portfolios, const trading_id *id);
uint32_t holding_find(const struct portfolios *portfolios, uint32_t portfolio, uint32_t instrument);

/* For readers: as installed, or at the pin's horizon. */
enum table_read portfolio_read(const struct portfolios *portfolios, const trading_id *id, struct pin *pin, uint32_t *number,
                               struct portfolio_record *record);

/* Applies an event, which receives the numbers of the position and the lot that it concerns, and says what it follows; `id` is that of the portfolio which
 * OPENED makes. NULL, or which invariant it breaks. */
const char *portfolio_fold(struct portfolios *portfolios, uint32_t kind, struct portfolio_event *event, const trading_id *id,
                           struct moment *at);

/* An account was opened: it owns no portfolio yet. */
const char *portfolio_fold_account(struct portfolios *portfolios, uint32_t account);

bool portfolios_index(struct portfolios *portfolios);

#endif
