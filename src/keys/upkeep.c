/* What is done with full tables and with runs, beside the decider: tables are written out, runs merged, and the oldest dropped. Each
 * change is a new set of runs: its blobs are whole, then the manifest names it, then the decider is shown it, and what it is without is
 * freed once the decider has seen it and whoever visited the one before has left. A change that fails leaves all as it was, to be tried
 * again. */
#include "base/error.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "keys/inside.h"

#include <inttypes.h>

#define MERGE_PIECE    65536u /* keys, between two looks at what is more urgent */
#define MERGE_TOGETHER 256u
#define RUNS_USUAL     32u /* with more, merging is behind, and goes before entering new ones into the sieve */
#define RUNS_MANY      64u /* with so many also before writing out tables, as there must be a place for another run */
#define MERGE_LEAST    4u
#define RETAIN_PARTS   8u /* neither bound on what is retained may be passed by more than one part in so many */
#define UNBOUNDED_RUNS 4u /* tables in the largest run at least, where no count bounds them */
#define RETRY          INT64_C(1000000000)
#define REST           200000            /* nanoseconds between two pieces of the sieve that is loaded */
#define LOOK_AGAIN     INT64_C(10000000) /* whether what is retired may be freed; doubled up to RETRY */

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
static void reclaim(struct keys *keys)
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

