#include "engine/prepare.h"

#include "engine/engine.h"
#include "process/foresee.h"
#include "process/validate.h"

#define STRETCH ((size_t)8 * ENGINE_GROUP)

/* ---- memory ---- */

void preparations_open(struct preparations *preparations, struct memory *memory, size_t most)
{
    *preparations = (struct preparations){.memory = memory, .most = most};
    pthread_mutex_init(&preparations->mutex, NULL);
}

static size_t bytes_of(size_t capacity)
{
    return sizeof(struct preparation) + capacity * sizeof(struct prepared);
}

static void release(struct preparations *preparations, struct preparation *preparation)
{
    if (preparation)
        memory_release(preparations->memory, preparation, bytes_of(preparation->capacity));
}

void preparations_close(struct preparations *preparations)
{
    while (preparations->spare) {
        struct preparation *preparation = preparations->spare;
        preparations->spare = preparation->next;
        release(preparations, preparation);
    }
    pthread_mutex_destroy(&preparations->mutex);
}

static struct preparation *take_spare(struct preparations *preparations)
{
    pthread_mutex_lock(&preparations->mutex);
    struct preparation *preparation = preparations->spare;
    if (preparation) {
        preparations->spare = preparation->next;
        preparations->spare_commands -= preparation->capacity;
    }
    pthread_mutex_unlock(&preparations->mutex);
    return preparation;
}

struct preparation *preparations_take(struct preparations *preparations, size_t count)
{
    struct preparation *preparation = take_spare(preparations);
    if (preparation && preparation->capacity >= count)
        return preparation;
    release(preparations, preparation);
    preparation = memory_allocate(preparations->memory, bytes_of(count));
    if (preparation)
        preparation->capacity = count;
    return preparation;
}

void preparations_give(struct preparations *preparations, struct preparation *preparation)
{
    pthread_mutex_lock(&preparations->mutex);
    bool kept = preparations->spare_commands + preparation->capacity <= preparations->most;
    if (kept) {
        preparation->next = preparations->spare;
        preparations->spare = preparation;
        preparations->spare_commands += preparation->capacity;
    }
    pthread_mutex_unlock(&preparations->mutex);
    if (!kept)
        release(preparations, preparation);
}

/* ---- preparing ---- */

/* What no state is asked for. */
static void prepare_alone(const trading_engine *engine, const trading_command *command, struct prepared *prepared)
{
    struct rejection why = {0};
    if (command_validate(command, &why) && engine_is_elsewhere(engine, command))
        why.reason = TRADING_REASON_BAD_REQUEST;
    prepared->reason = why.reason;
    if (!why.reason)
        prepared->digest = engine_body_digest(engine, command);
}

/* One thing after another for all of a group, so that what they wait for in memory they wait for together. */
static void prepare_group(const trading_engine *engine, const struct key_list *stored, const trading_command *commands,
                          size_t count, struct prepared *prepared)
{
    const struct domain *domain = &engine->domain;
    struct foretold foretold[ENGINE_GROUP];
    for (size_t i = 0; i < count; i++) {
        prepare_alone(engine, &commands[i], &prepared[i]);
        foretold[i] = process_foresee_place(domain, &commands[i]);
    }
    for (size_t i = 0; i < count; i++)
        process_foresee_number(domain, &foretold[i], &prepared[i].named);
    for (size_t i = 0; i < count; i++) {
        process_foresee_owner(domain, &commands[i], &prepared[i].named);
        prepared[i].key_hash = engine_key_hash(engine, &commands[i].key, prepared[i].named.account);
        prepared[i].key_absent_before = 0;
        if (stored)
            keys_prefetch_stored(stored, prepared[i].key_hash);
    }
}

/* Whether their keys are in what is stored, which who decides need not look at then. */
static void prepare_keys(const struct key_list *stored, size_t count, struct prepared *prepared)
{
    uint32_t suspects[STRETCH];
    for (size_t i = 0; i < count; i++)
        suspects[i] = keys_suspects(stored, prepared[i].key_hash);
    for (size_t i = 0; i < count; i++)
        prepared[i].key_absent_before = keys_absent_before(stored, prepared[i].key_hash, suspects[i]);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What is stored is looked at for several groups together, so that what the first wait for comes while the last are prepared. */
static void prepare_stretch(const trading_engine *engine, const struct key_list *stored, const trading_command *commands,
                            size_t count, struct prepared *prepared)
{
    for (size_t i = 0; i < count; i += ENGINE_GROUP)
        prepare_group(engine, stored, commands + i, least(count - i, ENGINE_GROUP), prepared + i);
    if (stored)
        prepare_keys(stored, count, prepared);
}

static void prepare(const trading_engine *engine, const struct key_list *stored, const trading_command *commands, size_t count,
                    struct prepared *prepared)
{
    for (size_t i = 0; i < count; i += STRETCH)
        prepare_stretch(engine, stored, commands + i, least(count - i, STRETCH), prepared + i);
}

void engine_prepare(const trading_engine *engine, const trading_command *commands, size_t count, struct prepared *prepared)
{
    prepare(engine, NULL, commands, count, prepared);
}

void engine_prepare_many(trading_engine *engine, struct submission *submission)
{
    if (submission->count > PREPARE_FEW)
        submission->prepared = preparations_take(&engine->queue.preparations, submission->count);
    if (!submission->prepared)
        return;
    struct key_list *stored = keys_visit(engine->keys);
    prepare(engine, stored, submission->commands, submission->count, submission->prepared->at);
    keys_leave(stored);
}
