/* The set of runs, what of it the decider and visitors see, and what is no longer of it. Each change is a new set: its blobs are whole, then
 * the manifest names it, then the decider is shown it, and what it is without is freed once the decider has seen it and whoever visited the
 * one before has left. A change that fails leaves all as it was, to be tried again. */
#include "base/error.h"
#include "keys/inside.h"

#include <inttypes.h>

/* ---- what is freed ---- */

static void free_table(struct keys *keys, struct key_young *table)
{
    if (table->capacity != keys->options.young || atomic_load_explicit(&keys->spare, memory_order_relaxed)) {
        key_young_free(&keys->memory, table);
        return;
    }
    key_young_clear(table);
    atomic_store_explicit(&keys->spare, table, memory_order_release);
}

static void free_retired_tables(struct keys *keys)
{
    struct key_retired *retired = &keys->retired;
    while (retired->tables) {
        struct key_young *table = retired->tables;
        retired->tables = table->next;
        free_table(keys, table);
    }
}

void keys_free_retired(struct keys *keys)
{
    struct key_retired *retired = &keys->retired;
    free_retired_tables(keys);
    while (retired->lists) {
        struct key_list *list = retired->lists;
        retired->lists = list->next;
        keys_free_list(keys, list);
    }
    while (retired->runs) {
        struct key_run *run = retired->runs;
        retired->runs = run->next;
        key_run_close(run, &keys->memory, &keys->store);
    }
}

/* A list that is retired gets no more visitors. */
static bool is_visited(const struct key_list *lists)
{
    while (lists && !atomic_load_explicit(&lists->visitors, memory_order_acquire))
        lists = lists->next;
    return lists;
}

/* Tables are the decider's alone to look into: they are large, and a visitor who does not come to run for long holds none. */
void keys_reclaim(struct keys *keys)
{
    if (atomic_load_explicit(&keys->acknowledged, memory_order_acquire) != keys->generation)
        return;
    free_retired_tables(keys);
    if (!is_visited(keys->retired.lists))
        keys_free_retired(keys);
}

/* ---- changing the set ---- */

struct key_list *keys_list_of(struct keys *keys, const struct key_set *set, uint64_t tables)
{
    struct key_list *list = key_allocate(&keys->memory, sizeof *list);
    if (!list)
        return NULL;
    atomic_init(&list->visitors, 0);
    list->generation = keys->generation + 1;
    list->tables = tables;
    list->sieve = keys->sieve;
    if (list->sieve)
        list->sieve->lists++;
    list->beside_sieve = 0;
    list->count = set->count;
    for (uint32_t i = 0; i < set->count; i++) {
        struct key_run *run = set->runs[set->count - 1 - i];
        list->runs[i] = run;
        list->filters[i] = run->filter;
        list->eras[i] = run->eras ? run->eras : KEY_BESIDE_SIEVE;
        list->beside_sieve |= list->eras[i] & KEY_BESIDE_SIEVE;
        list->ends[i] = run->footer.span.last_position + 1;
    }
    list->ends[set->count] = 0;
    return list;
}

void keys_free_list(struct keys *keys, struct key_list *list)
{
    struct key_sieve *sieve = list->sieve;
    if (sieve && !--sieve->lists && sieve != keys->sieve)
        key_sieve_free(&keys->memory, sieve);
    key_release(&keys->memory, list, sizeof *list);
}

void keys_publish(struct keys *keys, struct key_list *list)
{
    keys->generation = list->generation;
    pthread_mutex_lock(&keys->door);
    struct key_list *before = atomic_exchange_explicit(&keys->published, list, memory_order_acq_rel);
    pthread_mutex_unlock(&keys->door);
    if (before) {
        before->next = keys->retired.lists;
        keys->retired.lists = before;
    }
}

int32_t keys_show_set(struct keys *keys, trading_error *error)
{
    struct key_list *list = keys_list_of(keys, &keys->set, keys->sealed);
    if (!list)
        return error_no_memory(error, "a list of runs of command keys");
    keys_publish(keys, list);
    return TRADING_OK;
}

static bool has(const struct key_set *set, const struct key_run *run)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->runs[i] == run)
            return true;
    return false;
}

static bool is_merging(const struct keys *keys, const struct key_run *run)
{
    for (uint32_t i = 0; i < keys->merge.count; i++)
        if (keys->merge.readers[i].run == run)
            return true;
    return false;
}

void keys_abandon_merge(struct keys *keys)
{
    if (keys->merge.count)
        key_writer_abandon(keys->merge.writer);
    keys->merge.count = 0;
}

static void retire_runs(struct keys *keys, const struct key_set *next)
{
    for (uint32_t i = 0; i < keys->set.count; i++) {
        struct key_run *run = keys->set.runs[i];
        if (has(next, run))
            continue;
        keys->store.ops->blob_drop(keys->store.store, run->footer.number, NULL); /* else an orphan, dropped at opening */
        run->next = keys->retired.runs;
        keys->retired.runs = run;
        if (keys->entering.run == run)
            keys->entering.run = NULL;
        if (is_merging(keys, run))
            keys_abandon_merge(keys);
    }
}

void keys_count_stored(struct keys *keys)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < keys->set.count; i++)
        bytes += keys->set.runs[i]->blob.size;
    atomic_store_explicit(&keys->stored_bytes, bytes, memory_order_relaxed);
}

int32_t keys_change_set(struct keys *keys, const struct key_set *next, uint64_t sealed, uint64_t added,
                        const struct keys_stored *stored, trading_error *error)
{
    struct key_list *list = keys_list_of(keys, next, sealed);
    if (!list)
        return error_no_memory(error, "a list of runs of command keys");
    int32_t code = keys_write_manifest(keys, next, stored, error);
    if (code) {
        keys_free_list(keys, list);
        return code;
    }
    uint64_t gone = key_set_keys(&keys->set) + added - key_set_keys(next);
    atomic_fetch_add_explicit(&keys->dropped, gone, memory_order_release); /* after they were inserted */
    retire_runs(keys, next);
    keys->set = *next;
    keys->stored = *stored;
    keys->sealed = sealed;
    keys_count_stored(keys);
    keys_publish(keys, list);
    return TRADING_OK;
}

/* ---- what goes wrong ---- */

void keys_report(struct keys *keys, const trading_error *error)
{
    if (keys->options.report && !keys->troubled)
        keys->options.report(keys->options.report_arg, error);
    keys->troubled = true;
}

int32_t keys_run_damaged(struct keys *keys, const struct key_run *run, trading_error *error)
{
    atomic_store_explicit(&((struct key_run *)run)->damaged, true, memory_order_relaxed);
    keys_abandon_merge(keys);
    /* Without it the next opening finds the keys damaged, and makes them anew. */
    keys->store.ops->blob_drop(keys->store.store, run->footer.number, NULL);
    return error_set(error, TRADING_E_DAMAGED,
                     "run %" PRIu64 " of command keys is damaged; the keys are made again from the journal at the next opening",
                     run->footer.number);
}
