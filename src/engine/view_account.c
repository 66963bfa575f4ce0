/* What views show of accounts, and of the ledgers that they are in. */
#include "base/error.h"
#include "base/id.h"
#include "base/wide.h"
#include "engine/eras.h"
#include "engine/view.h"

/* Calls all that is shown of accounts into the cache, so that the records are not waited for one after another. */
static void prefetch_accounts(const struct sight *sight, const trading_id *ids, size_t count)
{
    const struct domain *domain = sight->domain;
    for (size_t i = 0; i < count; i++)
        index_prefetch(domain->accounts.by_id, id_hash(&ids[i]));
    for (size_t i = 0; i < count; i++) {
        uint64_t cursor = 0;
        uint32_t number = index_next(domain->accounts.by_id, id_hash(&ids[i]), &cursor); /* nearly always the right one */
        table_prefetch_installed(domain->accounts.records, number);
        table_prefetch_installed(domain->portfolios.owners, number);
    }
}

static int32_t fill_in(const struct sight *sight, uint32_t number, const struct account_record *account, trading_account *out)
{
    const struct domain *domain = sight->domain;
    struct owner_record owner;
    struct account_detail_record detail = {0};
    int32_t code = sight_read(sight, domain->portfolios.owners, number, &owner);
    if (!code && account->flags & ACCOUNT_SENDS)
        code = sight_read(sight, domain->accounts.details, number, &detail);
    if (code)
        return code;
    *out = (trading_account){.size = sizeof *out,
                             .status = account->status,
                             .id = account->id,
                             .currency = account->currency,
                             .portfolio_count = owner.count,
                             .position = sight->position,
                             .version = account->version,
                             .opened = account->opened,
                             .balance = account->balance,
                             .held = account->held,
                             .available = account->balance - account->held,
                             .pending = detail.pending};
    return TRADING_OK;
}

static int32_t show_account(const struct sight *sight, const void *id, void *out)
{
    uint32_t number;
    struct account_record account;
    prefetch_accounts(sight, id, 1);
    int32_t code = sight_account(sight, id, &number, &account);
    return code ? code : fill_in(sight, number, &account, out);
}

int32_t trading_view_account(trading_view *view, const trading_id *account, trading_account *out, trading_error *error)
{
    view = view_of_id(view, account);
    bool sound = account && out && out->size == sizeof *out;
    return sight_single(view, sound, "an account's id, and a trading_account with its size set", show_account, account, out,
                        error);
}

/* ---- many by their ids ---- */

/* How many are called into the cache at once: one of them waits for memory as long as all of them. */
#define TOGETHER 32u

static int32_t show_if_there(const struct sight *sight, const trading_id *id, trading_account *out)
{
    uint32_t number;
    struct account_record account;
    enum table_read found = account_read(&sight->domain->accounts, id, sight->pin, &number, &account);
    if (found == TABLE_FOUND && domain_is_stranger(sight->domain, id))
        found = TABLE_ABSENT;
    if (found == TABLE_FOUND)
        return fill_in(sight, number, &account, out);
    *out = (trading_account){.size = sizeof *out, .position = sight->position};
    return found == TABLE_ABSENT ? TRADING_OK : sight_found(sight, found, "account");
}

static int32_t show_accounts(const struct sight *sight, const trading_id *ids, size_t count, trading_account *out)
{
    int32_t code = TRADING_OK;
    for (size_t done = 0; done < count && !code; done += TOGETHER) {
        size_t some = count - done < TOGETHER ? count - done : TOGETHER;
        prefetch_accounts(sight, ids + done, some);
        for (size_t i = done; i < done + some && !code; i++)
            code = show_if_there(sight, &ids[i], &out[i]);
    }
    return code;
}

/* One by one, each in its partition. */
static int32_t accounts_of_parts(trading_view *view, const trading_id *ids, size_t count, trading_account *out,
                                 trading_error *error)
{
    int32_t code = TRADING_OK;
    for (size_t i = 0; i < count && !code; i++) {
        struct sight sight;
        code = sight_start(&sight, view_of_id(view, &ids[i]), error);
        if (!code)
            code = sight_end(&sight, show_accounts(&sight, &ids[i], 1, &out[i]));
    }
    return code;
}

int32_t trading_view_accounts_by_id(trading_view *view, const trading_id *accounts, size_t count, trading_account *out,
                                    trading_error *error)
{
    struct sight sight;
    bool sound = accounts && out && count > 0 && out->size == sizeof *out;
    if (sound && view && view->parts)
        return accounts_of_parts(view, accounts, count, out, error);
    int32_t code = sight_begin(&sight, view, sound,
                               "ids of accounts, and as many trading_account, the first of them with its size set", error);
    return code ? code : sight_end(&sight, show_accounts(&sight, accounts, count, out));
}

/* ---- all of them ---- */

static int32_t list_accounts(const struct sight *sight, uint64_t *cursor, trading_id *out, size_t max, size_t *count)
{
    uint64_t accounts = table_installed(sight->domain->accounts.records, sight->pin);
    if (*cursor > accounts)
        return sight_bad_cursor(sight, *cursor);
    for (*count = 0; *count < max && *cursor < accounts;) {
        struct account_record account;
        int32_t code = sight_read(sight, sight->domain->accounts.records, (uint32_t)*cursor + 1, &account);
        if (code)
            return code;
        out[*count] = account.id;
        *count += !domain_is_stranger(sight->domain, &account.id);
        ++*cursor;
    }
    return TRADING_OK;
}

