/* The rules of the Account context: from a record and what is asked, the event or why not. Pure. */
#ifndef ACCOUNT_DECIDE_H
#define ACCOUNT_DECIDE_H

#include "account/state.h"
#include "base/rejection.h"

/* Money comes in to the account of the number, which the record is of: deposits, credits, refunds, transfers. Not to a closed account. */
bool account_decide_receive(const struct accounts *accounts, uint32_t number, const struct account_record *account,
                            trading_decimal amount, struct rejection *why);

/* A transfer arrives, of money in the currency, for the account of the number; 0: there is none. */
bool account_decide_transfer(const struct accounts *accounts, uint32_t account, const trading_currency *currency,
                             trading_decimal amount, struct rejection *why);

/* Money goes out of what is available: withdrawals, debits, holds. Not from a frozen account. */
bool account_decide_spend(const struct account_record *account, trading_decimal amount, struct rejection *why);

/* May have the alias, or its portfolio may: it is nobody's, and the only one in its space. */
bool account_decide_alias(const struct accounts *accounts, uint32_t account, uint32_t portfolio,
                          const trading_bind_alias *alias, struct rejection *why);

/* May place orders, open portfolios and close them: neither closed nor frozen. */
bool account_decide_act(const struct account_record *account, struct rejection *why);

/* May be changed at all: not closed. */
bool account_decide_change(const struct account_record *account, struct rejection *why);

bool account_decide_freeze(const struct account_record *account, struct rejection *why);
bool account_decide_unfreeze(const struct account_record *account, struct rejection *why);

/* With all portfolios closed, no transfer pending, and less than a minor unit left, which goes to the house. */
bool account_decide_close(const struct accounts *accounts, uint32_t number, bool portfolios_open, trading_decimal minor_unit,
                          struct rejection *why);

#endif
