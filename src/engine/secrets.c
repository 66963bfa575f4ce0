/* What only this store knows: the key of body digests, and the keys that personal data is sealed under. */
#include "base/error.h"
#include "base/id.h"
#include "engine/engine.h"
#include "engine/store_marks.h"
#include "journal/seal.h"
#include "process/validate.h"

#include <sodium.h>

#include <trading.h>

#define PROFILE_TEXTS 8                   /* of an account: its name, and the person's names, contact and address */
#define SHOWN_SOON    INT64_C(1000000000) /* nanoseconds in which a commit that the store has is shown, if nothing is wrong */

void engine_random(trading_engine *engine, void *buffer, size_t bytes)
{
    if (bytes > engine->entropy_left) {
        engine->options.entropy(engine->options.entropy_context, engine->entropy, sizeof engine->entropy);
        engine->entropy_left = sizeof engine->entropy;
    }
    engine->entropy_left -= bytes;
    memcpy(buffer, engine->entropy + engine->entropy_left, bytes);
    sodium_memzero(engine->entropy + engine->entropy_left, bytes);
}

int32_t engine_agree(trading_engine *engine, trading_store_secret *secret, trading_error *error)
{
    if (!engine->ops->secret_add)
        return engine->ops->secret_put(engine->store, secret, 1, error);
    int32_t code = engine->ops->secret_add(engine->store, secret, 1, error);
    return code == TRADING_E_BUSY ? engine->ops->secret_get(engine->store, &secret->name, secret->value, error) : code;
}

int32_t engine_keep_secrets(trading_engine *engine, const struct batch *batch, trading_error *error)
{
    if (!batch->secret_count)
        return TRADING_OK;
    if (!engine_has_one(engine) || !engine->ops->secret_add)
        return engine->ops->secret_put(engine->store, batch->secrets, batch->secret_count, error);
    int32_t code = engine->ops->secret_add(engine->store, batch->secrets, batch->secret_count, error);
    if (code == TRADING_E_BUSY)
        return error_set(error, TRADING_E_POSITION, "an account's secret was made by another writer");
    return code;
}

static void derive_secret(struct hash_secret *secret, char purpose, const uint8_t key[ENGINE_DIGEST_KEY])
{
    for (size_t i = 0; i < sizeof secret->words / sizeof *secret->words; i++)
        crypto_shorthash((uint8_t *)&secret->words[i], (const uint8_t[2]){(uint8_t)purpose, (uint8_t)i}, 2, key);
}

int32_t engine_digest_key(trading_engine *engine, trading_error *error)
{
    trading_store_secret secret = {.name = store_digest_key};
    int32_t code = engine->ops->secret_get(engine->store, &secret.name, secret.value, error);
    if (code == TRADING_E_NOT_FOUND && engine->read_only) {
        memset(secret.value, 0, sizeof secret.value); /* nothing is decided, so nothing is compared */
        code = TRADING_OK;
    }
    if (code == TRADING_E_NOT_FOUND) {
        trading_store_head head;
        code = engine->ops->head(engine->store, engine->partition, &head, error);
        if (!code && head.next_position > 0)
            return store_digest_key_lost(error);
        engine_random(engine, secret.value, sizeof secret.value);
        if (!code)
            code = engine_agree(engine, &secret, error);
    }
    memcpy(engine->digest_key, secret.value, sizeof engine->digest_key);
    derive_secret(&engine->key_secret, 'k', engine->digest_key);
    derive_secret(&engine->body_secret, 'b', engine->digest_key);
    sodium_memzero(&secret, sizeof secret);
    return code;
}

/* A body that is one amount needs no bytes to be hashed. */
static uint64_t cash_digest(const trading_engine *engine, const trading_command *command)
{
    const trading_cash *cash = command->body;
    return hash_keyed(&engine->body_secret, (uint64_t)command->type, (uint64_t)cash->amount, 0);
}

uint64_t engine_body_digest(const trading_engine *engine, const trading_command *command)
{
    if (command_is_cash(command))
        return cash_digest(engine, command);
    uint8_t bytes[CANONICAL_BYTES];
    struct writer writer = {.at = bytes, .end = bytes + sizeof bytes};
    command_canonical(command, &writer);
    size_t size = (size_t)(writer.at - bytes);
    if (!command_is_personal(command))
        return hash_keyed_bytes(&engine->body_secret, bytes, size);
    uint64_t digest; /* stands in the journal, and must tell nothing of the person */
    crypto_shorthash((uint8_t *)&digest, bytes, size, engine->digest_key);
    sodium_memzero(bytes, size);
    return digest;
}

/* ---- sealing ---- */

