/* The way of the data.
 *
 *      submit → take → deduplicate → validate → seal → decide and fold (process/) → commit built
 *             → appended, durable → installed, shown → answered → checkpoint when due
 *
 * One batch is decided while the batch before it syncs, on state that is decided and not yet durable; only what is durable is shown
 * and answered. After an append that is not surely successful all that is in flight is dropped, the journal is read again, and what
 * did not happen is decided anew or answered with the failure. */
#include "base/error.h"
#include "base/id.h"
#include "base/moment.h"
#include "engine/engine.h"
#include "engine/replay.h"

#include <inttypes.h>
#include <sodium.h>

#define RETRIES      3u
#define STAGED_BYTES (64u << 20)

/* After each batch so many pages are looked at, whether their memory can be given back: a fraction of a millisecond at most. */
#define TRIMMED_PAGES 1024u

/* ---- deciding a batch ---- */

static bool append_is_done(trading_engine *engine)
{
    pthread_mutex_lock(&engine->append_mutex);
    bool done = engine->append_done;
    pthread_mutex_unlock(&engine->append_mutex);
    return done;
}

/* The store has them, or their accounts are not opened. */
static void forget_secrets(struct batch *batch)
{
    sodium_memzero(batch->secrets, batch->secret_count * sizeof *batch->secrets);
    batch->secret_count = 0;
}

static void begin_batch(trading_engine *engine, struct batch *batch)
{
    const struct mark_record *mark = domain_mark(&engine->domain);
    trading_time now = engine->options.clock(engine->options.clock_context);
    commit_builder_reset(&batch->builder);
    batch->first_position = batch->next_position = mark->next_position;
    batch->header = (struct commit){0};
    batch->entries = 0;
    batch->slice_count = 0;
    forget_secrets(batch);
    error_clear(&batch->outcome);
    batch->staged = tables_begin(engine->domain.tables);
    engine->deciding = batch;
    engine->process = (struct process){.domain = &engine->domain,
                                       .out = &batch->builder.body,
                                       .now = now > mark->time ? now : mark->time,
                                       .next_position = mark->next_position,
                                       .collar = engine->options.market_collar};
}

bool engine_has_room(const trading_engine *engine, const struct batch *batch)
{
    size_t free_bytes = (size_t)(batch->builder.body.end - batch->builder.body.at);
    return free_bytes >= PROCESS_COMMAND_BYTES && tables_staged_bytes(engine->domain.tables) < STAGED_BYTES &&
           !engine->process.broken; /* without memory all is scratch, as is seen at the end */
}

/* Before a slice is taken: one that could not be kept would have to be answered before what the batch that syncs has of it. */
static bool reserve_slice(trading_engine *engine, struct batch *batch)
{
    return !memory_grow(&engine->memory, (void **)&batch->slices, &batch->slice_capacity, batch->slice_count + 1,
                        sizeof *batch->slices);
}

/* Decides a slice as far as the commit has room; what it has none for goes back to the queue. */
static bool decide_slice(trading_engine *engine, struct batch *batch, struct slice slice, trading_error *error)
{
    struct submission *submission = slice.submission;
    size_t i = 0;
    bool good = true;
    engine_foresee_first(engine, &slice);
    while (good && i < slice.count && engine_has_room(engine, batch) && !process_has_work(&engine->domain)) {
        good = engine_decide(engine, batch, &slice, i, error);
        engine_foresee(engine, &slice, i++);
    }
    struct slice rest = {.submission = submission, .first = slice.first + i, .count = slice.count - i};
    if (rest.count)
        queue_return(&engine->queue, &rest, 1);
    slice.count = i;
    batch->slices[batch->slice_count++] = slice;
    return good;
}

/* Waits until commands are there: true; false once the batch that syncs is done, or the queue is stopped. */
static bool more_comes_before_append(trading_engine *engine)
{
    while (queue_is_empty(&engine->queue)) {
        if (append_is_done(engine) || !queue_wait(&engine->queue))
            return false;
    }
    return true;
}

/* Whether commands come that this batch should have, too. While the batch before it syncs, being open costs it nothing; else those whom
 * the last commit answered together are likely to come again together, and are given as long as the host allows. Who is alone
 * waits for nobody. */
static bool more_comes(trading_engine *engine, const struct batch *batch)
{
    if (engine->syncing)
        return more_comes_before_append(engine);
    size_t group = engine->group;
    if (!engine->options.group_delay || !batch->slice_count || batch->slice_count >= group)
        return false;
    engine->group = 0; /* once a batch */
    queue_wait_for(&engine->queue, group - batch->slice_count, engine->options.group_delay);
    return !queue_is_empty(&engine->queue);
}

