/* One command on its way through the engine: validate → locate → deduplicate → compare versions → seal → decide and fold (process/) →
 * remember its key. And what the commands behind it will want, called into the cache meanwhile. */
#include "base/error.h"
#include "base/id.h"
#include "base/moment.h"
#include "engine/engine.h"
#include "process/foresee.h"
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
    const struct foreseen *foreseen = &engine->foreseen[i % ENGINE_AHEAD];
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

/* ---- foreseeing ---- */

static void foresee_place(const trading_engine *engine, const struct slice *slice, size_t i)
{
    if (i < slice->count)
        process_foresee_place(&engine->domain, &slice->submission->commands[slice->first + i]);
}

static void foresee_records(trading_engine *engine, const struct slice *slice, size_t i)
{
    if (i >= slice->count)
        return;
    const trading_command *command = &slice->submission->commands[slice->first + i];
    struct named named = process_foresee_records(&engine->domain, command);
    uint64_t hash = engine_key_hash(engine, &command->key, named.account);
    engine->foreseen[i % ENGINE_AHEAD] = (struct foreseen){.named = named, .key_hash = hash};
    keys_prefetch(engine->keys, hash);
}

void engine_foresee_first(trading_engine *engine, const struct slice *slice)
{
    for (size_t i = 0; i < 2 * ENGINE_AHEAD; i++)
        foresee_place(engine, slice, i);
    for (size_t i = 0; i < ENGINE_AHEAD; i++)
        foresee_records(engine, slice, i);
}

void engine_foresee(trading_engine *engine, const struct slice *slice, size_t i)
{
    foresee_place(engine, slice, i + 2 * ENGINE_AHEAD);
    foresee_records(engine, slice, i + ENGINE_AHEAD);
}
