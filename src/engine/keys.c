#include "engine/keys.h"

#include "base/error.h"
#include "engine/keys_inside.h"

/* How often the writer looks after the runs, and how many keys of each merge it then looks at: more than come in, so that a merge
 * is over before the next of its size begins. */
#define UPKEEP_EVERY 64u
#define MERGE_KEYS   256u

/* Neither bound on what is retained may be passed by more than one part in so many. */
#define RETAIN_PARTS 8u

int32_t keys_open(struct keys **keys, struct memory *memory, int64_t max_age, uint64_t max_count, trading_error *error)
{
    struct keys *opened = memory_zeroed(memory, 1, sizeof *opened);
    if (!opened)
        return error_no_memory(error, "the keys of past commands");
    opened->memory.memory = memory;
    opened->max_age = max_age;
    opened->max_count = max_count;
    opened->next_id = 2;
    opened->young = key_young_new(&opened->memory);
    if (!opened->young || pthread_mutex_init(&opened->mutex, NULL)) {
        if (opened->young)
            key_young_free(&opened->memory, opened->young);
        memory_release(memory, opened, sizeof *opened);
        return error_no_memory(error, "the keys of past commands");
    }
    opened->young->id = 1;
    *keys = opened;
    return error_clear(error);
}

/* ---- the list of runs ---- */

static void end_merge(struct keys *keys, struct key_run *run)
{
    if (run->merge)
        key_merge_free(&keys->memory, run->merge);
}

/* Puts `instead`, or nothing, in the place of `count` runs, at once for a save that looks on. */
static void replace_runs(struct keys *keys, uint32_t place, uint32_t count, struct key_run *instead)
{
    struct key_run *freed[2];
    uint32_t free_count = 0;
    pthread_mutex_lock(&keys->mutex);
    for (uint32_t i = place; i < place + count; i++)
        if (--keys->runs[i]->holders == 0)
            freed[free_count++] = keys->runs[i];
    if (instead)
        keys->runs[place++] = instead;
    uint32_t moved = count - (instead != NULL);
    keys->run_count -= moved;
    for (uint32_t i = place; i < keys->run_count; i++)
        keys->runs[i] = keys->runs[i + moved];
    if (instead)
        instead->id = keys->next_id++;
    pthread_mutex_unlock(&keys->mutex);
    while (free_count)
        key_run_free(&keys->memory, freed[--free_count]);
}

static void remove_run(struct keys *keys, uint32_t place)
{
    end_merge(keys, keys->runs[place]);
    replace_runs(keys, place, 1, NULL);
}

void keys_clear(struct keys *keys)
{
    while (keys->run_count)
        remove_run(keys, keys->run_count - 1);
    key_young_truncate(keys->young, 0);
    keys_recount(keys);
}

void keys_close(struct keys *keys)
{
    if (!keys)
        return;
    keys_clear(keys);
    key_young_free(&keys->memory, keys->young);
    pthread_mutex_destroy(&keys->mutex);
    memory_release(keys->memory.memory, keys, sizeof *keys);
}

static uint32_t young_count(const struct keys *keys)
{
    return atomic_load_explicit(&keys->young->count, memory_order_relaxed);
}

uint64_t keys_count(const struct keys *keys)
{
    return atomic_load_explicit(&keys->count, memory_order_relaxed);
}

void keys_recount(struct keys *keys)
{
    uint64_t count = young_count(keys);
    for (uint32_t i = 0; i < keys->run_count; i++)
        count += keys->runs[i]->live;
    atomic_store_explicit(&keys->count, count, memory_order_relaxed);
}

uint64_t keys_bytes(const struct keys *keys)
{
    return sizeof *keys + atomic_load_explicit(&keys->memory.bytes, memory_order_relaxed);
}

void keys_retain(struct keys *keys, trading_time time)
{
    while (keys->run_count) {
        const struct key_run *oldest = keys->runs[0];
        bool too_old = keys->max_age && time - oldest->span.last_time > keys->max_age;
        bool too_many = keys->max_count && keys_count(keys) - oldest->live >= keys->max_count;
        if (!too_old && !too_many)
            return;
        remove_run(keys, 0);
        keys_recount(keys);
    }
}

/* ---- merging ---- */

/* Of like size, or the older is the smaller; and not so large or long that dropping it would pass a bound by much. */
static bool worth_merging(const struct keys *keys, const struct key_run *older, const struct key_run *newer)
{
    uint64_t count = older->live + newer->live;
    if (older->merge || newer->merge || older->live >= newer->live * 2 || count > KEY_RUN_MERGED)
        return false;
    if (keys->max_count && count > keys->max_count / RETAIN_PARTS)
        return false;
    return !keys->max_age || newer->span.last_time - older->span.first_time <= keys->max_age / RETAIN_PARTS;
}