static bool decide_commands(trading_engine *engine, struct batch *batch, trading_error *error)
{
    size_t left = engine->options.batch_commands;
    while (left && engine_has_room(engine, batch) && !process_has_work(&engine->domain)) {
        if (!reserve_slice(engine, batch))
            return !error_no_memory(error, "a batch");
        struct slice slice = queue_take(&engine->queue, left);
        if (!slice.count && !more_comes(engine, batch))
            return true;
        if (!slice.count)
            continue;
        left -= slice.count;
        if (!decide_slice(engine, batch, slice, error))
            return false;
    }
    return true;
}

/* What is broken then is broken for want of memory, or by what was read of a damaged page. */
static int32_t state_failed(trading_engine *engine, trading_error *error)
{
    if (!tables_damaged(engine->domain.tables))
        return error_no_memory(error, "the state of a batch");
    return error_set(error, TRADING_E_DAMAGED, "a page of the state is damaged; it is made anew when the store is next opened");
}

/* Says what was decided, and moves the mark past it. */
static int32_t close_batch(trading_engine *engine, struct batch *batch, trading_error *error)
{
    struct process *process = &engine->process;
    if (domain_failed(&engine->domain))
        return state_failed(engine, error);
    if (process->broken)
        return error_set(error, TRADING_E_POISONED, "an invariant broke: %s", process->broken);
    batch->next_position = process->next_position;
    batch->messages = process->messages;
    if (batch->next_position == batch->first_position)
        return TRADING_OK;
    if (batch->builder.body.full)
        return error_set(error, TRADING_E_POISONED, "an invariant broke: a commit passed its limit of bytes");
    if (!ledgers_balance(&engine->domain.accounts))
        return error_set(error, TRADING_E_POISONED, "an invariant broke: cash does not sum to zero");
    struct mark_record *mark = domain_edit_mark(&engine->domain);
    batch->header = (struct commit){.partition = engine->partition,
                                    .entries = batch->entries,
                                    .events = (uint32_t)(batch->next_position - batch->first_position),
                                    .first_position = batch->first_position,
                                    .time = process->now};
    engine_random(engine, &batch->header.nonce, sizeof batch->header.nonce);
    mark->next_position = batch->next_position;
    mark->time = process->now;
    mark->nonce = batch->header.nonce;
    mark->commits++;
    return domain_failed(&engine->domain) ? state_failed(engine, error) : TRADING_OK;
}

static int32_t decide_batch(trading_engine *engine, struct batch *batch, trading_error *error)
{
    error_clear(error);
    begin_batch(engine, batch);
    if (!batch->staged)
        return error_no_memory(error, "the state of a batch");
    if (process_has_work(&engine->domain)) {
        process_continue(&engine->process);
        batch->entries++;
    }
    if (engine_receive(engine, batch, error) || !decide_commands(engine, batch, error))
        return error->code;
    return close_batch(engine, batch, error);
}

/* ---- appending ---- */

/* Framing, compressing and hashing are the appender's, too: the next batch is decided meanwhile. */
static void append_batch(trading_engine *engine, struct batch *batch)
{
    struct domain *domain = &engine->domain;
    trading_error *outcome = &batch->outcome;
    memcpy(batch->header.previous, domain->digest, sizeof batch->header.previous);
    int32_t code = commit_build(&batch->builder, &batch->header, &batch->stored, outcome);
    if (!code && batch->secret_count)
        code = engine->ops->secret_put(engine->store, batch->secrets, batch->secret_count, outcome);
    if (!code)
        code = engine->ops->append(engine->store, engine->partition, &batch->stored, 1, NULL, outcome);
    if (!code)
        memcpy(domain->digest, batch->header.digest, sizeof domain->digest);
    outcome->code = code;
}

void *engine_appender(void *arg)
{
    trading_engine *engine = arg;
    pthread_mutex_lock(&engine->append_mutex);
    for (;;) {
        while (!engine->append_stop && (!engine->append_batch || engine->append_done))
            pthread_cond_wait(&engine->append_signal, &engine->append_mutex);
        if (!engine->append_batch || engine->append_done)
            break;
        struct batch *batch = engine->append_batch;
        pthread_mutex_unlock(&engine->append_mutex);
        append_batch(engine, batch);
        pthread_mutex_lock(&engine->append_mutex);
        engine->append_done = true;
        pthread_cond_broadcast(&engine->append_signal);
        queue_wake(&engine->queue);
    }
    pthread_mutex_unlock(&engine->append_mutex);
    return NULL;
}

