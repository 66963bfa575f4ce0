#include "account/decide.h"

#include "base/text.h"

bool account_decide_change(const struct account_record *account, struct rejection *why)
{
    return account->status != TRADING_ACCOUNT_CLOSED || reject(why, TRADING_REASON_ACCOUNT_CLOSED);
}

bool account_decide_alias(const struct accounts *accounts, uint32_t account, uint32_t portfolio,
                          const trading_bind_alias *alias, struct rejection *why)
{
    if (!account_decide_change(account_get(accounts, account), why))
        return false;
    bool taken = alias_find(accounts, &alias->space, &alias->name) || alias_of(accounts, account, portfolio, &alias->space);
    return !taken || reject(why, TRADING_REASON_ALIAS_TAKEN);
}

bool account_decide_act(const struct account_record *account, struct rejection *why)
{
    if (!account_decide_change(account, why))
        return false;
    return account->status != TRADING_ACCOUNT_FROZEN || reject(why, TRADING_REASON_ACCOUNT_FROZEN);
}

bool account_decide_receive(const struct accounts *accounts, uint32_t number, const struct account_record *account,
                            trading_decimal amount, struct rejection *why)
{
    if (!account_decide_change(account, why))
        return false;
    trading_decimal room = account_room(accounts, number, account);
    return amount <= room || reject_amount(why, TRADING_REASON_TOO_LARGE, amount, room);
}

bool account_decide_transfer(const struct accounts *accounts, uint32_t account, const trading_currency *currency,
                             trading_decimal amount, struct rejection *why)
{
    if (!account)
        return reject(why, TRADING_REASON_UNKNOWN_ACCOUNT);
    const struct account_record *record = account_get(accounts, account);
    if (!currency_equal(&record->currency, currency))
        return reject(why, TRADING_REASON_OTHER_CURRENCY);
    return account_decide_receive(accounts, account, record, amount, why);
}

bool account_decide_spend(const struct account_record *account, trading_decimal amount, struct rejection *why)
{
    if (!account_decide_act(account, why))
        return false;
    trading_decimal available = account->balance - account->held;
    return amount <= available || reject_amount(why, TRADING_REASON_INSUFFICIENT_FUNDS, amount, available);
}

bool account_decide_freeze(const struct account_record *account, struct rejection *why)
{
    return account_decide_act(account, why);
}

bool account_decide_unfreeze(const struct account_record *account, struct rejection *why)
{
    if (!account_decide_change(account, why))
        return false;
    return account->status == TRADING_ACCOUNT_FROZEN || reject(why, TRADING_REASON_NOT_FROZEN);
}

bool account_decide_close(const struct accounts *accounts, uint32_t number, bool portfolios_open, trading_decimal minor_unit,
                          struct rejection *why)
{
    const struct account_record *account = account_get(accounts, number);
    if (!account_decide_act(account, why))
        return false;
    if (portfolios_open)
        return reject(why, TRADING_REASON_PORTFOLIOS_OPEN);
    if (account_pending(accounts, number))
        return reject_amount(why, TRADING_REASON_TRANSFERS_PENDING, 0, account_pending(accounts, number));
    return account->balance < minor_unit || reject_amount(why, TRADING_REASON_FUNDS_REMAIN, 0, account->balance);
}
