/* Aliases: what other systems call accounts and portfolios. */
#include "account/state.h"
#include "base/hash.h"
#include "base/id.h"

#include <string.h>

/* Of both texts, behind each other. It is no secret, but half of a cryptographic one: what collides takes long to find. */
static uint64_t alias_hash(const trading_text *space, const trading_text *name)
{
    char text[TRADING_ALIAS_SPACE_BYTES + 1 + TRADING_ALIAS_NAME_BYTES];
    trading_id key = {{0}};
    if (space->length > TRADING_ALIAS_SPACE_BYTES || name->length > TRADING_ALIAS_NAME_BYTES)
        return 0;
    memcpy(text, space->data, space->length);
    text[space->length] = '\0';
    memcpy(text + space->length + 1, name->data, name->length);
    trading_key_from_text(text, space->length + 1 + name->length, &key);
    return id_hash(&key);
}

static bool is_text(const char *padded, size_t bytes, const trading_text *text)
{
    return strnlen(padded, bytes) == text->length && !memcmp(padded, text->data, text->length);
}

static bool is_alias(const struct alias_record *record, const trading_text *space, const trading_text *name)
{
    return is_text(record->space, sizeof record->space, space) && is_text(record->name, sizeof record->name, name);
}

static const struct alias_record *alias_get(const struct accounts *accounts, uint32_t number)
{
    return table_get(accounts->aliases, number);
}

uint32_t alias_find(const struct accounts *accounts, const trading_text *space, const trading_text *name)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(accounts->by_alias, alias_hash(space, name), &cursor)) != 0) {
        if (is_alias(alias_get(accounts, number), space, name))
            return number;
    }
    return 0;
}

enum table_read alias_read(const struct accounts *accounts, const trading_text *space, const trading_text *name,
                           struct pin *pin, struct alias_record *record)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(accounts->by_alias, alias_hash(space, name), &cursor)) != 0) {
        enum table_read found = table_read(accounts->aliases, number, pin, record);
        if (found == TABLE_EXPIRED || (found == TABLE_FOUND && is_alias(record, space, name)))
            return found;
    }
    return TABLE_ABSENT;
}

enum table_read alias_read_next(const struct accounts *accounts, uint32_t account, uint32_t *number, struct pin *pin,
                                struct alias_record *record)
{
    uint64_t cursor = 0;
    uint32_t next = 0;
    uint32_t candidate;
    while ((candidate = index_next(accounts->aliases_of, hash_mix(account), &cursor)) != 0) {
        struct alias_record read;
        if (candidate <= *number || (next && candidate > next))
            continue;
        enum table_read found = table_read(accounts->aliases, candidate, pin, &read);
        if (found == TABLE_EXPIRED)
            return found;
        if (found != TABLE_FOUND || read.account != account)
            continue;
        next = candidate;
        *record = read;
    }
    *number = next;
    return next ? TABLE_FOUND : TABLE_ABSENT;
}

uint32_t alias_of(const struct accounts *accounts, uint32_t account, uint32_t portfolio, const trading_text *space)
{
    uint64_t cursor = 0;
    uint32_t number;
    while ((number = index_next(accounts->aliases_of, hash_mix(account), &cursor)) != 0) {
        const struct alias_record *record = alias_get(accounts, number);
        if (record->account == account && record->portfolio == portfolio && is_text(record->space, sizeof record->space, space))
            return number;
    }
    return 0;
}

static void index_alias(struct accounts *accounts, uint32_t number, const trading_text *space, const trading_text *name)
{
    index_insert(accounts->by_alias, alias_hash(space, name), number);
    index_insert(accounts->aliases_of, hash_mix(alias_get(accounts, number)->account), number);
}

const char *alias_fold(struct accounts *accounts, const struct account_event *event)
{
    const trading_text space = {event->alias_space, event->alias_space_size};
    const trading_text name = {event->alias_name, event->alias_name_size};
    if (alias_find(accounts, &space, &name))
        return "an alias was bound twice";
    uint32_t number;
    struct alias_record *record = table_append(accounts->aliases, &number);
    if (!record)
        return NULL;
    *record = (struct alias_record){.account = event->account, .portfolio = event->portfolio};
    memcpy(record->space, space.data, space.length);
    memcpy(record->name, name.data, name.length);
    index_alias(accounts, number, &space, &name);
    return NULL;
}

bool aliases_index(struct accounts *accounts)
{
    uint32_t count = table_count(accounts->aliases);
    for (uint32_t number = 1; number <= count; number++) {
        const struct alias_record *record = alias_get(accounts, number);
        const trading_text space = {record->space, strnlen(record->space, sizeof record->space)};
        const trading_text name = {record->name, strnlen(record->name, sizeof record->name)};
        index_alias(accounts, number, &space, &name);
    }
    return !index_failed(accounts->by_alias) && !index_failed(accounts->aliases_of);
}