static void hand_to_appender(trading_engine *engine, struct batch *batch)
{
    pthread_mutex_lock(&engine->append_mutex);
    engine->append_batch = batch;
    engine->append_done = false;
    pthread_cond_broadcast(&engine->append_signal);
    pthread_mutex_unlock(&engine->append_mutex);
    engine->syncing = batch;
}

static void await_appender(trading_engine *engine)
{
    pthread_mutex_lock(&engine->append_mutex);
    while (!engine->append_done)
        pthread_cond_wait(&engine->append_signal, &engine->append_mutex);
    engine->append_batch = NULL;
    engine->append_done = false;
    pthread_mutex_unlock(&engine->append_mutex);
}

/* ---- what became of it ---- */

static void answer_slices(trading_engine *engine, struct batch *batch)
{
    engine->group = batch->slice_count;
    queue_answer(&engine->queue, batch->slices, batch->slice_count);
    batch->slice_count = 0;
}

static void fail_slices(trading_engine *engine, struct batch *batch, int32_t status, const trading_error *error)
{
    for (size_t i = 0; i < batch->slice_count; i++)
        queue_fail(&engine->queue, &batch->slices[i], status, error);
    batch->slice_count = 0;
}

void engine_fail_waiting(trading_engine *engine, const trading_error *error)
{
    queue_abandon(&engine->queue, error);
    engine_progress(engine);
}

static void count(trading_engine *engine, const struct batch *batch)
{
    atomic_fetch_add_explicit(&engine->commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&engine->events, batch->header.events, memory_order_relaxed);
    atomic_fetch_add_explicit(&engine->journal_bytes, batch->stored.size, memory_order_relaxed);
}

static void install(trading_engine *engine)
{
    if (engine->partitions)
        pthread_rwlock_rdlock(&engine->partitions->cut);
    tables_install(engine->domain.tables);
    if (engine->partitions)
        pthread_rwlock_unlock(&engine->partitions->cut);
}

/* The batch is durable: it is shown, and answered. */
static void succeed(trading_engine *engine, struct batch *batch)
{
    uint64_t commands = 0;
    for (size_t i = 0; i < batch->slice_count; i++)
        commands += batch->slices[i].count;
    atomic_fetch_add_explicit(&engine->commands, commands, memory_order_relaxed);
    install(engine);
    tables_trim(engine->domain.tables, TRIMMED_PAGES);
    if (batch->next_position != batch->first_position) {
        count(engine, batch);
        atomic_store_explicit(&engine->durable, batch->next_position, memory_order_release);
        keys_durable(engine->keys, batch->next_position);
    }
    answer_slices(engine, batch);
    if (engine->parts > 1)
        engine_send(engine, batch);
    engine_progress(engine);
    engine_wake_keeper(engine);
}

/* Whether the journal, read again, holds what was in doubt: the very commit, which others may have followed. */
static int32_t learn(trading_engine *engine, const struct doubt *doubt, bool *happened, trading_error *error)
{
    *happened = false;
    if (doubt->next_position == doubt->first_position || domain_mark(&engine->domain)->next_position < doubt->next_position)
        return TRADING_OK;
    int32_t code = journal_commit_at(&engine->journal, doubt->first_position, &engine->past, error);
    if (code)
        engine->past.commit.events = 0;
    else
        *happened = id_equal(&engine->past.commit.nonce, &doubt->nonce);
    return code;
}

/* Brings the state up to what the journal really holds, and tells whether what was in doubt is in it. */
static int32_t read_again(trading_engine *engine, const struct doubt *doubt, bool *happened, trading_error *error)
{
    int32_t code = engine_catch_up(engine, error);
    return code ? code : learn(engine, doubt, happened, error);
}

/* Whether the journal, read again, has a commit that this engine did not write: of a partition that others may take over it is then theirs. */
static bool is_overtaken(const trading_engine *engine, const struct doubt *doubt, bool happened)
{
    int64_t own = happened ? doubt->next_position : doubt->first_position;
    return engine_has_one(engine) && domain_mark(&engine->domain)->next_position != own;
}

/* Nothing is appended any more; what waits is the successor's to decide. */
static void fence(trading_engine *engine, const struct doubt *doubt, trading_error *error)
{
    error_set(error, TRADING_E_FENCED,
              "another writer has appended to partition %u, at or behind position %" PRId64
              ": it is the other's now; what was not "
              "durable did not happen",
              engine->partition, doubt->first_position);
    engine_poison(engine, TRADING_E_FENCED, error->message);
}

