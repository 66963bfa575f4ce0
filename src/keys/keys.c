/* The decider's side: looking up, inserting, discarding; and handing over what is full. */
#include "keys/keys.h"

#include "base/error.h"
#include "keys/inside.h"

#define YOUNG_GROWTH 4u
/* Without a thread, so many pieces are done at a time: of the largest table more than merging takes for each. */
#define HELP_PIECES 128u

/* ---- the tables ---- */

static struct key_young *table_at(const struct keys *keys, uint64_t number)
{
    return keys->tables[number % KEY_TABLES];
}

/* Sees a new list, and lets what it is without go. */
static void see_list(struct keys *keys, struct key_list *list)
{
    keys->list = list;
    keys->first_table = list->tables;
    atomic_store_explicit(&keys->acknowledged, list->generation, memory_order_release);
}

static inline void look(struct keys *keys)
{
    struct key_list *list = atomic_load_explicit(&keys->published, memory_order_acquire);
    if (__builtin_expect(list != keys->list, 0))
        see_list(keys, list);
}

/* Lets the other side know of work, or does it. */
static void wake(struct keys *keys)
{
    if (keys->runs) {
        sem_post(&keys->work);
        return;
    }
    for (uint32_t i = 0; i < HELP_PIECES && keys_work(keys); i++)
        look(keys);
    look(keys);
}

/* A position from which on a full table that waits is durable, or none does. */
static void wake_when_durable(struct keys *keys)
{
    int64_t durable = atomic_load_explicit(&keys->durable, memory_order_relaxed);
    keys->wake_at = INT64_MAX;
    for (uint64_t number = keys->first_table; number < keys->young_table; number++) {
        int64_t last = atomic_load_explicit(&table_at(keys, number)->last_position, memory_order_relaxed);
        if (last < durable)
            continue;
        keys->wake_at = last + 1;
        return;
    }
}

static struct key_young *take_table(struct keys *keys, uint32_t capacity)
{
    struct key_young *spare = NULL;
    if (capacity == keys->options.young)
        spare = atomic_exchange_explicit(&keys->spare, NULL, memory_order_acq_rel);
    return spare ? spare : key_young_new(&keys->memory, capacity);
}

/* When too many wait, the decider writes one out, unless that was done meanwhile. */
static bool make_room(struct keys *keys, trading_error *error)
{
    look(keys);
    if (keys->young_table - keys->first_table >= KEYS_WAITING_MOST) {
        pthread_mutex_lock(&keys->mutex);
        int32_t code = keys_seal(keys, error);
        if (code)
            keys_report(keys, error);
        pthread_mutex_unlock(&keys->mutex);
        look(keys);
        if (code)
            return false;
    }
    if (keys->young_table + 1 - keys->first_table < KEY_TABLES)
        return true;
    error_set(error, TRADING_E_BUSY, "%u tables of command keys wait to become durable", KEY_TABLES);
    return false;
}

/* Puts an empty table in the place of the one that is filled, which is handed over. */
static bool change_table(struct keys *keys, uint32_t capacity, trading_error *error)
{
    if (!make_room(keys, error))
        return false;
    struct key_young *table = take_table(keys, capacity);
    if (!table) {
        error_no_memory(error, "command keys");
        return false;
    }
    keys->young = keys->tables[++keys->young_table % KEY_TABLES] = table;
    atomic_store_explicit(&keys->full_tables, keys->young_table, memory_order_release);
    int64_t last = atomic_load_explicit(&table_at(keys, keys->young_table - 1)->last_position, memory_order_relaxed);
    bool due = last < atomic_load_explicit(&keys->durable, memory_order_relaxed);
    wake_when_durable(keys);
    if (due)
        wake(keys);
    return true;
}

static bool change_full_table(struct keys *keys)
{
    uint32_t most = keys->options.young;
    uint32_t capacity = keys->young->capacity;
    trading_error error;
    return change_table(keys, capacity < most / YOUNG_GROWTH ? capacity * YOUNG_GROWTH : most, &error);
}

void keys_durable(struct keys *keys, int64_t position)
{
    atomic_store_explicit(&keys->durable, position, memory_order_release);
    if (position < keys->wake_at)
        return;
    wake_when_durable(keys);
    wake(keys);
}

int32_t keys_settle(struct keys *keys, trading_error *error)
{
    trading_error failure;
    int32_t code = TRADING_OK;
    error_clear(&failure);
    if (keys->young->count && !change_table(keys, KEY_FIRST_YOUNG, &failure))
        code = failure.code;
    pthread_mutex_lock(&keys->mutex);
    for (uint64_t before = UINT64_MAX; !code && keys->sealed != before;) {
        before = keys->sealed;
        code = keys_seal(keys, &failure);
    }
    pthread_mutex_unlock(&keys->mutex);
    look(keys);
    if (error)
        *error = failure;
    return code;
}

/* ---- inserting, finding, discarding ---- */

