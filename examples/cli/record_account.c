/* Accounts as JSON. */
#include "record.h"

#define PAGE 64

static json_t *plain_account(const trading_account *account)
{
    json_t *object = new_object();
    int32_t decimals = money_of_currency(&account->currency);
    put_id(object, "account", TRADING_ENTITY_ACCOUNT, &account->id);
    put_text(object, "status", trading_account_status_name(account->status));
    put_text(object, "currency", account->currency.text);
    put_money(object, "balance", account->balance, decimals);
    put_money(object, "held", account->held, decimals);
    put_money(object, "available", account->available, decimals);
    if (account->pending)
        put_money(object, "pending", account->pending, decimals);
    return object;
}

static void put_profile(json_t *object, const trading_profile *profile)
{
    json_t *person = new_object();
    put_text(person, "name", profile->profile_name);
    put_text(person, "surname", profile->profile_surname);
    json_t *contact = new_object();
    put_text(contact, "email", profile->email);
    put_text(contact, "phone_number", profile->phone_number);
    json_t *address = new_object();
    put_text(address, "street", profile->street);
    put_text(address, "postal_code", profile->postal_code);
    put_text(address, "province", profile->province);
    put_text(object, "name", profile->name);
    put(object, "profile", person);
    put(object, "contact", contact);
    put(object, "address", address);
    if (profile->forgotten)
        put(object, "forgotten", json_true());
}

static bool put_portfolios(json_t *object, trading_view *view, const trading_id *account, trading_error *error)
{
    trading_id ids[PAGE];
    char text[TRADING_ID_TEXT];
    uint64_t cursor = 0;
    size_t count;
    json_t *portfolios = new_array();
    put(object, "portfolios", portfolios);
    do {
        if (trading_view_portfolios(view, account, &cursor, ids, PAGE, &count, error) != TRADING_OK)
            return false;
        for (size_t i = 0; i < count; i++) {
            trading_id_format(TRADING_ENTITY_PORTFOLIO, &ids[i], text);
            append(portfolios, new_text(text));
        }
    } while (count);
    return true;
}

/* What other systems call the account and its portfolios; nothing where there is none. */
static bool put_aliases(json_t *object, trading_view *view, const trading_id *account, trading_error *error)
{
    trading_alias page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    json_t *aliases = NULL;
    do {
        if (trading_view_aliases(view, account, &cursor, page, PAGE, &count, error) != TRADING_OK)
            return false;
        if (count && !aliases)
            put(object, "aliases", aliases = new_array());
        for (size_t i = 0; i < count; i++) {
            json_t *alias = new_object();
            put_text(alias, "space", page[i].space);
            put_text(alias, "name", page[i].name);
            put_id(alias, "portfolio", TRADING_ENTITY_PORTFOLIO, &page[i].portfolio);
            append(aliases, alias);
        }
    } while (count);
    return true;
}

json_t *record_account(trading_view *view, const trading_id *id, trading_error *error)
{
    trading_account account = {.size = sizeof account};
    trading_profile profile = {.size = sizeof profile};
    if (trading_view_account(view, id, &account, error) != TRADING_OK ||
        trading_view_profile(view, id, &profile, error) != TRADING_OK)
        return NULL;
    json_t *object = plain_account(&account);
    if (!put_portfolios(object, view, id, error) || !put_aliases(object, view, id, error)) {
        json_decref(object);
        return NULL;
    }
    put_profile(object, &profile);
    put_time(object, "opened", account.opened);
    put_integer(object, "version", account.version);
    put_integer(object, "position", account.position);
    return object;
}

json_t *record_accounts(trading_view *view, trading_error *error)
{
    trading_id ids[PAGE];
    trading_account account = {.size = sizeof account};
    uint64_t cursor = 0;
    size_t count;
    json_t *accounts = new_array();
    do {
        if (trading_view_accounts(view, &cursor, ids, PAGE, &count, error) != TRADING_OK)
            goto failed;
        for (size_t i = 0; i < count; i++) {
            if (trading_view_account(view, &ids[i], &account, error) != TRADING_OK)
                goto failed;
            append(accounts, plain_account(&account));
        }
    } while (count);
    return accounts;
failed:
    json_decref(accounts);
    return NULL;
}

json_t *record_activity_line(const trading_activity *activity, int32_t decimals)
{
    json_t *object = new_object();
    put_time(object, "time", activity->time);
    put_text(object, "type", trading_activity_name(activity->type));
    put_money(object, "amount", activity->amount, decimals);
    put_money(object, "balance", activity->balance, decimals);
    put_id(object, "order", TRADING_ENTITY_ORDER, &activity->order);
    if (activity->symbol.text[0]) {
        put_text(object, "symbol", activity->symbol.text);
        put_quantity(object, "quantity", activity->quantity);
        put_money(object, "price", activity->price, decimals);
    }
    if (activity->type == TRADING_ACTIVITY_SELL)
        put_money(object, "realized_pnl", activity->realized_pnl, decimals);
    put_integer(object, "position", activity->position);
    return object;
}

static json_t *list_activity(trading_projection *projection, const trading_id *account, int32_t decimals, trading_error *error)
{
    trading_activity page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    json_t *activities = new_array();
    if (trading_projection_run(projection, NULL, error) != TRADING_OK)
        goto failed;
    do {
        if (trading_activity_list(projection, account, &cursor, page, PAGE, &count, error) != TRADING_OK)
            goto failed;
        for (size_t i = 0; i < count; i++)
            append(activities, record_activity_line(&page[i], decimals));
    } while (count);
    return activities;
failed:
    json_decref(activities);
    return NULL;
}

json_t *record_activity(trading_engine *engine, trading_view *view, const trading_id *account, trading_error *error)
{
    trading_account record = {.size = sizeof record};
    trading_projection *projection;
    if (trading_view_account(view, account, &record, error) != TRADING_OK ||
        trading_activity_open(&projection, engine, error) != TRADING_OK)
        return NULL;
    json_t *activities = list_activity(projection, account, money_of_currency(&record.currency), error);
    trading_projection_close(projection);
    return activities;
}
