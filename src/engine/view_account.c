/* What views show of accounts, and of the ledgers that they are in. */
#include "base/error.h"
#include "base/wide.h"
#include "engine/view.h"

static int32_t show_account(const struct sight *sight, const void *id, void *out)
{
    const struct domain *domain = sight->domain;
    uint32_t number;
    struct account_record account;
    struct account_detail_record detail;
    struct owner_record owner;
    int32_t code = sight_found(sight, account_read(&domain->accounts, id, sight->pin, &number, &account), "account");
    if (!code)
        code = sight_read(sight, domain->accounts.details, number, &detail);
    if (!code)
        code = sight_read(sight, domain->portfolios.owners, number, &owner);
    if (code)
        return code;
    *(trading_account *)out = (trading_account){.size = sizeof(trading_account),
                                                .status = account.status,
                                                .id = account.id,
                                                .currency = account.currency,
                                                .portfolio_count = owner.count,
                                                .position = sight->position,
                                                .version = account.version,
                                                .opened = detail.opened,
                                                .balance = account.balance,
                                                .held = account.held,
                                                .available = account.balance - account.held};
    return TRADING_OK;
}

int32_t trading_view_account(trading_view *view, const trading_id *account, trading_account *out, trading_error *error)
{
    bool sound = account && out && out->size == sizeof *out;
    return sight_single(view, sound, "an account's id, and a trading_account with its size set", show_account, account, out,
                        error);
}

static int32_t list_accounts(const struct sight *sight, uint64_t *cursor, trading_id *out, size_t max, size_t *count)
{
    uint64_t accounts = table_installed(sight->domain->accounts.records, sight->pin);
    if (*cursor > accounts)
        return sight_bad_cursor(sight, *cursor);
    for (*count = 0; *count < max && *cursor < accounts; ++*count) {
        struct account_record account;
        int32_t code = sight_read(sight, sight->domain->accounts.records, (uint32_t)*cursor + 1, &account);
        if (code)
            return code;
        out[*count] = account.id;
        ++*cursor;
    }
    return TRADING_OK;
}

int32_t trading_view_accounts(trading_view *view, uint64_t *cursor, trading_id *out, size_t max, size_t *count,
                              trading_error *error)
{
    struct sight sight;
    bool sound = page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a cursor, and room for at least one id", error);
    return code ? code : sight_end(&sight, list_accounts(&sight, cursor, out, max, count));
}

/* ---- ledgers ---- */

static int32_t show_ledger(const struct sight *sight, uint64_t *cursor, trading_ledger *out)
{
    const struct table *ledgers = sight->domain->accounts.ledgers;
    if (*cursor >= table_installed(ledgers, sight->pin))
        return error_set(sight->error, TRADING_E_NOT_FOUND, "there are no more ledgers");
    struct ledger_record ledger;
    int32_t code = sight_read(sight, ledgers, (uint32_t)*cursor + 1, &ledger);
    if (code)
        return code;
    *out = (trading_ledger){.size = sizeof *out, .currency = ledger.currency};
    int32_t decimals = trading_currency_decimals(&ledger.currency);
    wide_format(wide_sum_get(&ledger.customers), decimals, out->customers.text);
    wide_format(wide_sum_get(&ledger.house), decimals, out->house.text);
    wide_format(wide_sum_get(&ledger.bank), decimals, out->bank.text);
    wide_format(wide_sum_get(&ledger.clearing), decimals, out->clearing.text);
    wide_format(wide_sum_get(&ledger.fee), decimals, out->fee.text);
    ++*cursor;
    return TRADING_OK;
}
_Static_assert(sizeof((trading_total){0}.text) >= WIDE_TEXT, "a total holds any sum");

int32_t trading_view_ledger(trading_view *view, uint64_t *cursor, trading_ledger *out, trading_error *error)
{
    struct sight sight;
    bool sound = cursor && out && out->size == sizeof *out;
    int32_t code = sight_begin(&sight, view, sound, "a cursor, and a trading_ledger with its size set", error);
    return code ? code : sight_end(&sight, show_ledger(&sight, cursor, out));
}
