#include "account/decide.h"

bool account_decide_change(const struct account_record *account, struct rejection *why)
{
    return account->status != TRADING_ACCOUNT_CLOSED || reject(why, TRADING_REASON_ACCOUNT_CLOSED);
}

bool account_decide_act(const struct account_record *account, struct rejection *why)
{
    if (!account_decide_change(account, why))
        return false;
    return account->status != TRADING_ACCOUNT_FROZEN || reject(why, TRADING_REASON_ACCOUNT_FROZEN);
}

bool account_decide_receive(const struct account_record *account, trading_decimal amount, struct rejection *why)
{
    if (!account_decide_change(account, why))
        return false;
    trading_decimal room = TRADING_DECIMAL_MAX - account->balance;
    return amount <= room || reject_amount(why, TRADING_REASON_TOO_LARGE, amount, room);
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

bool account_decide_close(const struct account_record *account, bool portfolios_open, trading_decimal minor_unit,
                          struct rejection *why)
{
    if (!account_decide_act(account, why))
        return false;
    if (portfolios_open)
        return reject(why, TRADING_REASON_PORTFOLIOS_OPEN);
    return account->balance < minor_unit || reject_amount(why, TRADING_REASON_FUNDS_REMAIN, 0, account->balance);
}
