/* One command on its way through the engine: validate → locate → deduplicate → compare versions → seal → decide and fold (process/) →
 * remember its key. And what the commands behind it will want, called into the cache meanwhile. */
#include "base/error.h"
#include "base/id.h"
#include "base/moment.h"
#include "engine/engine.h"
#include "process/validate.h"

static void answer(trading_result *result, int32_t status, const struct rejection *why)
{
    *result = (trading_result){.status = status,
                               .reason = why->reason,
                               .position = POSITION_NONE,
                               .required = why->required,
                               .available = why->available};
}

static void cause_of(trading_engine *engine, const trading_command *command, struct cause *cause)
{
    *cause = (struct cause){.type = command->type, .actor = command->actor, .correlation = command->correlation};
    cause->digest = engine_body_digest(engine, command);
    cause->key = command->key;
    if (id_is_zero(&command->key))
        engine_draw_key(engine, command, &cause->key);
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
static bool is_known(trading_engine *engine, const struct request *request, uint64_t hash, trading_result *result)
{
    trading_error error;
    enum known known = engine_lookup(engine, request, hash, result, &error);
    if (known == KNOWN_REUSED)
        answer(result, TRADING_STATUS_KEY_REUSED, &(struct rejection){0});
    if (known == KNOWN_FAILED) {
        host_log(engine->host, TRADING_LOG_ERROR, "what came of an earlier command cannot be read: %s", error.message);
        answer(result, TRADING_STATUS_UNKNOWN, &(struct rejection){0});
    }
    return known != KNOWN_NEW;
}

bool engine_decide(trading_engine *engine, struct batch *batch, const struct slice *slice, size_t i, trading_error *error)
{
    const trading_command *command = &slice->submission->commands[slice->first + i];
    trading_result *result = &slice->submission->results[slice->first + i];
    struct process *process = &engine->process;
    const struct foreseen *foreseen = &engine->foreseen[i % ENGINE_FORESEEN];
    struct request request = {.command = command, .foreseen = foreseen->named};
    struct rejection why = {0};
    if (!command_validate(command, &why) ||
        (engine_is_elsewhere(engine, command) && !reject(&why, TRADING_REASON_BAD_REQUEST))) {
        answer(result, TRADING_STATUS_MALFORMED, &why);
        return true;
    }
    cause_of(engine, command, &request.cause);
    if (!process_locate(&engine->domain, &request, &why)) {
        answer(result, why.reason == TRADING_REASON_BAD_REQUEST ? TRADING_STATUS_MALFORMED : TRADING_STATUS_REJECTED, &why);
        return true;
    }
    bool keyed = !id_is_zero(&command->key);
    uint64_t hash = request.cause.account == foreseen->named.account
                        ? foreseen->key_hash
                        : engine_key_hash(engine, &request.cause.key, request.cause.account);
    if ((keyed && is_known(engine, &request, hash, result)) || version_conflicts(engine, &request, result))
        return true;
    if (!engine_seal(engine, &request, &why, error)) {
        answer(result, TRADING_STATUS_REJECTED, &why);
        return error->code == TRADING_OK;
    }
    if (engine->parts > 1)
        request.stamp = engine_stamp(engine, command);
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

static size_t group_end(const struct slice *slice, size_t first)
{
    return first + ENGINE_GROUP < slice->count ? first + ENGINE_GROUP : slice->count;
}

static const trading_command *command_at(const struct slice *slice, size_t i)
{
    return &slice->submission->commands[slice->first + i];
}

static struct foreseen *foreseen_at(trading_engine *engine, size_t i)
{
    return &engine->foreseen[i % ENGINE_FORESEEN];
}

/* Another processor wrote them. */
static void foresee_commands(const struct slice *slice, size_t first)
{
    const size_t end = group_end(slice, first);
    for (size_t i = first; i < end; i++) {
        __builtin_prefetch(command_at(slice, i));
        __builtin_prefetch((const uint8_t *)(command_at(slice, i) + 1) - 1);
    }
}

static void foresee_bodies(const struct slice *slice, size_t first)
{
    const size_t end = group_end(slice, first);
    for (size_t i = first; i < end; i++)
        __builtin_prefetch(command_at(slice, i)->body);
}

static void foresee_places(trading_engine *engine, const struct slice *slice, size_t first)
{
    const size_t end = group_end(slice, first);
    for (size_t i = first; i < end; i++)
        foreseen_at(engine, i)->foretold = process_foresee_place(&engine->domain, command_at(slice, i));
}

static void foresee_records(trading_engine *engine, const struct slice *slice, size_t first)
{
    const size_t end = group_end(slice, first);
    for (size_t i = first; i < end; i++)
        process_foresee_number(&engine->domain, &foreseen_at(engine, i)->foretold, &foreseen_at(engine, i)->named);
    for (size_t i = first; i < end; i++)
        process_foresee_record(&engine->domain, &foreseen_at(engine, i)->named);
}

/* The account is known by now, and with it the scope of the key. */
static void foresee_keys(trading_engine *engine, const struct slice *slice, size_t first)
{
    const size_t end = group_end(slice, first);
    for (size_t i = first; i < end; i++)
        if (foreseen_at(engine, i)->named.portfolio)
            process_foresee_owner(&engine->domain, &foreseen_at(engine, i)->named);
    for (size_t i = first; i < end; i++) {
        struct foreseen *foreseen = foreseen_at(engine, i);
        const trading_command *command = command_at(slice, i);
        if (foreseen->named.portfolio)
            process_foresee_placed(&engine->domain, command, &foreseen->named);
        foreseen->key_hash = engine_key_hash(engine, &command->key, foreseen->named.account);
        keys_prefetch(engine->keys, foreseen->key_hash);
    }
}

/* The first are looked at all at once. */
static void foresee_first(trading_engine *engine, const struct slice *slice)
{
    for (size_t ahead = 0; ahead < 5; ahead++)
        foresee_commands(slice, ahead * ENGINE_GROUP);
    for (size_t ahead = 0; ahead < 4; ahead++)
        foresee_bodies(slice, ahead * ENGINE_GROUP);
    for (size_t ahead = 0; ahead < 3; ahead++)
        foresee_places(engine, slice, ahead * ENGINE_GROUP);
    for (size_t ahead = 0; ahead < 2; ahead++)
        foresee_records(engine, slice, ahead * ENGINE_GROUP);
    foresee_keys(engine, slice, 0);
}

void engine_foresee(trading_engine *engine, const struct slice *slice, size_t i)
{
    if (i % ENGINE_GROUP)
        return;
    if (i == 0)
        foresee_first(engine, slice);
    foresee_commands(slice, i + 5 * ENGINE_GROUP);
    foresee_bodies(slice, i + 4 * ENGINE_GROUP);
    foresee_places(engine, slice, i + 3 * ENGINE_GROUP);
    foresee_records(engine, slice, i + 2 * ENGINE_GROUP);
    foresee_keys(engine, slice, i + ENGINE_GROUP);
}
