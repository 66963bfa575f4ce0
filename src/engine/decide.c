/* One command on its way through the engine: prepared (prepare.c) → locate → deduplicate → compare versions → seal → decide and fold
 * (process/) → remember its key. And what the commands behind it will want, called into the cache meanwhile. */
#include "base/error.h"
#include "base/id.h"
#include "base/moment.h"
#include "engine/engine.h"
#include "process/foresee.h"

static void answer(trading_result *result, int32_t status, const struct rejection *why)
{
    *result = (trading_result){.status = status,
                               .reason = why->reason,
                               .position = POSITION_NONE,
                               .required = why->required,
                               .available = why->available};
}

static struct request request_of(const trading_command *command, const struct prepared *prepared)
{
    return (struct request){.command = command,
                            .cause = {.type = command->type,
                                      .key = command->key,
                                      .digest = prepared->digest,
                                      .actor = command->actor,
                                      .correlation = command->correlation},
                            .foreseen = &prepared->named};
}

static bool version_conflicts(trading_engine *engine, const struct request *request, trading_result *result)
{
    int64_t expected = request->command->expected_version;
    if (expected == 0)
        return false;
    int64_t version = process_version(&engine->domain, request, NULL);
    if (expected == version)
        return false;
    answer(result, TRADING_STATUS_CONFLICT, &(struct rejection){0});
    result->version = version;
    return true;
}

/* What was remembered under the key, if anything; true when that settles it. */
static bool is_known(trading_engine *engine, const struct request *request, uint64_t hash, int64_t absent_before,
                     trading_result *result)
{
    trading_error error;
    enum known known = engine_lookup(engine, request, hash, absent_before, result, &error);
    if (known == KNOWN_REUSED)
        answer(result, TRADING_STATUS_KEY_REUSED, &(struct rejection){0});
    if (known == KNOWN_FAILED) {
        host_log(engine->host, TRADING_LOG_ERROR, "what came of an earlier command cannot be read: %s", error.message);
        answer(result, TRADING_STATUS_UNKNOWN, &(struct rejection){0});
    }
    return known != KNOWN_NEW;
}

static inline const struct prepared *prepared_at(const trading_engine *engine, size_t i)
{
    return &engine->ahead.prepared[i - engine->ahead.first];
}

/* What the book of another partition says to an order of this one. */
static struct stamp stamp_of(trading_engine *engine, const trading_command *command)
{
    struct stamp stamp = {0};
    if (!command_places_order(command->type))
        return stamp;
    const trading_place_order *body = command->body;
    uint32_t partition = domain_partition_of_book(&engine->domain, &body->symbol);
    if (partition == engine->partition)
        return stamp;
    if (!engine->partitions)
        return hints_get(&engine->hints, &body->symbol);
    struct instrument_record instrument;
    uint32_t number;
    const struct market *market = &engine->partitions->at[partition]->domain.market;
    if (instrument_read(market, &body->symbol, NULL, &number, &instrument) == TABLE_FOUND)
        stamp = (struct stamp){.currency = instrument.currency, .ask = instrument.ask};
    return stamp;
}

/* A key for a command that has none; of one that opens an account, such that the account is of this partition. */
static void draw_key(trading_engine *engine, const trading_command *command, trading_id *key)
{
    trading_id id;
    do {
        engine_random(engine, key, sizeof *key);
        if (engine->parts == 1 || command->type != TRADING_COMMAND_OPEN_ACCOUNT)
            return;
        id_derive(&id, TRADING_ENTITY_ACCOUNT, &(trading_id){{0}}, key, 0);
    } while (domain_partition_of(&engine->domain, &id) != engine->partition);
}