static int32_t page_of_accounts(trading_view *view, uint64_t *cursor, void *out, size_t max, size_t *count,
                                trading_error *error)
{
    struct sight sight;
    bool sound = page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "a cursor, and room for at least one id", error);
    return code ? code : sight_end(&sight, list_accounts(&sight, cursor, out, max, count));
}

int32_t trading_view_accounts(trading_view *view, uint64_t *cursor, trading_id *out, size_t max, size_t *count,
                              trading_error *error)
{
    return view_walk(view, page_of_accounts, cursor, out, max, count, error);
}

/* ---- aliases ---- */

struct alias_name {
    trading_text space;
    trading_text name;
};

static int32_t fill_in_alias(const struct sight *sight, const struct alias_record *alias, trading_alias *out)
{
    struct account_record account;
    struct portfolio_record portfolio = {0};
    int32_t code = sight_read(sight, sight->domain->accounts.records, alias->account, &account);
    if (!code && alias->portfolio)
        code = sight_read(sight, sight->domain->portfolios.records, alias->portfolio, &portfolio);
    if (!code && domain_is_stranger(sight->domain, &account.id))
        code = sight_found(sight, TABLE_ABSENT, "alias");
    if (code)
        return code;
    *out = (trading_alias){.account = account.id, .portfolio = portfolio.id};
    memcpy(out->space, alias->space, sizeof out->space);
    memcpy(out->name, alias->name, sizeof out->name);
    return TRADING_OK;
}

static int32_t show_alias(const struct sight *sight, const void *name, void *out)
{
    const struct alias_name *alias = name;
    struct alias_record record;
    int32_t code =
        sight_found(sight, alias_read(&sight->domain->accounts, &alias->space, &alias->name, sight->pin, &record), "alias");
    return code ? code : fill_in_alias(sight, &record, out);
}

int32_t trading_view_alias(trading_view *view, const char *space, const char *name, trading_alias *out, trading_error *error)
{
    const char *needs = "the space and the name of an alias, and room for one";
    bool sound = view && space && name && out;
    if (!sound)
        return sight_single(view, false, needs, show_alias, NULL, out, error);
    struct alias_name alias = {{space, strlen(space)}, {name, strlen(name)}};
    uint32_t parts = view->parts ? view->engine->partitions->count : 1;
    int32_t code = TRADING_E_NOT_FOUND;
    for (uint32_t p = 0; p < parts && code == TRADING_E_NOT_FOUND; p++)
        code = sight_single(view->parts ? view->parts[p] : view, true, needs, show_alias, &alias, out, error);
    return code;
}

/* A cursor is the number of the alias that was given last. */
static int32_t check_alias_cursor(const struct sight *sight, uint64_t cursor, uint32_t account)
{
    const struct table *aliases = sight->domain->accounts.aliases;
    struct alias_record last;
    if (!cursor)
        return TRADING_OK;
    if (cursor > table_installed(aliases, sight->pin))
        return sight_bad_cursor(sight, cursor);
    int32_t code = sight_read(sight, aliases, (uint32_t)cursor, &last);
    return code || last.account == account ? code : sight_bad_cursor(sight, cursor);
}

static int32_t list_aliases(const struct sight *sight, const trading_id *id, uint64_t *cursor, trading_alias *out, size_t max,
                            size_t *count)
{
    const struct accounts *accounts = &sight->domain->accounts;
    uint32_t number;
    struct account_record account;
    int32_t code = sight_account(sight, id, &number, &account);
    if (!code)
        code = check_alias_cursor(sight, *cursor, number);
    uint32_t at = (uint32_t)*cursor;
    for (*count = 0; !code && *count < max; ++*count) {
        struct alias_record alias;
        enum table_read found = alias_read_next(accounts, number, &at, sight->pin, &alias);
        if (found == TABLE_ABSENT)
            return TRADING_OK;
        code = found == TABLE_EXPIRED ? sight_found(sight, found, "alias") : fill_in_alias(sight, &alias, &out[*count]);
        if (code)
            return code;
        *cursor = at;
    }
    return code;
}

int32_t trading_view_aliases(trading_view *view, const trading_id *account, uint64_t *cursor, trading_alias *out, size_t max,
                             size_t *count, trading_error *error)
{
    struct sight sight;
    bool sound = account && page_is_sound(cursor, out, max, count);
    int32_t code =
        sight_begin(&sight, view_of_id(view, account), sound, "an account's id, a cursor, and room for an alias", error);
    return code ? code : sight_end(&sight, list_aliases(&sight, account, cursor, out, max, count));
}

/* ---- ledgers ---- */

static int32_t show_ledger(const struct sight *sight, uint64_t *cursor, trading_ledger *out)
{
    const struct table *ledgers = sight->domain->accounts.ledgers;
    if (*cursor >= table_installed(ledgers, sight->pin) || !engine_shows_sums_at(sight->engine, sight->position))
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

static int32_t page_of_ledgers(trading_view *view, uint64_t *cursor, void *out, size_t max, size_t *count, trading_error *error)
{
    struct sight sight;
    const trading_ledger *ledger = out;
    bool sound = cursor && out && ledger->size == sizeof *ledger;
    *count = max;
    int32_t code = sight_begin(&sight, view, sound, "a cursor, and a trading_ledger with its size set", error);
    return code ? code : sight_end(&sight, show_ledger(&sight, cursor, out));
}

int32_t trading_view_ledger(trading_view *view, uint64_t *cursor, trading_ledger *out, trading_error *error)
{
    size_t count;
    return view_walk(view, page_of_ledgers, cursor, out, 1, &count, error);
}
