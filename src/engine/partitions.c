/* An engine of several partitions: one engine for each, over one store. */
#include "base/error.h"
#include "base/monotonic.h"
#include "engine/engine.h"
#include "engine/store_marks.h"

/* ---- how many ---- */

/* A store that is new is given as many as are asked for, by whoever is first. One partition needs not be said, unless others may open the
 * same new store meanwhile. */
static int32_t keep_count(trading_engine *engine, uint32_t asked, uint32_t *count, trading_error *error)
{
    trading_store_head head;
    int32_t code = engine->ops->head(engine->store, ENGINE_PARTITION, &head, error);
    if (code || head.next_position || (asked < 2 && !engine_has_one(engine)))
        return code;
    trading_store_secret secret = store_count_of(asked ? asked : 1);
    code = engine_agree(engine, &secret, error);
    return code ? code : store_count_read(secret.value, count, error);
}

static int32_t check_count(const trading_engine *engine, uint32_t count, trading_error *error)
{
    uint32_t asked = engine->options.partitions;
    if (count < 1 || count > ENGINE_PARTITIONS_MAX)
        return error_set(error, TRADING_E_DAMAGED, "the store says that it has %u partitions", count);
    if (asked && asked != count)
        return error_set(error, TRADING_E_INVALID, "the store has %u partitions, which stays so, and the options ask for %u",
                         count, asked);
    if (engine->partition >= count)
        return error_set(error, TRADING_E_INVALID, "the store has %u partitions, from 0, and no partition %u", count,
                         engine->partition);
    return TRADING_OK;
}

int32_t partitions_of_store(trading_engine *engine, uint32_t *count, trading_error *error)
{
    uint8_t value[32];
    *count = 1;
    int32_t code = engine->ops->secret_get(engine->store, &store_partitions, value, error);
    if (!code)
        code = store_count_read(value, count, error);
    else if (code == TRADING_E_NOT_FOUND)
        code = engine->read_only ? TRADING_OK : keep_count(engine, engine->options.partitions, count, error);
    return code ? code : check_count(engine, *count, error);
}

/* ---- making them ---- */

/* At first all is in the journals. */
static int32_t open_mail(trading_engine *engine, trading_error *error)
{
    if (!mail_open(&engine->mail, &engine->memory, engine->parts))
        return error_no_memory(error, "the mail of a partition");
    mail_reread(&engine->mail);
    return TRADING_OK;
}

static int32_t make_one(trading_engine *first, const char *uri, uint32_t number, trading_error *error)
{
    trading_engine *made = engine_make(first->host, &first->options);
    if (!made)
        return error_no_memory(error, "a partition");
    first->partitions->at[number] = made;
    made->partition = number;
    made->parts = first->parts;
    made->partitions = first->partitions;
    made->shares_store = true;
    made->ops = first->ops;
    made->store = first->store;
    made->journal = (struct journal){
        .ops = first->ops, .store = first->store, .partition = number, .memory = &made->memory, .reads_ahead = !made->manual};
    int32_t code = engine_open_state_store(made, uri, error);
    if (!code)
        code = engine_digest_key(made, error);
    if (!code)
        code = engine_open_batches(made, error);
    return code ? code : open_mail(made, error);
}

int32_t partitions_make(trading_engine *engine, const char *uri, uint32_t count, trading_error *error)
{
    struct partitions *partitions = memory_zeroed(&engine->memory, 1, sizeof *partitions);
    if (!partitions)
        return error_no_memory(error, "the partitions of an engine");
    monotonic_condition(&partitions->progress);
    pthread_mutex_init(&partitions->mutex, NULL);
    pthread_rwlock_init(&partitions->cut, NULL);
    partitions->count = count;
    partitions->at[0] = engine;
    engine->partitions = partitions;
    int32_t code = open_mail(engine, error);
    for (uint32_t i = 1; i < count && !code; i++)
        code = make_one(engine, uri, i, error);
    return code;
}

int32_t partitions_open_one(trading_engine *engine, trading_error *error)
{
    if (!mail_open(&engine->mail, &engine->memory, engine->parts))
        return error_no_memory(error, "the mail of a partition");
    letters_open(&engine->letters, &engine->memory, engine->digest_key);
    hints_open(&engine->hints, &engine->memory);
    return TRADING_OK;
}

void partitions_unmake(trading_engine *engine)
{
    struct partitions *partitions = engine->partitions;
    route_close(engine);
    for (uint32_t i = 1; i < partitions->count; i++)
        if (partitions->at[i])
            engine_tear_down(partitions->at[i]);
    mail_close(&engine->mail);
    pthread_rwlock_destroy(&partitions->cut);
    pthread_mutex_destroy(&partitions->mutex);
    pthread_cond_destroy(&partitions->progress);
    memory_release(&engine->memory, partitions, sizeof *partitions);
    engine->partitions = NULL;
}
