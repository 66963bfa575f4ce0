#include "account/state.h"
#include "base/id.h"
#include "base/text.h"

#include <string.h>

enum posting { POST_HOUSE, POST_BANK, POST_CLEARING };

uint32_t account_find(const struct accounts *accounts, const trading_id *id)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(accounts->by_id, id_hash(id), &cursor)) != 0) {
        if (id_equal(&account_get(accounts, number)->id, id))
            return number;
    }
    return 0;
}

enum table_read account_read(const struct accounts *accounts, const trading_id *id, struct pin *pin, uint32_t *number,
                             struct account_record *record)
{
    uint64_t cursor = 0;
    while ((*number = index_next(accounts->by_id, id_hash(id), &cursor)) != 0) {
        enum table_read found = table_read(accounts->records, *number, pin, record);
        if (found == TABLE_EXPIRED || (found == TABLE_FOUND && id_equal(&record->id, id)))
            return found;
    }
    return TABLE_ABSENT;
}

uint32_t account_ledger(struct accounts *accounts, const trading_currency *currency)
{
    uint32_t count = table_count(accounts->ledgers);
    for (uint32_t number = 1; number <= count; number++) {
        if (currency_equal(&ledger_get(accounts, number)->currency, currency))
            return number;
    }
    uint32_t number;
    struct ledger_record *ledger = table_append(accounts->ledgers, &number);
    ledger->currency = *currency;
    ledger->minor_unit = currency_minor_unit(currency);
    return number;
}

/* Moves money from another account of the ledger to the customers' side: a customer's balance went up by `amount`. */
static void post(struct accounts *accounts, uint32_t number, enum posting against, __int128 amount)
{
    struct ledger_record *ledger = table_edit(accounts->ledgers, number);
    wide_sum_add(&ledger->customers, amount);
    struct wide_sum *other = against == POST_HOUSE ? &ledger->house : against == POST_BANK ? &ledger->bank : &ledger->clearing;
    wide_sum_add(other, -amount);
}

static const char *change_balance(struct accounts *accounts, struct account_record *record, enum posting against,
                                  trading_decimal change)
{
    if (__builtin_add_overflow(record->balance, change, &record->balance))
        return "an account's balance passed the range of a decimal";
    post(accounts, record->ledger, against, change);
    return NULL;
}

__attribute__((cold)) const char *account_fold_opened(struct accounts *accounts, const struct account_event *event,
                                                      const trading_id *id, const struct moment *at)
{
    uint32_t number;
    uint32_t same;
    uint32_t ledger = account_ledger(accounts, &event->currency);
    int64_t sealed = event->sealed_size ? at->position : POSITION_NONE;
    struct account_detail_record *detail = table_append(accounts->details, &same);
    *detail =
        (struct account_detail_record){.profile_position = sealed, .contact_position = sealed, .address_position = sealed};
    struct account_record *record = table_append(accounts->records, &number);
    *record = (struct account_record){.id = *id,
                                      .opened = at->time,
                                      .last_position = at->position,
                                      .version = 1,
                                      .currency = event->currency,
                                      .ledger = (uint16_t)ledger,
                                      .status = TRADING_ACCOUNT_OPEN};
    if (number == 0 || same == 0 || ledger == 0)
        return NULL; /* out of memory: the tables remember it, and the batch is discarded */
    if (number != event->account || number != same)
        return "an account was opened out of turn";
    if (ledger > UINT16_MAX)
        return "there are more ledgers than currencies";
    index_insert(accounts->by_id, id_hash(id), number);
    return NULL;
}

static const char *receive(struct accounts *accounts, struct account_record *record, const struct account_event *event)
{
    const char *broken = change_balance(accounts, record, POST_CLEARING, event->amount);
    if (broken || !event->rounding)
        return broken;
    struct ledger_record *ledger = table_edit(accounts->ledgers, record->ledger);
    wide_sum_add(&ledger->clearing, -(__int128)event->rounding);
    wide_sum_add(&ledger->house, event->rounding);
    return NULL;
}

static const char *pay(struct accounts *accounts, struct account_record *record, const struct account_event *event)
{
    record->held -= event->held;
    return change_balance(accounts, record, POST_CLEARING, -event->amount);
}

