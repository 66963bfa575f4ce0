/* Saving keys. A run is written when the directory in the store does not have it, the same kind with the same number of keys: under
 * one id a run only ever grows, from its first keys to all of them, until it is removed. The directory is believed only when it is of
 * the lineage of what these keys saved or loaded; so an aborted write, or a store with another past, does no harm. */
#include "base/error.h"
#include "engine/keys.h"
#include "engine/keys_directory.h"
#include "engine/keys_inside.h"

#include <string.h>

/* What is saved: keys of a run, or of the log, that are before `bound`. */
struct source {
    struct key_run *run;
    struct key_young *young;
    int64_t bound;
    struct stored_run stored;
};

struct saving {
    struct keys *keys;
    const struct state_store *store;
    void *write;
    int64_t position;
    uint32_t source_count;
    struct source sources[DIRECTORY_RUNS];
    struct key_directory held;  /* what these keys are, as of the position */
    struct key_directory there; /* what the store holds */
    uint8_t part[PART_BYTES];
};

static void hold_run(struct saving *saving, struct key_run *run)
{
    run->holders++;
    struct source *source = &saving->sources[saving->source_count++];
    *source = (struct source){
        .run = run,
        .bound = run->limit < saving->position ? run->limit : saving->position,
        .stored = {.id = run->id, .kind = STORED_RUN, .span = run->span},
    };
    if (run->limit == INT64_MAX && run->span.last_position < source->bound)
        source->stored.count = run->count;
}

static void hold_young(struct saving *saving, struct key_young *young)
{
    uint32_t below = key_young_below(young, saving->position);
    if (!below)
        return;
    young->holders++;
    struct source *source = &saving->sources[saving->source_count++];
    *source = (struct source){
        .young = young,
        .bound = saving->position,
        .stored = {.id = young->id, .kind = STORED_LOG, .count = below},
    };
    source->stored.span = (struct key_span){
        .first_position = key_young_at(young, 0)->position,
        .last_position = key_young_at(young, below - 1)->position,
        .first_time = young->first_time,
        .last_time = atomic_load_explicit(&young->last_time, memory_order_relaxed),
    };
}

/* Takes hold of the runs, and of the log below the position: neither will change. */
static void hold(struct saving *saving)
{
    struct keys *keys = saving->keys;
    pthread_mutex_lock(&keys->mutex);
    for (uint32_t i = 0; i < keys->run_count; i++)
        hold_run(saving, keys->runs[i]);
    hold_young(saving, keys->young);
    saving->held.next_id = keys->next_id;
    pthread_mutex_unlock(&keys->mutex);
}

static void let_go(struct saving *saving)
{
    struct keys *keys = saving->keys;
    for (uint32_t i = 0; i < saving->source_count; i++) {
        struct source *source = &saving->sources[i];
        pthread_mutex_lock(&keys->mutex);
        bool free_run = source->run && --source->run->holders == 0;
        bool free_young = source->young && --source->young->holders == 0;
        pthread_mutex_unlock(&keys->mutex);
        if (free_run)
            key_run_free(&keys->memory, source->run);
        if (free_young)
            key_young_free(&keys->memory, source->young);
    }
}

/* How many keys of a run that is not saved whole are before the bound. */
static void count_run(struct source *source)
{
    for (uint64_t i = 0; i < source->run->count; i++)
        source->stored.count += source->run->entries[i].position < source->bound;
    if (source->stored.span.last_position >= source->bound)
        source->stored.span.last_position = source->bound - 1;
}

static void list_held(struct saving *saving)
{
    for (uint32_t i = 0; i < saving->source_count; i++) {
        struct source *source = &saving->sources[i];
        if (!source->stored.count)
            count_run(source);
        if (source->stored.count)
            saving->held.runs[saving->held.count++] = source->stored;
    }
}

