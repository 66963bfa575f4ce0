/* What is done with full tables and with runs, beside the decider: tables are written out, runs merged, and the oldest dropped (set.c). */
#include "base/error.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "keys/inside.h"

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
    code = keys_change_set(keys, &next, keys->sealed + 1, run->footer.count, &stored, error);
    if (code) {
        key_run_close(run, &keys->memory, &keys->store);
        keys->store.ops->blob_drop(keys->store.store, number, NULL);
    }
    return code;
}

static int32_t seal_table(struct keys *keys, struct key_young *table, trading_error *error)
{
    int32_t code = table->count ? seal_keys(keys, table, error)
                                : keys_change_set(keys, &keys->set, keys->sealed + 1, 0, &keys->stored, error);
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
    code = keys_change_set(keys, &next, keys->sealed, 0, &keys->stored, error);
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
    keys_reclaim(keys);
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