/* A submission of which the failed batch held the first part ends with it: what the next batch held of it goes with it. */
static void drop_shared_slice(const struct batch *failed, struct batch *next)
{
    bool shared = failed->slice_count && next->slice_count &&
                  failed->slices[failed->slice_count - 1].submission == next->slices[0].submission;
    if (shared)
        memmove(next->slices, next->slices + 1, --next->slice_count * sizeof *next->slices);
}

/* Paused work that was in the failed batch comes before any command, so what waits fails with it. It goes on with the next command rather
 * than by itself, which would be without end while the store takes nothing. */
static void stall(trading_engine *engine, const trading_error *error)
{
    if (!process_has_work(&engine->domain))
        return;
    engine->stalled = true;
    engine_fail_waiting(engine, error);
}

static struct doubt doubt_of(const struct batch *batch)
{
    return (struct doubt){
        .first_position = batch->first_position, .next_position = batch->next_position, .nonce = batch->header.nonce};
}

/* Nobody can tell what became of the batch, for `why`: it is answered so, and what was decided on it waits. */
static void leave_unresolved(trading_engine *engine, struct batch *failed, struct batch *next, const trading_error *why)
{
    trading_error unknown;
    error_set(&unknown, TRADING_E_OUTCOME_UNKNOWN, "whether the commit at position %" PRId64 " happened is not known: %.120s",
              failed->first_position, why->message);
    engine->unresolved = engine->stalled = true;
    engine->doubt = doubt_of(failed);
    if (next) {
        drop_shared_slice(failed, next);
        queue_return(&engine->queue, next->slices, next->slice_count);
    }
    fail_slices(engine, failed, TRADING_STATUS_UNKNOWN, &unknown);
    engine_progress(engine);
}

/* What it received and what it sent in what is dropped is read again from the journals, by itself and by the others. */
static void lose_messages(trading_engine *engine)
{
    mail_reread(&engine->mail);
    for (uint32_t i = 0; engine->partitions && i < engine->partitions->count; i++)
        mail_reread(&engine->partitions->at[i]->mail);
}

/* The journal has the batch, or not, and then a commit of another writer. What was decided on it did not happen. */
static void yield_to_successor(trading_engine *engine, struct batch *failed, struct batch *next, bool done)
{
    trading_error fenced;
    fence(engine, &(struct doubt){.first_position = done ? failed->next_position : failed->first_position}, &fenced);
    if (next && !done)
        drop_shared_slice(failed, next);
    if (done)
        answer_slices(engine, failed);
    else
        fail_slices(engine, failed, TRADING_STATUS_NONE, &fenced);
    if (next)
        fail_slices(engine, next, TRADING_STATUS_NONE, &fenced);
    engine_fail_waiting(engine, &fenced);
}

/* The batch is not surely durable, and `next`, which may be NULL, was decided on it. Everything that is not durable is dropped, and what
 * the journal really holds decides how it is answered. */
static void recover(trading_engine *engine, struct batch *failed, struct batch *next, bool again)
{
    trading_error error;
    const trading_error *outcome = &failed->outcome;
    host_log(engine->host, TRADING_LOG_WARNING, "a commit at position %" PRId64 " failed: %s", failed->first_position,
             outcome->message);
    engine->deciding = engine->syncing = NULL;
    bool done;
    const struct doubt doubt = doubt_of(failed);
    lose_messages(engine);
    if (read_again(engine, &doubt, &done, &error)) {
        leave_unresolved(engine, failed, next, &error);
        return;
    }
    if (is_overtaken(engine, &doubt, done)) {
        yield_to_successor(engine, failed, next, done);
        return;
    }
    bool retry = !done && again && (outcome->code == TRADING_E_OUTCOME_UNKNOWN || outcome->code == TRADING_E_POSITION);
    if (next) {
        if (!done && !retry)
            drop_shared_slice(failed, next);
        queue_return(&engine->queue, next->slices, next->slice_count);
        next->slice_count = 0;
    }
    if (done) {
        answer_slices(engine, failed);
    } else if (retry) {
        queue_return(&engine->queue, failed->slices, failed->slice_count);
    } else {
        fail_slices(engine, failed, TRADING_STATUS_NONE, outcome);
        stall(engine, outcome);
    }
    failed->slice_count = 0;
    engine_progress(engine);
}

/* Ends the append of a batch. False when it failed: then everything in flight, `next` too, has been answered or returned. */
static bool finish(trading_engine *engine, struct batch *batch, struct batch *next)
{
    if (batch->outcome.code == TRADING_OK) {
        engine->retries = 0;
        engine->stalled = false;
        succeed(engine, batch);
        forget_secrets(batch);
        return true;
    }
    recover(engine, batch, next, engine->retries++ < RETRIES);
    return false;
}

