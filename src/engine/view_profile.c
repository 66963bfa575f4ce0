/* Personal data: read from the journal, and opened with the account's key. Without the key the person is forgotten. */
#include "base/error.h"
#include "engine/view.h"
#include "journal/seal.h"

#include <inttypes.h>
#include <sodium.h>

/* The texts of one event. */
struct opened {
    struct text_list list; /* they lie in `bytes` */
    uint8_t bytes[ENGINE_SEALED_BYTES];
};

/* What a call needs of an account to read its texts. */
struct person {
    trading_id id;
    uint8_t key[SEAL_KEY_BYTES];
    bool forgotten; /* there is no key */
};

static int32_t find_person(const struct sight *sight, const trading_id *id, struct person *person)
{
    *person = (struct person){.id = *id};
    trading_error failure = {0};
    int32_t code = sight->engine->ops->secret_get(sight->engine->store, id, person->key, &failure);
    person->forgotten = code == TRADING_E_NOT_FOUND;
    if (code && !person->forgotten && sight->error)
        *sight->error = failure;
    return person->forgotten ? TRADING_OK : code;
}

/* Leaves nothing personal on the stack. */
static void forget(struct person *person, struct opened *opened)
{
    sodium_memzero(person, sizeof *person);
    sodium_memzero(opened, sizeof *opened);
}

static uint32_t texts_of(uint32_t kind)
{
    switch (kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
        return 8;
    case TRADING_EVENT_CONTACT_UPDATED:
        return 2;
    case TRADING_EVENT_ADDRESS_UPDATED:
        return 3;
    case TRADING_EVENT_PORTFOLIO_OPENED:
        return 1;
    default:
        return 0;
    }
}

/* Opens the texts of the event at the position; there are none at −1, nor of somebody who was forgotten. */
static int32_t open_texts(struct sight *sight, const struct person *person, int64_t position, struct opened *opened)
{
    opened->list = (struct text_list){0};
    if (position < 0 || person->forgotten)
        return TRADING_OK;
    struct event event;
    int32_t code = sight_event_at(sight, position, &event);
    if (code)
        return code;
    bool of_portfolio = event.kind == TRADING_EVENT_PORTFOLIO_OPENED;
    const uint8_t *sealed = of_portfolio ? event.portfolio.sealed : event.account.sealed;
    size_t size = of_portfolio ? event.portfolio.sealed_size : event.account.sealed_size;
    uint32_t count = texts_of(event.kind);
    bool whole = count > 0 && size >= SEAL_EXTRA_BYTES && size - SEAL_EXTRA_BYTES <= sizeof opened->bytes &&
                 seal_open(person->key, &person->id, event.kind, sealed, size, opened->bytes) &&
                 text_list_read(&opened->list, count, opened->bytes, size - SEAL_EXTRA_BYTES);
    if (whole)
        return TRADING_OK;
    return error_set(sight->error, TRADING_E_DAMAGED,
                     "the personal data in event %" PRId64
                     " does not open with its account's key; put the store's secrets back "
                     "from a backup",
                     position);
}

/* Copies a text, if there is one, and the NUL that ends it. What is longer than its limit was never let in. */
static void copy_text(const struct opened *opened, uint32_t which, char *to, size_t capacity)
{
    size_t size = which < opened->list.count ? opened->list.text[which].size : 0;
    if (size >= capacity)
        size = capacity - 1;
    if (size)
        memcpy(to, opened->list.text[which].data, size);
    to[size] = 0;
}

#define COPY_TEXT(opened, which, to) copy_text(opened, which, to, sizeof(to))

/* ---- the profile of an account ---- */

static int32_t show_names(struct sight *sight, const struct person *person, const struct account_detail_record *account,
                          struct opened *opened, trading_profile *out)
{
    int32_t code = open_texts(sight, person, account->profile_position, opened);
    COPY_TEXT(opened, 0, out->name);
    COPY_TEXT(opened, 1, out->profile_name);
    COPY_TEXT(opened, 2, out->profile_surname);
    return code;
}

/* Contact and address stand in an event of their own once they were updated. */
static int32_t show_contact(struct sight *sight, const struct person *person, const struct account_detail_record *account,
                            struct opened *opened, trading_profile *out)
{
    int32_t code = open_texts(sight, person, account->contact_position, opened);
    uint32_t first = account->contact_position == account->profile_position ? 3 : 0;
    COPY_TEXT(opened, first, out->email);
    COPY_TEXT(opened, first + 1, out->phone_number);
    return code;
}

static int32_t show_address(struct sight *sight, const struct person *person, const struct account_detail_record *account,
                            struct opened *opened, trading_profile *out)
{
    int32_t code = open_texts(sight, person, account->address_position, opened);
    uint32_t first = account->address_position == account->profile_position ? 5 : 0;
    COPY_TEXT(opened, first, out->street);
    COPY_TEXT(opened, first + 1, out->postal_code);
    COPY_TEXT(opened, first + 2, out->province);
    return code;
}