static void add_text(struct text_list *list, const trading_text *text)
{
    list->text[list->count].data = text->data;
    list->text[list->count].size = (uint32_t)text->length;
    list->count++;
}

/* The personal texts of a command that may have some, and the kind of event that will hold them. */
static uint32_t personal_texts(const trading_command *command, struct text_list *list)
{
    *list = (struct text_list){0};
    if (command->type == TRADING_COMMAND_OPEN_ACCOUNT) {
        const trading_open_account *body = command->body;
        const trading_text *const texts[PROFILE_TEXTS] = {&body->name,        &body->profile_name, &body->profile_surname,
                                                          &body->email,       &body->phone_number, &body->street,
                                                          &body->postal_code, &body->province};
        for (size_t i = 0; i < PROFILE_TEXTS; i++)
            add_text(list, texts[i]);
        return TRADING_EVENT_ACCOUNT_OPENED;
    }
    if (command->type == TRADING_COMMAND_OPEN_PORTFOLIO) {
        add_text(list, &((const trading_open_portfolio *)command->body)->name);
        return TRADING_EVENT_PORTFOLIO_OPENED;
    }
    if (command->type == TRADING_COMMAND_UPDATE_CONTACT) {
        const trading_update_contact *body = command->body;
        add_text(list, &body->email);
        add_text(list, &body->phone_number);
        return TRADING_EVENT_CONTACT_UPDATED;
    }
    const trading_update_address *body = command->body;
    add_text(list, &body->street);
    add_text(list, &body->postal_code);
    add_text(list, &body->province);
    return TRADING_EVENT_ADDRESS_UPDATED;
}

static bool is_empty(const struct text_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->text[i].size)
            return false;
    }
    return true;
}

static const trading_store_secret *find_pending(const struct batch *batch, const trading_id *account)
{
    for (size_t i = batch->secret_count; i-- > 0;) {
        if (id_equal(&batch->secrets[i].name, account))
            return &batch->secrets[i];
    }
    return NULL;
}

static bool make_secret(trading_engine *engine, const trading_id *account, uint8_t key[SEAL_KEY_BYTES], trading_error *error)
{
    struct batch *batch = engine->deciding;
    if (memory_grow(&engine->memory, (void **)&batch->secrets, &batch->secret_capacity, batch->secret_count + 1,
                    sizeof *batch->secrets)) {
        error_no_memory(error, "the keys of new accounts");
        return false;
    }
    trading_store_secret *secret = &batch->secrets[batch->secret_count++];
    secret->name = *account;
    engine_random(engine, secret->value, sizeof secret->value);
    memcpy(key, secret->value, sizeof secret->value);
    return true;
}

/* Whether something of the account was ever sealed, as decided. Of an account without a key and without texts of its own all portfolios are
 * looked at, for one with a name: of 200,000 without, some milliseconds. No record has room for a mark, and few accounts are like that. */
static bool has_personal(const struct domain *domain, uint32_t number)
{
    const struct account_detail_record *detail = account_detail_get(&domain->accounts, number);
    bool found = detail->profile_position >= 0 || detail->contact_position >= 0 || detail->address_position >= 0;
    uint32_t portfolio = owner_get(&domain->portfolios, number)->first;
    while (!found && portfolio) {
        const struct portfolio_record *record = portfolio_get(&domain->portfolios, portfolio);
        found = record->name_position >= 0;
        portfolio = record->next_of_account;
    }
    return found;
}

/* The account's key: of a batch that is not durable yet, else the store's. An account that never had anything personal gets one now. */
static bool account_key(trading_engine *engine, uint32_t number, uint8_t key[SEAL_KEY_BYTES], struct rejection *why,
                        trading_error *error)
{
    const struct account_record *account = account_get(&engine->domain.accounts, number);
    const trading_store_secret *pending = find_pending(engine->deciding, &account->id);
    for (size_t i = engine->appender.count; !pending && i-- > 0;)
        pending = find_pending(engine->appender.batches[i], &account->id);
    if (pending) {
        memcpy(key, pending->value, sizeof pending->value);
        return true;
    }
    int32_t code = engine->ops->secret_get(engine->store, &account->id, key, error);
    if (code != TRADING_E_NOT_FOUND)
        return code == TRADING_OK;
    error_clear(error);
    if (has_personal(&engine->domain, number))
        return reject(why, TRADING_REASON_FORGOTTEN);
    return make_secret(engine, &account->id, key, error);
}

/* An owner before this one may have made the account's secret, and then no commit that opens it; which shows when this one's is refused. */
static bool is_left_behind(trading_engine *engine, const trading_id *account, uint8_t key[SEAL_KEY_BYTES])
{
    return engine_has_one(engine) && engine->retries && !engine->ops->secret_get(engine->store, account, key, NULL);
}