bool engine_decide(trading_engine *engine, struct batch *batch, const struct slice *slice, size_t i, trading_error *error)
{
    const trading_command *command = &slice->submission->commands[slice->first + i];
    trading_result *result = &slice->submission->results[slice->first + i];
    struct process *process = &engine->process;
    const struct prepared *prepared = prepared_at(engine, i);
    struct rejection why = {.reason = prepared->reason};
    if (why.reason) {
        answer(result, TRADING_STATUS_MALFORMED, &why);
        return true;
    }
    struct request request = request_of(command, prepared);
    bool keyed = !id_is_zero(&command->key);
    if (!keyed)
        draw_key(engine, command, &request.cause.key);
    if (!process_locate(&engine->domain, &request, &why)) {
        answer(result, why.reason == TRADING_REASON_BAD_REQUEST ? TRADING_STATUS_MALFORMED : TRADING_STATUS_REJECTED, &why);
        return true;
    }
    bool foretold = request.cause.account == prepared->named.account;
    uint64_t hash = foretold ? prepared->key_hash : engine_key_hash(engine, &request.cause.key, request.cause.account);
    int64_t absent_before = foretold ? prepared->key_absent_before : 0;
    if ((keyed && is_known(engine, &request, hash, absent_before, result)) || version_conflicts(engine, &request, result))
        return true;
    if (!engine_seal(engine, &request, &why, error)) {
        answer(result, TRADING_STATUS_REJECTED, &why);
        return error->code == TRADING_OK;
    }
    if (engine->parts > 1)
        request.stamp = stamp_of(engine, command);
    int64_t position = process->next_position;
    if (!process_command(process, &request, result, &why)) {
        bool malformed = why.reason == TRADING_REASON_TOO_PRECISE;
        answer(result, malformed ? TRADING_STATUS_MALFORMED : TRADING_STATUS_REJECTED, &why);
        return true;
    }
    batch->entries++;
    return !keyed || engine_remember(engine, hash, position, process->now) ||
           !error_no_memory(error, "the keys of past commands");
}

/* ---- foreseeing ----
 *
 * In groups, and one thing after another for all of a group, so that what they wait for in memory they wait for together. */

static size_t group_end(const trading_engine *engine, size_t first)
{
    size_t end = engine->ahead.end;
    return first + ENGINE_GROUP < end ? first + ENGINE_GROUP : end;
}

static const trading_command *command_at(const struct slice *slice, size_t i)
{
    return &slice->submission->commands[slice->first + i];
}

/* Another processor wrote them. */
static void foresee_commands(const trading_engine *engine, const struct slice *slice, size_t first)
{
    const size_t end = group_end(engine, first);
    for (size_t i = first; i < end; i++) {
        __builtin_prefetch(command_at(slice, i));
        __builtin_prefetch((const uint8_t *)(command_at(slice, i) + 1) - 1);
        __builtin_prefetch(prepared_at(engine, i));
    }
}

static void foresee_bodies(const trading_engine *engine, const struct slice *slice, size_t first)
{
    const size_t end = group_end(engine, first);
    for (size_t i = first; i < end; i++)
        __builtin_prefetch(command_at(slice, i)->body);
}

static void foresee_records(const trading_engine *engine, size_t first)
{
    const size_t end = group_end(engine, first);
    for (size_t i = first; i < end; i++)
        process_foresee_records(&engine->domain, &prepared_at(engine, i)->named);
}

static void foresee_rest(const trading_engine *engine, size_t first)
{
    const size_t end = group_end(engine, first);
    for (size_t i = first; i < end; i++) {
        const struct prepared *prepared = prepared_at(engine, i);
        keys_prefetch(engine->keys, prepared->key_hash, prepared->key_absent_before);
        process_foresee_rest(&engine->domain, &prepared->named);
    }
}

/* Takes what the submission has prepared of the slice from its i-th command on, or prepares a few. */
static void look_ahead(trading_engine *engine, const struct slice *slice, size_t i)
{
    struct ahead *ahead = &engine->ahead;
    const struct preparation *prepared = slice->submission->prepared;
    ahead->first = i;
    ahead->end = slice->count;
    if (prepared) {
        ahead->prepared = &prepared->at[slice->first + i];
        return;
    }
    if (ahead->end - i > PREPARE_FEW)
        ahead->end = i + PREPARE_FEW;
    engine_prepare(engine, command_at(slice, i), ahead->end - i, ahead->few);
    ahead->prepared = ahead->few;
}

/* The first are looked at all at once. */
static void foresee_first(trading_engine *engine, const struct slice *slice, size_t i)
{
    look_ahead(engine, slice, i);
    for (size_t group = 0; group < 5; group++)
        foresee_commands(engine, slice, i + group * ENGINE_GROUP);
    for (size_t group = 0; group < 4; group++)
        foresee_bodies(engine, slice, i + group * ENGINE_GROUP);
    for (size_t group = 0; group < 2; group++)
        foresee_records(engine, i + group * ENGINE_GROUP);
    foresee_rest(engine, i);
}

void engine_foresee(trading_engine *engine, const struct slice *slice, size_t i)
{
    if (i % ENGINE_GROUP)
        return;
    if (i == 0 || i == engine->ahead.end)
        foresee_first(engine, slice, i);
    foresee_commands(engine, slice, i + 5 * ENGINE_GROUP);
    foresee_bodies(engine, slice, i + 4 * ENGINE_GROUP);
    foresee_records(engine, i + 2 * ENGINE_GROUP);
    foresee_rest(engine, i + ENGINE_GROUP);
}