static bool finish_syncing(trading_engine *engine, struct batch *next)
{
    struct batch *batch = engine->syncing;
    await_appender(engine);
    engine->syncing = NULL;
    return finish(engine, batch, next);
}

/* Deciding itself failed: no memory, the journal cannot be read for a duplicate, or an invariant broke. */
static void fail_deciding(trading_engine *engine, struct batch *batch, const trading_error *error)
{
    batch->outcome = *error;
    bool damaged = tables_damaged(engine->domain.tables);
    if (damaged)
        engine_write_checkpoint(engine, NULL); /* which is to give up the one that there is */
    if (damaged || error->code == TRADING_E_POISONED) {
        engine_poison(engine, error->code, error->message);
        domain_discard(&engine->domain);
        fail_slices(engine, batch, TRADING_STATUS_NONE, error);
        engine_fail_waiting(engine, error);
        return;
    }
    if (batch->slice_count == 0) /* nobody's command was even taken: whoever waits is told, rather than tried for ever */
        engine_fail_waiting(engine, error);
    recover(engine, batch, NULL, false);
}

/* ---- rounds ---- */

static bool resolve(trading_engine *engine)
{
    trading_error error;
    bool happened;
    if (!engine->unresolved)
        return true;
    if (read_again(engine, &engine->doubt, &happened, &error)) {
        engine_fail_waiting(engine, &error);
        return false;
    }
    engine->unresolved = false;
    if (!is_overtaken(engine, &engine->doubt, happened))
        return true;
    fence(engine, &engine->doubt, &error);
    engine_fail_waiting(engine, &error);
    return false;
}

static struct batch *idle_batch(trading_engine *engine)
{
    return engine->syncing == &engine->batches[0] ? &engine->batches[1] : &engine->batches[0];
}

bool engine_goes_on(const trading_engine *engine)
{
    return (process_has_work(&engine->domain) || mail_waits(&engine->mail)) && !engine->stalled;
}

bool engine_round(trading_engine *engine, bool overlaps)
{
    trading_error error;
    if (atomic_load(&engine->state) || !resolve(engine))
        return false;
    struct batch *batch = idle_batch(engine);
    int32_t code = decide_batch(engine, batch, &error);
    if (engine->syncing && !finish_syncing(engine, batch))
        return true;
    if (code) {
        fail_deciding(engine, batch, &error);
        return true;
    }
    bool empty = batch->next_position == batch->first_position;
    if (!empty && overlaps && (!queue_is_empty(&engine->queue) || mail_waits(&engine->mail))) {
        hand_to_appender(engine, batch);
        return true;
    }
    bool worked = batch->slice_count || !empty;
    if (!empty)
        append_batch(engine, batch);
    finish(engine, batch, NULL);
    return worked;
}

static bool is_refusing(trading_engine *engine, trading_error *error)
{
    if (atomic_load(&engine->abandoned)) {
        error_set(error, TRADING_E_CLOSED, "the engine was closed before the command was decided");
        return true;
    }
    return engine_check(engine, error) != TRADING_OK;
}

/* Rounds until nothing waits and nothing is in flight. With the drive_mutex held. */
static void drive(trading_engine *engine)
{
    trading_error error;
    for (;;) {
        bool refusing = is_refusing(engine, &error);
        if (engine->syncing && (refusing || !more_comes_before_append(engine))) {
            finish_syncing(engine, NULL);
            continue;
        }
        if (refusing) { /* what was in flight is finished, so what waits is the rest of nothing */
            engine_fail_waiting(engine, &error);
            return;
        }
        if (queue_is_empty(&engine->queue) && !engine_goes_on(engine))
            return;
        engine_round(engine, engine->appender_runs);
    }
}

void *engine_decider(void *arg)
{
    trading_engine *engine = arg;
    for (bool goes_on = true; goes_on;) {
        goes_on = queue_wait(&engine->queue);
        pthread_mutex_lock(&engine->drive_mutex);
        drive(engine);
        pthread_mutex_unlock(&engine->drive_mutex);
    }
    return NULL;
}

bool engine_drive_alone(trading_engine *engine, struct submission *submission)
{
    trading_error error;
    if (pthread_mutex_trylock(&engine->drive_mutex))
        return false;
    bool alone = !is_refusing(engine, &error) && !engine_goes_on(engine);
    while (alone && !gate_is_open(&submission->done) && !is_refusing(engine, &error))
        engine_round(engine, false);
    bool rest = !queue_is_empty(&engine->queue) || engine_goes_on(engine) || !alone;
    pthread_mutex_unlock(&engine->drive_mutex);
    if (rest)
        queue_wake(&engine->queue);
    return true;
}