/* The newest run is left out: keys that may yet be discarded are in it, if they are in a run at all. */
static void start_merges(struct keys *keys)
{
    for (uint32_t newer = 1; newer + 1 < keys->run_count; newer++)
        if (worth_merging(keys, keys->runs[newer - 1], keys->runs[newer]))
            key_merge_new(&keys->memory, keys->runs[newer - 1], keys->runs[newer]); /* no memory: a later time */
}

static void finish_merge(struct keys *keys, uint32_t older)
{
    struct key_merge *merge = keys->runs[older]->merge;
    struct key_run *target = merge->target;
    merge->target = NULL;
    key_merge_free(&keys->memory, merge);
    replace_runs(keys, older, 2, target);
}

static void continue_merges(struct keys *keys)
{
    for (uint32_t i = 0; i < keys->run_count; i++) {
        struct key_merge *merge = keys->runs[i]->merge;
        if (merge && merge->older == keys->runs[i] && key_merge_step(merge, MERGE_KEYS))
            finish_merge(keys, i);
    }
}

/* ---- inserting, finding, discarding ---- */

static bool seal_young(struct keys *keys)
{
    if (keys->run_count == KEY_RUNS_MAX)
        return false;
    struct key_young *next = key_young_new(&keys->memory);
    struct key_run *run = next ? key_young_seal(&keys->memory, keys->young) : NULL;
    if (!run) {
        if (next)
            key_young_free(&keys->memory, next);
        return false;
    }
    pthread_mutex_lock(&keys->mutex);
    struct key_young *full = keys->young;
    keys->runs[keys->run_count++] = run;
    keys->young = next;
    next->id = keys->next_id++;
    bool last = --full->holders == 0;
    pthread_mutex_unlock(&keys->mutex);
    if (last)
        key_young_free(&keys->memory, full);
    return true;
}

bool keys_insert(struct keys *keys, uint64_t hash, int64_t position, trading_time time)
{
    if (young_count(keys) == KEY_YOUNG_MAX && !seal_young(keys))
        return false;
    if (!key_young_insert(&keys->memory, keys->young, (struct key_entry){hash, position}, time))
        return false;
    atomic_store_explicit(&keys->count, keys_count(keys) + 1, memory_order_relaxed);
    if (++keys->inserts % UPKEEP_EVERY == 0) {
        continue_merges(keys);
        keys_retain(keys, time);
        start_merges(keys);
    }
    return true;
}

void keys_prefetch(const struct keys *keys, uint64_t hash)
{
    key_young_prefetch(keys->young, hash);
    for (uint32_t i = 0; i < keys->run_count; i++)
        key_run_prefetch(keys->runs[i], hash);
}

/* The cursor: 0 for the young keys, then 1 for the newest run and so on; and in the young keys how many from the end are done with, in
 * a run 1 + the place where it goes on, or 0 before it was looked up. */
int64_t keys_next(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor)
{
    uint64_t *source = &cursor->state[0];
    uint64_t *at = &cursor->state[1];
    if (*source == 0) {
        uint32_t count = young_count(keys);
        uint32_t place = key_young_find(keys->young, hash, count - (uint32_t)*at);
        if (place != KEY_YOUNG_MAX) {
            *at = count - place;
            return key_young_at(keys->young, place)->position;
        }
        *source = 1;
        *at = 0;
    }
    for (; *source <= keys->run_count; ++*source, *at = 0) {
        const struct key_run *run = keys->runs[keys->run_count - *source];
        uint64_t place = *at ? *at - 1 : key_run_find(run, hash);
        for (; place < run->count && run->entries[place].hash == hash; place++) {
            if (run->entries[place].position >= run->limit)
                continue;
            *at = place + 2;
            return run->entries[place].position;
        }
    }
    return -1;
}

void keys_discard(struct keys *keys, int64_t position)
{
    uint32_t below = key_young_below(keys->young, position);
    pthread_mutex_lock(&keys->mutex);
    key_young_truncate(keys->young, below);
    pthread_mutex_unlock(&keys->mutex);
    while (!below && keys->run_count && keys->runs[keys->run_count - 1]->span.last_position >= position) {
        struct key_run *run = keys->runs[keys->run_count - 1];
        end_merge(keys, run);
        if (run->span.first_position < position) {
            pthread_mutex_lock(&keys->mutex);
            key_run_limit(run, position);
            pthread_mutex_unlock(&keys->mutex);
        }
        if (run->span.first_position >= position || !run->live)
            remove_run(keys, keys->run_count - 1);
    }
    keys_recount(keys);
}