/* The account whose key seals, and that key. `taken`: the account that would be opened exists; there is nothing to seal then. */
static bool sealing_key(trading_engine *engine, const struct request *request, trading_id *account, uint8_t key[SEAL_KEY_BYTES],
                        bool *taken, struct rejection *why, trading_error *error)
{
    *taken = false;
    if (request->command->type != TRADING_COMMAND_OPEN_ACCOUNT) {
        *account = account_get(&engine->domain.accounts, request->cause.account)->id;
        return account_key(engine, request->cause.account, key, why, error);
    }
    id_derive(account, TRADING_ENTITY_ACCOUNT, &(trading_id){0}, &request->cause.key, 0);
    *taken = account_find(&engine->domain.accounts, account) != 0;
    return *taken || is_left_behind(engine, account, key) || make_secret(engine, account, key, error);
}

static bool seal(trading_engine *engine, struct request *request, struct rejection *why, trading_error *error)
{
    struct text_list list;
    uint32_t kind = personal_texts(request->command, &list);
    bool clears = kind == TRADING_EVENT_CONTACT_UPDATED || kind == TRADING_EVENT_ADDRESS_UPDATED;
    if (is_empty(&list) && !clears)
        return true;
    uint8_t text[ENGINE_SEALED_BYTES - SEAL_EXTRA_BYTES];
    uint8_t key[SEAL_KEY_BYTES];
    uint8_t nonce[SEAL_NONCE_BYTES];
    trading_id account;
    bool taken;
    bool ready = sealing_key(engine, request, &account, key, &taken, why, error);
    if (ready && !taken) {
        size_t size = text_list_write(&list, text, sizeof text);
        engine_random(engine, nonce, sizeof nonce);
        seal_close(key, nonce, &account, kind, text, size, engine->sealed);
        request->sealed = (struct sealed){.data = engine->sealed, .size = (uint32_t)(size + SEAL_EXTRA_BYTES)};
        sodium_memzero(text, size);
    }
    sodium_memzero(key, sizeof key);
    return ready;
}

bool engine_seal(trading_engine *engine, struct request *request, struct rejection *why, trading_error *error)
{
    request->sealed = (struct sealed){0};
    return !command_is_personal(request->command) || seal(engine, request, why, error);
}

/* ---- forgetting ---- */

static int32_t check_forgettable(trading_engine *engine, const trading_id *account, trading_error *error)
{
    int32_t code = engine_check(engine, error);
    if (code)
        return code;
    if (!account)
        return error_set(error, TRADING_E_INVALID, "whoever is to be forgotten is named by an account's id");
    if (engine->read_only)
        return error_set(error, TRADING_E_READ_ONLY, "the engine was opened read only, so it forgets nobody");
    uint32_t partition = id_slot(account) % engine->parts;
    if (engine->partitions || partition == engine->partition)
        return TRADING_OK;
    return error_set(error, TRADING_E_INVALID, "the account is in partition %u, and this engine has %u alone", partition,
                     engine->partition);
}

/* Whether all that the journal of the account's partition has is shown, or soon is: an append of unknown outcome may have opened the account. */
static bool shows_all(trading_engine *engine, const trading_id *account)
{
    trading_store_head head;
    trading_engine *part = engine_part(engine, id_slot(account) % engine->parts);
    int32_t code = part->ops->head(part->store, part->partition, &head, NULL);
    return !code && engine_wait_beyond(part, head.next_position - 1, part->manual ? 0 : SHOWN_SOON);
}

/* Of an account that is shown, nothing that is under way brings the key back: it was put before the commit that first sealed something
 * under it, and who seals later asks the store, finds it, and is forgotten with the rest, or finds none, and is refused; but of an account
 * that had nothing personal until then, finds none, and makes the first, which comes after. Of an account that is not shown the opening may
 * be in the journal, answered as unknown; so the end of the journal is asked first. The view keeps the engine open meanwhile. */
int32_t trading_engine_forget(trading_engine *engine, const trading_id *account, trading_error *error)
{
    trading_view *view;
    trading_account shown = TRADING_ACCOUNT_INIT;
    int32_t code = check_forgettable(engine, account, error);
    if (!code)
        code = trading_view_open(&view, engine, TRADING_VIEW_LATEST, error);
    if (code)
        return code;
    bool all = shows_all(engine, account);
    code = trading_view_account(view, account, &shown, error);
    if (!code)
        code = engine->ops->secret_delete(engine->store, account, error);
    else if (code == TRADING_E_NOT_FOUND && !all)
        code = error_set(error, TRADING_E_OUTCOME_UNKNOWN,
                         "whether there is such an account is not known yet: call again once its opening was answered");
    trading_view_close(view);
    return code ? code : error_clear(error);
}