static inline void insert(struct keys *keys, uint64_t hash, int64_t position, trading_time time)
{
    key_young_insert(keys->young, hash, position, time);
    atomic_store_explicit(&keys->inserted, atomic_load_explicit(&keys->inserted, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* Out of line and at the end of its caller, so that the usual way saves no registers. */
__attribute__((cold, noinline)) static bool insert_into_next_table(struct keys *keys, uint64_t hash, int64_t position,
                                                                   trading_time time)
{
    if (!change_full_table(keys))
        return false;
    insert(keys, hash, position, time);
    return true;
}

bool keys_insert(struct keys *keys, uint64_t hash, int64_t position, trading_time time)
{
    look(keys);
    const struct key_young *young = keys->young;
    bool full = young->count == young->capacity || (young->count && position - young->first_position >= KEY_SPAN_MAX);
    if (__builtin_expect(full, 0))
        return insert_into_next_table(keys, hash, position, time);
    insert(keys, hash, position, time);
    return true;
}

void keys_prefetch(const struct keys *keys, uint64_t hash, int64_t absent_before)
{
    for (uint64_t table = keys->first_table; table <= keys->young_table; table++)
        key_young_prefetch(table_at(keys, table), hash);
    const struct key_list *list = keys->list;
    if (list->ends[0] <= absent_before)
        return;
    if (list->sieve)
        key_sieve_prefetch(list->sieve, hash);
    if (list->beside_sieve)
        key_list_prefetch(list, hash, KEY_BESIDE_SIEVE, absent_before);
}

void keys_prefetch_insert(const struct keys *keys, uint64_t hash)
{
    key_young_prefetch(keys->young, hash);
}

/* The cursor: how many tables and runs, from the newest on, are done with, and how far below INT64_MAX candidates still are. */
static int64_t found(struct keys_cursor *cursor, uint64_t source, int64_t position)
{
    cursor->state[0] = source;
    cursor->state[1] = (uint64_t)(INT64_MAX - position);
    return position;
}

static int64_t next_in_runs(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor, uint64_t tables, int64_t below)
{
    const struct key_list *list = keys->list;
    uint32_t suspects = key_list_suspects(list, hash);
    for (uint64_t i = cursor->state[0] > tables ? cursor->state[0] - tables : 0; i < list->count; i++) {
        if (!(list->eras[i] & suspects) || !key_filter_has(&list->filters[i], hash))
            continue;
        int64_t position = key_run_find(list->runs[i], hash, below);
        if (position == KEY_DAMAGED)
            return KEYS_DAMAGED;
        if (position != KEY_NONE)
            return found(cursor, tables + i, position);
    }
    cursor->state[0] = tables + list->count;
    return KEYS_NO_MORE;
}

/* Out of line, so that the way of a stranger is short. */
__attribute__((noinline)) static int64_t next(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor)
{
    int64_t below = INT64_MAX - (int64_t)cursor->state[1];
    uint64_t tables = keys->young_table - keys->first_table + 1;
    for (uint64_t i = cursor->state[0]; i < tables; i++) {
        int64_t position = key_young_find(table_at(keys, keys->young_table - i), hash, below);
        if (position != KEY_NONE)
            return found(cursor, i, position);
    }
    return next_in_runs(keys, hash, cursor, tables, below);
}

/* In a run that was not looked at ahead. */
static inline bool may_be_stored(const struct key_list *list, uint64_t hash, int64_t absent_before)
{
    if (list->ends[0] <= absent_before)
        return false;
    uint32_t suspects = key_list_suspects(list, hash);
    if (!suspects)
        return false;
    struct key_probe probe = key_first_probe(hash);
    for (uint32_t i = 0; list->ends[i] > absent_before; i++)
        if (list->eras[i] & suspects && key_filter_may_have(&list->filters[i], hash, &probe))
            return true;
    return false;
}

/* Most are told by a slot of each table and a word of each filter; what is not may be one still. */
static inline bool is_stranger(const struct keys *keys, uint64_t hash, int64_t absent_before)
{
    for (uint64_t table = keys->first_table; table <= keys->young_table; table++)
        if (key_young_has(table_at(keys, table), hash))
            return false;
    return !may_be_stored(keys->list, hash, absent_before);
}

int64_t keys_next(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor)
{
    return is_stranger(keys, hash, cursor->absent_before) ? KEYS_NO_MORE : next(keys, hash, cursor);
}

void keys_discard(struct keys *keys, int64_t position)
{
    look(keys);
    uint64_t gone = 0;
    for (uint64_t number = keys->first_table; number <= keys->young_table; number++) {
        struct key_young *table = table_at(keys, number);
        if (!table->count || atomic_load_explicit(&table->last_position, memory_order_relaxed) < position)
            continue;
        uint32_t before = table->count;
        key_young_discard(table, position);
        gone += before - table->count;
    }
    atomic_store_explicit(&keys->inserted, atomic_load_explicit(&keys->inserted, memory_order_relaxed) - gone,
                          memory_order_relaxed);
    wake_when_durable(keys);
    if (keys->first_table < keys->young_table)
        wake(keys);
}

/* ---- any thread ---- */

/* As of a moment in which none was dropped: else who is held up between two looks would take more from the first than was in it. */
uint64_t keys_count(const struct keys *keys)
{
    uint64_t inserted;
    uint64_t dropped;
    do {
        dropped = atomic_load_explicit(&keys->dropped, memory_order_acquire);
        inserted = atomic_load_explicit(&keys->inserted, memory_order_acquire);
    } while (dropped != atomic_load_explicit(&keys->dropped, memory_order_relaxed));
    return inserted - dropped;
}

uint64_t keys_bytes(const struct keys *keys)
{
    return sizeof *keys + atomic_load_explicit(&keys->memory.bytes, memory_order_relaxed);
}

uint64_t keys_stored_bytes(const struct keys *keys)
{
    return atomic_load_explicit(&keys->stored_bytes, memory_order_relaxed);
}

struct keys_stored keys_stored(struct keys *keys)
{
    pthread_mutex_lock(&keys->mutex);
    struct keys_stored stored = keys->stored;
    pthread_mutex_unlock(&keys->mutex);
    return stored;
}