__attribute__((cold)) static void note_personal(struct accounts *accounts, uint32_t kind, uint32_t account, int64_t position)
{
    struct account_detail_record *detail = table_edit(accounts->details, account);
    *(kind == TRADING_EVENT_CONTACT_UPDATED ? &detail->contact_position : &detail->address_position) = position;
}

/* ---- transfers ---- */

/* Money that a message takes along or brings: the customer's side against clearing, and clearing against the message. */
__attribute__((cold)) static const char *move_by_message(struct accounts *accounts, struct account_record *record,
                                                         trading_decimal change)
{
    const char *broken = change_balance(accounts, record, POST_CLEARING, change);
    return broken ? broken : account_fold_carried(accounts, record->ledger, -change);
}

__attribute__((cold)) static const char *send(struct accounts *accounts, struct account_record *record,
                                              const struct account_event *event)
{
    if (event->other)
        return change_balance(accounts, record, POST_CLEARING, -event->amount);
    struct account_detail_record *detail = table_edit(accounts->details, event->account);
    record->flags |= ACCOUNT_SENDS;
    detail->pending += event->amount;
    return move_by_message(accounts, record, -event->amount);
}

__attribute__((cold)) static const char *take(struct accounts *accounts, struct account_record *record,
                                              const struct account_event *event)
{
    return event->other ? change_balance(accounts, record, POST_CLEARING, event->amount)
                        : move_by_message(accounts, record, event->amount);
}

/* A transfer was answered: it is pending no more. */
__attribute__((cold)) static const char *end_transfer(struct accounts *accounts, struct account_record *record, uint32_t kind,
                                                      const struct account_event *event)
{
    if (event->amount > account_pending(accounts, event->account))
        return "a transfer was answered that is not pending";
    struct account_detail_record *detail = table_edit(accounts->details, event->account);
    detail->pending -= event->amount;
    return kind == TRADING_EVENT_TRANSFER_RETURNED ? move_by_message(accounts, record, event->amount) : NULL;
}

static const char *apply(struct accounts *accounts, struct account_record *record, uint32_t kind,
                         const struct account_event *event, struct moment at)
{
    switch (kind) {
    case TRADING_EVENT_CONTACT_UPDATED:
    case TRADING_EVENT_ADDRESS_UPDATED:
        note_personal(accounts, kind, event->account, at.position);
        return NULL;
    case TRADING_EVENT_FUNDS_DEPOSITED:
        return change_balance(accounts, record, POST_BANK, event->amount);
    case TRADING_EVENT_FUNDS_WITHDRAWN:
        return change_balance(accounts, record, POST_BANK, -event->amount);
    case TRADING_EVENT_FUNDS_CREDITED:
    case TRADING_EVENT_REFUND_ACCEPTED:
        return change_balance(accounts, record, POST_HOUSE, event->amount);
    case TRADING_EVENT_FUNDS_DEBITED:
        return change_balance(accounts, record, POST_HOUSE, -event->amount);
    case TRADING_EVENT_FUNDS_HELD:
        return __builtin_add_overflow(record->held, event->amount, &record->held) ? "an account holds more than a decimal"
                                                                                  : NULL;
    case TRADING_EVENT_FUNDS_RELEASED:
        record->held -= event->amount;
        return NULL;
    case TRADING_EVENT_FUNDS_PAID:
        return pay(accounts, record, event);
    case TRADING_EVENT_FUNDS_RECEIVED:
        return receive(accounts, record, event);
    case TRADING_EVENT_ACCOUNT_FROZEN:
        record->status = TRADING_ACCOUNT_FROZEN;
        return NULL;
    case TRADING_EVENT_ACCOUNT_UNFROZEN:
        record->status = TRADING_ACCOUNT_OPEN;
        return NULL;
    case TRADING_EVENT_ACCOUNT_CLOSED:
        record->status = TRADING_ACCOUNT_CLOSED;
        return change_balance(accounts, record, POST_HOUSE, -event->amount);
    case TRADING_EVENT_TRANSFER_SENT:
        return send(accounts, record, event);
    case TRADING_EVENT_TRANSFER_RECEIVED:
        return take(accounts, record, event);
    case TRADING_EVENT_TRANSFER_SETTLED:
    case TRADING_EVENT_TRANSFER_RETURNED:
        return end_transfer(accounts, record, kind, event);
    case TRADING_EVENT_ALIAS_BOUND:
        return alias_fold(accounts, event);
    default: /* a rejection changes nothing but the history */
        return NULL;
    }
}

