/* The state of the Account context: two records per account, what each command needs and what few ask for, and the ledger that accounts
 * are the customers' side of. */
#ifndef ACCOUNT_STATE_H
#define ACCOUNT_STATE_H

#include "account/events.h"
#include "base/moment.h"
#include "base/sum.h"
#include "state/index.h"
#include "state/table.h"

#include <trading/account.h>

/* What decides, in one line of the cache. */
struct account_record {
    trading_id id;
    trading_decimal balance;
    trading_decimal held;
    trading_time opened;
    int64_t last_position; /* of its newest event */
    int64_t version;       /* how many events it has */
    trading_currency currency;
    uint16_t ledger; /* number of its currency's ledger */
    uint8_t status;  /* TRADING_ACCOUNT_ */
    uint8_t flags;   /* ACCOUNT_ */
};

_Static_assert(sizeof(struct account_record) == 64, "a line of the cache");

#define ACCOUNT_SENDS 1u /* it once sent money to another partition: look whether some is pending */

/* What few ask for: where its personal data stands in the journal, −1: nowhere. Its number is the account's. */
struct account_detail_record {
    int64_t profile_position;
    int64_t contact_position;
    int64_t address_position;
    trading_decimal pending; /* sent to accounts of other partitions, and no answer told yet what became of it */
};

/* Who holds the money of one currency. The five sum to zero after every event. Clearing is empty after every commit but for what
 * messages took to other partitions or claimed from them; between the legs of a trade it holds what was paid and not yet received. */
struct ledger_record {
    trading_currency currency;
    uint32_t reserved;
    trading_decimal minor_unit; /* what deposits and withdrawals are multiples of */
    struct wide_sum customers;
    struct wide_sum house;
    struct wide_sum bank;
    struct wide_sum clearing;
    struct wide_sum fee;
    struct wide_sum carried; /* what messages to other partitions took along, less what those from them brought */
};

/* What another system calls an account or a portfolio; NUL-padded. Never changed. */
struct alias_record {
    char space[TRADING_ALIAS_SPACE_BYTES + 1];
    char name[TRADING_ALIAS_NAME_BYTES + 8];
    uint32_t account;
    uint32_t portfolio; /* 0: it is the account's */
};

struct accounts {
    struct table *records;
    struct table *details;
    struct table *ledgers;
    struct table *aliases;
    struct index *by_id;
    struct index *by_alias;
    struct index *aliases_of; /* an account, by its number: those of its portfolios, too */
};

static inline const struct account_record *account_get(const struct accounts *accounts, uint32_t number)
{
    return table_get(accounts->records, number);
}

static inline const struct account_detail_record *account_detail_get(const struct accounts *accounts, uint32_t number)
{
    return table_get(accounts->details, number);
}

static inline const struct ledger_record *ledger_get(const struct accounts *accounts, uint32_t number)
{
    return table_get(accounts->ledgers, number);
}

/* What the account's transfers to other partitions may still give back. */
static inline trading_decimal account_pending(const struct accounts *accounts, uint32_t number)
{
    return account_get(accounts, number)->flags & ACCOUNT_SENDS ? account_detail_get(accounts, number)->pending : 0;
}

/* How much more the account of the number, which the record is of, can take: what is pending may come back at any time. */
static inline trading_decimal account_room(const struct accounts *accounts, uint32_t number,
                                           const struct account_record *record)
{
    trading_decimal pending = record->flags & ACCOUNT_SENDS ? account_detail_get(accounts, number)->pending : 0;
    return TRADING_DECIMAL_MAX - record->balance - pending;
}

/* The account's number as decided, 0 when there is none. */
uint32_t account_find(const struct accounts *accounts, const trading_id *id);

/* The same for readers: as installed, or at the pin's horizon. `record` receives it. */
enum table_read account_read(const struct accounts *accounts, const trading_id *id, struct pin *pin, uint32_t *number,
                             struct account_record *record);

/* Applies an event, and says what it follows. NULL, or which invariant it breaks; the state is then worthless. */
const char *account_fold(struct accounts *accounts, uint32_t kind, const struct account_event *event, struct moment *at);

/* The same of OPENED, which makes the account with this id. */
const char *account_fold_opened(struct accounts *accounts, const struct account_event *event, const trading_id *id,
                                const struct moment *at);

/* What the house pays (negative) or receives for a trade with its quote, against clearing. */
const char *account_fold_house(struct accounts *accounts, uint32_t ledger, trading_decimal received);

/* The ledger of the currency, made when it is new. 0 when there is no memory. */
uint32_t account_ledger(struct accounts *accounts, const trading_currency *currency);

/* A message took money along, or claimed it (negative); one that came did the opposite. */
const char *account_fold_carried(struct accounts *accounts, uint32_t ledger, trading_decimal taken);

/* A partition was split (process/split.c): the account's money is in another from here on, as if messages had taken it along; and that of the
 * house, the bank and fees is in the first of those that it was split into. */
void account_fold_gone(struct accounts *accounts, uint32_t number);
void account_fold_ledger_gone(struct accounts *accounts, uint32_t ledger);

/* True when the five accounts of every ledger sum to zero and clearing is what messages carry: so it is after every commit. */
bool ledgers_balance(const struct accounts *accounts);

/* ---- alias.c ---- */

/* The number of an alias, as decided and as readers see it; 0 or TABLE_ABSENT: it is nobody's. */
uint32_t alias_find(const struct accounts *accounts, const trading_text *space, const trading_text *name);
enum table_read alias_read(const struct accounts *accounts, const trading_text *space, const trading_text *name,
                           struct pin *pin, struct alias_record *record);

/* The account's alias of the next larger number that readers see; 0 begins, and is there again at the end: TABLE_ABSENT. */
enum table_read alias_read_next(const struct accounts *accounts, uint32_t account, uint32_t *number, struct pin *pin,
                                struct alias_record *record);

/* The alias that the account has in the space, or its portfolio of that number; 0: none. */
uint32_t alias_of(const struct accounts *accounts, uint32_t account, uint32_t portfolio, const trading_text *space);

const char *alias_fold(struct accounts *accounts, const struct account_event *event);
bool aliases_index(struct accounts *accounts);

/* Puts the accounts that a checkpoint brought back into the index. False when there is no memory. */
bool accounts_index(struct accounts *accounts);

#endif