/* `sealed`: how many tables are in runs then, and so many keys of them are new there. */
static int32_t change(struct keys *keys, const struct key_set *next, uint64_t sealed, uint64_t added,
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

/* ---- dropping the oldest ---- */

/* Takes the oldest runs out of a set, as of its newest key. */
static void retain(const struct keys *keys, struct key_set *set)
{
    uint64_t count = key_set_keys(set);
    uint32_t gone = 0;
    while (gone + 1 < set->count) {
        const struct key_footer *oldest = &set->runs[gone]->footer;
        trading_time now = set->runs[set->count - 1]->footer.span.last_time;
        bool too_old = keys->options.max_age && now - oldest->span.last_time > keys->options.max_age;
        bool too_many = keys->options.max_count && count - oldest->count >= keys->options.max_count;
        if (!too_old && !too_many)
            break;
        count -= oldest->count;
        gone++;
    }
    set->count -= gone;
    memmove(set->runs, set->runs + gone, set->count * sizeof(struct key_run *));
}

/* ---- sealing ---- */

/* The oldest full table, if what is in it is durable. */
static struct key_young *due_table(struct keys *keys)
{
    if (keys->sealed == atomic_load_explicit(&keys->full_tables, memory_order_acquire))
        return NULL;
    struct key_young *table = keys->tables[keys->sealed % KEY_TABLES];
    int64_t last = atomic_load_explicit(&table->last_position, memory_order_acquire);
    return last < atomic_load_explicit(&keys->durable, memory_order_acquire) ? table : NULL;
}

static int32_t seal_keys(struct keys *keys, struct key_young *table, trading_error *error)
{
    if (keys->set.count == KEY_RUNS_MAX)
        return error_set(error, TRADING_E_BUSY, "there are %u runs of command keys already", KEY_RUNS_MAX);
    struct key_run *run;
    uint64_t number = keys->next_number++;
    int32_t code = key_young_seal(table, &keys->memory, &keys->store, number, &run, error);
    if (code) {
        keys->store.ops->blob_drop(keys->store.store, number, NULL);
        return code;
    }
    struct key_set next = keys->set;
    next.runs[next.count++] = run;
    retain(keys, &next);
    struct keys_stored stored = {.next_position = run->footer.span.last_position + 1, .hash = table->last_hash};
    code = change(keys, &next, keys->sealed + 1, run->footer.count, &stored, error);
    if (code) {
        key_run_close(run, &keys->memory, &keys->store);
        keys->store.ops->blob_drop(keys->store.store, number, NULL);
    }
    return code;
}

static int32_t seal_table(struct keys *keys, struct key_young *table, trading_error *error)
{
    int32_t code =
        table->count ? seal_keys(keys, table, error) : change(keys, &keys->set, keys->sealed + 1, 0, &keys->stored, error);
    if (code)
        return code;
    table->next = keys->retired.tables;
    keys->retired.tables = table;
    return TRADING_OK;
}

/* ---- merging ---- */

static uint64_t run_most(const struct keys *keys)
{
    if (keys->options.max_count)
        return keys->options.max_count / RETAIN_PARTS;
    uint64_t part = key_set_keys(&keys->set) / RETAIN_PARTS;
    uint64_t least = (uint64_t)keys->options.young * UNBOUNDED_RUNS;
    return part > least ? part : least;
}

/* Whether runs make one that is not too large or long to be dropped as a whole. */
static bool fit(const struct keys *keys, uint32_t first, uint32_t end)
{
    uint64_t count = 0;
    for (uint32_t i = first; i < end; i++) {
        if (atomic_load_explicit(&keys->set.runs[i]->damaged, memory_order_relaxed))
            return false;
        count += keys->set.runs[i]->footer.count;
    }
    const struct key_span *older = &keys->set.runs[first]->footer.span;
    const struct key_span *newer = &keys->set.runs[end - 1]->footer.span;
    return count <= run_most(keys) && newer->last_position - older->first_position < KEY_SPAN_MAX &&
           (!keys->options.max_age || newer->last_time - older->first_time <= keys->options.max_age / RETAIN_PARTS);
}

/* A sieve before all runs lets there be many of them: so what is as large as a table is merged once, with all neighbours that there may be
 * in one run (pick_last). */
static bool waits_for_neighbours(const struct keys *keys, const struct key_run *run)
{
    return keys->sieve && run->footer.count >= keys->options.young;
}

/* The newest runs, when there are several of like size. */
static bool pick_newest(const struct keys *keys, uint32_t *first, uint32_t *end)
{
    const struct key_set *set = &keys->set;
    *end = *first = set->count;
    if (!set->count || waits_for_neighbours(keys, set->runs[set->count - 1]))
        return false;
    while (*first && *end - *first < KEY_MERGE_MOST && fit(keys, *first - 1, *end) &&
           set->runs[*first - 1]->footer.count <= set->runs[*end - 1]->footer.count * 2)
        --*first;
    return *end - *first >= MERGE_LEAST;
}

/* Neighbours that with the next would be too large: for the last time, unless one of them is nearly all there is. */
static bool pick_last(const struct keys *keys, uint32_t *first, uint32_t *end)
{
    const struct key_set *set = &keys->set;
    for (*first = 0; *first + 1 < set->count; ++*first) {
        uint64_t count = 0;
        uint64_t most = 0;
        for (*end = *first; *end < set->count && *end - *first < KEY_MERGE_MOST && fit(keys, *first, *end + 1); ++*end) {
            uint64_t here = set->runs[*end]->footer.count;
            count += here;
            most = here > most ? here : most;
        }
        if (*end == set->count)
            return false;
        if (*end - *first > 1 && most / 3 <= count / 4)
            return true;
    }
    return false;
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

static int32_t begin_merge(struct keys *keys, uint32_t first, uint32_t end, trading_error *error)
{
    struct key_merge *merge = &keys->merge;
    const struct key_span *older = &keys->set.runs[first]->footer.span;
    const struct key_span *newer = &keys->set.runs[end - 1]->footer.span;
    struct key_span span = {older->first_position, newer->last_position, older->first_time, newer->last_time};
    uint64_t count = 0;
    for (uint32_t i = first; i < end; i++)
        count += keys->set.runs[i]->footer.count;
    merge->number = keys->next_number++;
    int32_t code = key_writer_open(&merge->writer, &keys->memory, &keys->store, merge->number, count, &span, error);
    if (code)
        return code;
    const struct key_run *damaged = key_merge_begin(merge, keys->set.runs + first, end - first);
    return damaged ? keys_run_damaged(keys, damaged, error) : TRADING_OK;
}

/* None, where a run is in none. */
static uint32_t eras_of(const struct key_merge *merge, uint32_t merged)
{
    uint32_t eras = 0;
    for (uint32_t i = 0; i < merged; i++) {
        if (!merge->readers[i].run->eras)
            return 0;
        eras |= merge->readers[i].run->eras;
    }
    return eras;
}

/* Puts the merged run in the place of what it is made of. */
static int32_t end_merge(struct keys *keys, trading_error *error)
{
    struct key_merge *merge = &keys->merge;
    struct key_run *run;
    uint32_t merged = merge->count;
    merge->count = 0;
    int32_t code = key_writer_finish(merge->writer, error);
    if (code)
        return code;
    code = key_run_open(&run, &keys->memory, &keys->store, merge->number, error);
    if (code) {
        keys->store.ops->blob_drop(keys->store.store, merge->number, NULL);
        return code;
    }
    run->eras = eras_of(merge, merged);
    struct key_set next = {0};
    for (uint32_t i = 0; i < keys->set.count; i++) {
        bool first = keys->set.runs[i] == merge->readers[0].run;
        next.runs[next.count++] = first ? run : keys->set.runs[i];
        i += first ? merged - 1 : 0;
    }
    code = change(keys, &next, keys->sealed, 0, &keys->stored, error);
    if (code) {
        key_run_close(run, &keys->memory, &keys->store);
        keys->store.ops->blob_drop(keys->store.store, merge->number, NULL);
    }
    return code;
}

static int32_t merge_some(struct keys *keys, trading_error *error)
{
    struct key_merge *merge = &keys->merge;
    struct key_entry entries[MERGE_TOGETHER];
    uint32_t count = MERGE_TOGETHER;
    for (uint32_t i = 0; i < MERGE_PIECE && count == MERGE_TOGETHER; i += MERGE_TOGETHER) {
        const struct key_run *damaged = key_merge_read(merge, entries, MERGE_TOGETHER, &count);
        if (damaged)
            return keys_run_damaged(keys, damaged, error);
        key_writer_add(merge->writer, entries, count);
    }
    return TRADING_OK;
}

static int32_t merge_piece(struct keys *keys, trading_error *error)
{
    if (!key_merge_has_ended(&keys->merge))
        return merge_some(keys, error);
    return key_writer_end_piece(keys->merge.writer) ? TRADING_OK : end_merge(keys, error);
}

/* ---- one piece after another ---- */

static int32_t work(struct keys *keys, bool *worked, trading_error *error)
{
    uint32_t first;
    uint32_t end;
    *worked = true;
    reclaim(keys);
    struct key_young *due = due_table(keys);
    if (due && keys->set.count < RUNS_MANY)
        return seal_table(keys, due, error);
    if (keys->loading)
        return keys_load_piece(keys, error);
    if (keys->set.count <= RUNS_USUAL && keys_may_enter(keys))
        return keys_enter_piece(keys, error);
    if (keys->merge.count)
        return merge_piece(keys, error);
    if (pick_newest(keys, &first, &end) || pick_last(keys, &first, &end))
        return begin_merge(keys, first, end, error);
    if (due)
        return seal_table(keys, due, error);
    if (keys_may_enter(keys))
        return keys_enter_piece(keys, error);
    *worked = false;
    return TRADING_OK;
}

int32_t keys_seal(struct keys *keys, trading_error *error)
{
    bool worked = true;
    int32_t code = error_clear(error);
    while (!code && worked && due_table(keys) && keys->set.count == KEY_RUNS_MAX)
        code = work(keys, &worked, error);
    struct key_young *due = due_table(keys);
    return code || !due ? code : seal_table(keys, due, error);
}

void keys_report(struct keys *keys, const trading_error *error)
{
    if (keys->options.report && !keys->troubled)
        keys->options.report(keys->options.report_arg, error);
    keys->troubled = true;
}

bool keys_work(struct keys *keys)
{
    bool worked;
    trading_error error;
    error_clear(&error);
    pthread_mutex_lock(&keys->mutex);
    int32_t code = work(keys, &worked, &error);
    if (code)
        keys_report(keys, &error);
    else
        keys->troubled = false;
    pthread_mutex_unlock(&keys->mutex);
    return worked && !code;
}

/* ---- the thread ---- */

/* Until there is work, or what failed may be tried again, or it is time to look whether what is retired may be freed. */
static void wait_for_work(struct keys *keys, int64_t *pause)
{
    pthread_mutex_lock(&keys->mutex);
    bool retired = keys->retired.lists || keys->retired.runs || keys->retired.tables;
    if (keys->troubled)
        *pause = RETRY;
    else if (!retired)
        *pause = 0;
    else
        *pause = *pause ? (*pause < RETRY / 2 ? *pause * 2 : RETRY) : LOOK_AGAIN;
    pthread_mutex_unlock(&keys->mutex);
    struct timespec until = monotonic_after(*pause);
    int woken = *pause ? sem_clockwait(&keys->work, CLOCK_MONOTONIC, &until) : sem_wait(&keys->work);
    if (!woken)
        *pause = 0;
}

/* So that who opens the store, and wants the mutex, gets it: else this thread would mostly have it again at once. */
static void rest(void)
{
    struct timespec pause = {.tv_nsec = REST};
    nanosleep(&pause, NULL);
}

static void *keep(void *arg)
{
    struct keys *keys = arg;
    int64_t pause = 0;
    while (!atomic_load_explicit(&keys->stop, memory_order_relaxed)) {
        if (!keys_work(keys))
            wait_for_work(keys, &pause);
        else if (keys->loading)
            rest();
    }
    return NULL;
}

bool keys_start_thread(struct keys *keys)
{
    keys->runs = thread_start(&keys->thread, "trading-keys", keep, keys);
    return keys->runs;
}

void keys_stop_thread(struct keys *keys)
{
    if (!keys->runs)
        return;
    atomic_store_explicit(&keys->stop, true, memory_order_relaxed);
    sem_post(&keys->work);
    pthread_join(keys->thread, NULL);
    keys->runs = false;
}