const char *account_fold(struct accounts *accounts, uint32_t kind, const struct account_event *event, struct moment *at)
{
    bool needs_none = kind == TRADING_EVENT_COMMAND_REJECTED || kind == TRADING_EVENT_TRANSFER_REFUSED;
    if (event->account == 0 && needs_none)
        return NULL;
    if (event->account == 0 || event->account > table_count(accounts->records) || event->other > table_count(accounts->records))
        return "an event names an account that is not there";
    struct account_record *record = table_edit(accounts->records, event->account);
    const char *broken = apply(accounts, record, kind, event, *at);
    at->previous = record->last_position;
    record->last_position = at->position;
    record->version++;
    if (!broken && (record->held < 0 || record->held > record->balance))
        broken = "an account holds more than its balance, or less than nothing";
    return broken;
}

const char *account_fold_house(struct accounts *accounts, uint32_t number, trading_decimal received)
{
    if (number == 0 || number > table_count(accounts->ledgers))
        return "a trade names a ledger that is not there";
    struct ledger_record *ledger = table_edit(accounts->ledgers, number);
    wide_sum_add(&ledger->house, received);
    wide_sum_add(&ledger->clearing, -(__int128)received);
    return NULL;
}

const char *account_fold_carried(struct accounts *accounts, uint32_t number, trading_decimal taken)
{
    if (number == 0 || number > table_count(accounts->ledgers))
        return "a message carries money of a ledger that is not there";
    struct ledger_record *ledger = table_edit(accounts->ledgers, number);
    wide_sum_add(&ledger->carried, taken);
    return NULL;
}

/* Money that is another partition's from here on. */
static void take_along(struct ledger_record *ledger, struct wide_sum *from, __int128 amount)
{
    wide_sum_add(from, -amount);
    wide_sum_add(&ledger->clearing, amount);
    wide_sum_add(&ledger->carried, amount);
}

void account_fold_gone(struct accounts *accounts, uint32_t number)
{
    const struct account_record *record = account_get(accounts, number);
    struct ledger_record *ledger = table_edit(accounts->ledgers, record->ledger);
    take_along(ledger, &ledger->customers, record->balance);
}

void account_fold_ledger_gone(struct accounts *accounts, uint32_t number)
{
    struct ledger_record *ledger = table_edit(accounts->ledgers, number);
    take_along(ledger, &ledger->house, wide_sum_get(&ledger->house));
    take_along(ledger, &ledger->bank, wide_sum_get(&ledger->bank));
    take_along(ledger, &ledger->fee, wide_sum_get(&ledger->fee));
}

bool ledgers_balance(const struct accounts *accounts)
{
    uint32_t count = table_count(accounts->ledgers);
    for (uint32_t number = 1; number <= count; number++) {
        const struct ledger_record *ledger = table_get(accounts->ledgers, number);
        __int128 clearing = wide_sum_get(&ledger->clearing);
        __int128 others = wide_sum_get(&ledger->house) + wide_sum_get(&ledger->bank) + wide_sum_get(&ledger->fee);
        if (clearing != wide_sum_get(&ledger->carried) || wide_sum_get(&ledger->customers) + others + clearing != 0)
            return false;
    }
    return true;
}

bool accounts_index(struct accounts *accounts)
{
    uint32_t count = table_count(accounts->records);
    bool room = index_expect(accounts->by_id, count);
    for (uint32_t number = 1; room && number <= count; number++) {
        index_prefetch(accounts->by_id, id_hash(&account_get(accounts, number + INDEX_AHEAD)->id));
        room = index_insert(accounts->by_id, id_hash(&account_get(accounts, number)->id), number);
    }
    return room && aliases_index(accounts);
}