static bool has_texts(const struct account_detail_record *account)
{
    return account->profile_position >= 0 || account->contact_position >= 0 || account->address_position >= 0;
}

/* Goes through all portfolios where none has a name, as has_personal in engine/secrets.c does. */
static int32_t find_named_portfolio(const struct sight *sight, uint32_t account, bool *found)
{
    struct owner_record owner;
    struct portfolio_record portfolio;
    int32_t code = sight_read(sight, sight->domain->portfolios.owners, account, &owner);
    uint32_t next = code ? 0 : owner.first;
    while (next && !code && !*found) {
        code = sight_read(sight, sight->domain->portfolios.records, next, &portfolio);
        *found = !code && portfolio.name_position >= 0;
        next = portfolio.next_of_account;
    }
    return code;
}

/* Who has no key was forgotten where the journal has texts: of the account, or the name of a portfolio. */
static int32_t tell_forgotten(const struct sight *sight, const struct person *person, uint32_t number,
                              const struct account_detail_record *account, trading_profile *out)
{
    bool known = has_texts(account);
    int32_t code = TRADING_OK;
    if (person->forgotten && !known)
        code = find_named_portfolio(sight, number, &known);
    out->forgotten = person->forgotten && known;
    return code;
}

static int32_t show_profile(struct sight *sight, const trading_id *id, trading_profile *out)
{
    uint32_t number;
    struct account_record account;
    struct account_detail_record detail;
    struct person person;
    struct opened opened;
    int32_t code = sight_account(sight, id, &number, &account);
    if (!code)
        code = sight_read(sight, sight->domain->accounts.details, number, &detail);
    if (code)
        return code;
    *out = (trading_profile){.size = sizeof *out};
    code = find_person(sight, id, &person);
    if (!code)
        code = show_names(sight, &person, &detail, &opened, out);
    if (!code)
        code = show_contact(sight, &person, &detail, &opened, out);
    if (!code)
        code = show_address(sight, &person, &detail, &opened, out);
    if (!code)
        code = tell_forgotten(sight, &person, number, &detail, out);
    forget(&person, &opened);
    return code;
}

int32_t trading_view_profile(trading_view *view, const trading_id *account, trading_profile *out, trading_error *error)
{
    view = view_of_id(view, account);
    struct sight sight;
    bool sound = account && out && out->size == sizeof *out;
    int32_t code = sight_begin(&sight, view, sound, "an account's id, and a trading_profile with its size set", error);
    return code ? code : sight_end(&sight, show_profile(&sight, account, out));
}

/* ---- the name of a portfolio ---- */

/* Where the portfolio's name stands: the first of each account has the account's. POSITION_NONE: it was opened without one. */
static int32_t find_name(struct sight *sight, uint32_t number, const struct portfolio_record *portfolio, int64_t *position)
{
    struct owner_record owner;
    struct account_detail_record detail;
    *position = portfolio->name_position;
    int32_t code = sight_read(sight, sight->domain->portfolios.owners, portfolio->account, &owner);
    if (code || owner.first != number)
        return code;
    code = sight_read(sight, sight->domain->accounts.details, portfolio->account, &detail);
    if (!code)
        *position = detail.profile_position;
    return code;
}

static int32_t show_name(struct sight *sight, const trading_id *id, char *name, size_t bytes)
{
    uint32_t number;
    struct portfolio_record portfolio;
    struct account_record account;
    struct person person;
    struct opened opened;
    int32_t code = sight_portfolio(sight, id, &number, &portfolio);
    if (!code)
        code = sight_read(sight, sight->domain->accounts.records, portfolio.account, &account);
    if (!code)
        code = find_person(sight, &account.id, &person);
    if (code)
        return code;
    int64_t position = POSITION_NONE;
    opened.list = (struct text_list){0};
    code = find_name(sight, number, &portfolio, &position);
    if (!code)
        code = open_texts(sight, &person, position, &opened);
    copy_text(&opened, 0, name, bytes);
    forget(&person, &opened);
    return code;
}

int32_t trading_view_portfolio_name(trading_view *view, const trading_id *portfolio, char *name, size_t bytes,
                                    trading_error *error)
{
    view = view_of_id(view, portfolio);
    struct sight sight;
    bool sound = portfolio && name && bytes > TRADING_NAME_BYTES;
    int32_t code = sight_begin(&sight, view, sound, "a portfolio's id, and room for TRADING_NAME_BYTES and a NUL", error);
    return code ? code : sight_end(&sight, show_name(&sight, portfolio, name, bytes));
}