static int32_t put_part(struct saving *saving, uint64_t id, uint32_t part, uint32_t count, trading_error *error)
{
    uint8_t key[PART_KEY_BYTES];
    key_part_key(id, part, key);
    key_part_sum(id, part, saving->part + PART_SUM_BYTES, count, saving->part);
    return saving->store->ops->put(saving->write, key, sizeof key, saving->part,
                                   PART_SUM_BYTES + count * sizeof(struct key_entry), error);
}

static int32_t write_source(struct saving *saving, const struct source *source, trading_error *error)
{
    uint64_t all = source->run ? source->run->count : source->stored.count;
    uint32_t part = 0;
    uint32_t used = 0;
    for (uint64_t i = 0; i < all; i++) {
        struct key_entry entry = source->run ? source->run->entries[i] : *key_young_at(source->young, (uint32_t)i);
        if (entry.position >= source->bound)
            continue;
        memcpy(saving->part + PART_SUM_BYTES + used++ * sizeof entry, &entry, sizeof entry);
        if (used < PART_KEYS)
            continue;
        int32_t status = put_part(saving, source->stored.id, part++, used, error);
        if (status)
            return status;
        used = 0;
    }
    return used ? put_part(saving, source->stored.id, part, used, error) : TRADING_OK;
}

static bool has(const struct key_directory *directory, const struct stored_run *run)
{
    for (uint32_t i = 0; i < directory->count; i++)
        if (directory->runs[i].id == run->id)
            return directory->runs[i].kind == run->kind && directory->runs[i].count == run->count;
    return false;
}

/* Removes from the store what is not held any more, or not as it is there. */
static int32_t remove_gone(struct saving *saving, trading_error *error)
{
    for (uint32_t i = 0; i < saving->there.count; i++) {
        if (has(&saving->held, &saving->there.runs[i]))
            continue;
        uint8_t key[PART_KEY_BYTES];
        key_part_key(saving->there.runs[i].id, 0, key);
        int32_t status = saving->store->ops->remove_all(saving->write, key, RUN_KEY_BYTES, error);
        if (status)
            return status;
    }
    return TRADING_OK;
}

/* Learns what the store holds of these keys; everything in it goes when that is nothing. */
static int32_t look_there(struct saving *saving, trading_error *error)
{
    trading_error none = {0};
    int32_t status = key_directory_get(saving->store, saving->write, &saving->there, &none);
    bool readable = !status;
    if (readable && saving->there.lineage == saving->keys->lineage)
        return TRADING_OK;
    bool useless = status == TRADING_E_NOT_FOUND || status == TRADING_E_DAMAGED || status == TRADING_E_NEWER_FORMAT ||
                   status == TRADING_E_UNSUPPORTED;
    if (!readable && !useless) {
        if (error)
            *error = none;
        return status;
    }
    saving->keys->lineage = (readable ? saving->there.lineage : 0) + 1;
    saving->there.count = 0;
    uint8_t space = STATE_KEYS;
    return saving->store->ops->remove_all(saving->write, &space, sizeof space, error);
}

static int32_t save(struct saving *saving, trading_error *error)
{
    int32_t status = look_there(saving, error);
    if (!status)
        status = remove_gone(saving, error);
    for (uint32_t i = 0; !status && i < saving->source_count; i++)
        if (saving->sources[i].stored.count && !has(&saving->there, &saving->sources[i].stored))
            status = write_source(saving, &saving->sources[i], error);
    if (status)
        return status;
    saving->held.lineage = saving->keys->lineage;
    return key_directory_put(saving->store, saving->write, &saving->held, error);
}

int32_t keys_save(struct keys *keys, const struct state_store *store, void *write, int64_t position, trading_error *error)
{
    struct saving *saving = key_allocate(&keys->memory, sizeof *saving);
    if (!saving)
        return error_no_memory(error, "saving command keys");
    memset(saving, 0, offsetof(struct saving, part));
    saving->keys = keys;
    saving->store = store;
    saving->write = write;
    saving->position = position;
    hold(saving);
    list_held(saving);
    int32_t status = save(saving, error);
    let_go(saving);
    key_release(&keys->memory, saving, sizeof *saving);
    return status ? status : error_clear(error);
}
