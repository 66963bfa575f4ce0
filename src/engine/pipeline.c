/* The way of the data.
 *
 *      submit → take → deduplicate → validate → seal → decide and fold (process/) → commit built
 *             → appended, durable → installed, shown → answered → checkpoint when due
 *
 * One batch is decided while the batch before it syncs, and one that is full may wait between them (appender.h): on state that is decided and not
 * yet durable. Only what is durable is shown and answered. After an append that is not surely successful all that is in flight is dropped, the
 * journal is read again, and what did not happen is decided anew or answered with the failure (aftermath.c). */
#include "base/error.h"
#include "base/id.h"
#include "base/moment.h"
#include "base/monotonic.h"
#include "engine/engine.h"
#include "engine/replay.h"

#include <inttypes.h>
#include <sodium.h>

#define WORTH_WAKING    16u               /* commands */
#define WORTH_GATHERING INT64_C(20000)    /* nanoseconds that a sync takes */
#define REST            INT64_C(50000000) /* nanoseconds, doubled from the first */
#define REST_DOUBLINGS  6u
#define PATIENT_SYNCS   4 /* as long as so many take, a batch waits for who comes back */

/* ---- deciding a batch ---- */

static void begin_batch(trading_engine *engine, struct batch *batch)
{
    const struct mark_record *mark = domain_mark(&engine->domain);
    trading_time now = engine->options.clock(engine->options.clock_context);
    commit_builder_reset(&batch->builder);
    batch->first_position = batch->next_position = mark->next_position;
    batch->header = (struct commit){0};
    batch->entries = 0;
    batch->commands = 0;
    batch->slice_count = 0;
    batch->gathers = false;
    engine_forget_secrets(batch);
    error_clear(&batch->outcome);
    batch->staged = tables_begin(engine->domain.tables);
    engine->deciding = batch;
    engine->process = (struct process){.domain = &engine->domain,
                                       .out = &batch->builder.body,
                                       .now = now > mark->time ? now : mark->time,
                                       .next_position = mark->next_position,
                                       .collar = engine->options.market_collar};
}

/* Whether the batch may have another command. */
static bool has_place(const trading_engine *engine, const struct batch *batch)
{
    return batch->commands < engine->options.batch_commands && engine_has_room(engine, batch) && !engine->process.paused;
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
    while (good && i < slice.count && engine_has_room(engine, batch) && !engine->process.paused) {
        engine_foresee(engine, &slice, i);
        good = engine_decide(engine, batch, &slice, i++, error);
    }
    struct slice rest = {.submission = submission, .first = slice.first + i, .count = slice.count - i};
    if (rest.count)
        queue_return(&engine->queue, &rest, 1);
    slice.count = i;
    batch->commands += i;
    batch->slices[batch->slice_count++] = slice;
    return good;
}

/* Waits until commands are there: true; false once the batch that syncs is done and there are none, or the queue is stopped. Few are not
 * worth waking for while another batch syncs: they are decided when it has. */
static bool more_comes_before_append(trading_engine *engine)
{
    while (!queue_has(&engine->queue, WORTH_WAKING)) {
        if (appender_is_done(engine))
            return queue_has(&engine->queue, 1);
        if (!queue_wait(&engine->queue, WORTH_WAKING))
            return false;
    }
    return true;
}

/* Waits for those who were answered and did not run yet, so that they are decided as they come: for one to miss this batch would cost it a
 * sync, and for this batch to wait costs it less. False when that took too long and nobody is there. */
static bool gather(trading_engine *engine, struct batch *batch)
{
    if (!batch->gathers)
        batch->patience =
            monotonic_after(PATIENT_SYNCS * atomic_load_explicit(&engine->appender.sync_time, memory_order_relaxed));
    batch->gathers = true;
    return queue_gather(&engine->queue, WORTH_WAKING, &batch->patience) || !queue_is_empty(&engine->queue);
}

/* Whether callers whom the last commit answered are on their way back, to be in one commit again. Who ran is between two calls for a
 * microsecond, or has gone for long. */
static bool some_come_back(trading_engine *engine, struct batch *batch)
{
    if (!batch->slice_count || batch->slice_count >= engine->group ||
        atomic_load_explicit(&engine->appender.sync_time, memory_order_relaxed) < WORTH_GATHERING)
        return false;
    return queue_is_returned_to(&engine->queue) ? gather(engine, batch) : queue_linger(&engine->queue);
}

/* Whether commands come that this batch should have, too. While the batch before it syncs, being open costs it nothing; else those whom
 * the last commit answered together are likely to come again together: as long as that takes them by itself, and then as long as the
 * host allows. Who is alone waits for nobody. Nor does who polls the store: the next round goes on with the batch. */
static bool more_comes(trading_engine *engine, struct batch *batch)
{
    if (engine->appender.count)
        return !engine->appender.polls && more_comes_before_append(engine);
    if (some_come_back(engine, batch))
        return true;
    size_t group = engine->group;
    if (!engine->options.group_delay || !batch->slice_count || batch->slice_count >= group)
        return false;
    engine->group = 0; /* once a batch */
    queue_wait_for(&engine->queue, group - batch->slice_count, engine->options.group_delay);
    return !queue_is_empty(&engine->queue);
}

static bool decide_commands(trading_engine *engine, struct batch *batch, trading_error *error)
{
    while (has_place(engine, batch)) {
        if (!reserve_slice(engine, batch))
            return !error_no_memory(error, "a batch");
        struct slice slice = queue_take(&engine->queue, engine->options.batch_commands - batch->commands);
        if (!slice.count && !more_comes(engine, batch))
            return true;
        if (!slice.count)
            continue;
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
    queue_turn(&engine->queue);
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

/* Begins a batch, or goes on with the one that a round before left open. */
static int32_t decide_batch(trading_engine *engine, struct batch *batch, trading_error *error)
{
    error_clear(error);
    bool begins = !engine->deciding;
    if (begins)
        begin_batch(engine, batch);
    if (!batch->staged)
        return error_no_memory(error, "the state of a batch");
    if (begins && process_has_work(&engine->domain)) {
        process_continue(&engine->process);
        batch->entries++;
    }
    if (engine_receive(engine, batch, error) || !decide_commands(engine, batch, error))
        return error->code;
    return TRADING_OK;
}

/* ---- appending it ---- */

/* Waits for the oldest in flight and shows it; the next, if that goes on, is handed over before anybody is answered. False when the append
 * has failed, and with it all that is behind, the next as well. */
static bool finish_oldest(trading_engine *engine, struct batch *next, bool goes_on)
{
    struct batch *batch = appender_await(engine);
    engine_show(engine, batch);
    if (goes_on && batch->outcome.code == TRADING_OK)
        appender_hand_over(engine, next);
    return engine_finish(engine, batch, next);
}

/* ---- rounds ---- */

static bool is_in_flight(const struct appender *appender, const struct batch *batch)
{
    bool found = false;
    for (size_t i = 0; i < appender->count; i++)
        found = found || appender->batches[i] == batch;
    return found;
}

static struct batch *idle_batch(trading_engine *engine)
{
    struct batch *batch = engine->batches;
    while (is_in_flight(&engine->appender, batch))
        batch++;
    return batch;
}

/* Messages stay in their journals, so an engine that closes does not wait until its store takes them again. */
static bool receives(const trading_engine *engine)
{
    return mail_waits(&engine->mail) && !(engine->retries && atomic_load(&engine->closing));
}

bool engine_goes_on(const trading_engine *engine)
{
    return (process_has_work(&engine->domain) || receives(engine)) && !engine->stalled;
}

/* Where the store is polled, a batch is open for as long as the one before it is under way. */
static bool stays_open(trading_engine *engine)
{
    return engine->appender.count && engine->appender.polls && !appender_is_done(engine);
}

/* Whether a batch that is closed may wait behind the one that syncs, so that the next is decided meanwhile. */
static bool may_wait_behind(trading_engine *engine)
{
    return engine->appender.count && appender_has_place(engine) && !appender_is_done(engine);
}

/* Whether a batch is appended while the rounds go on; `overlaps`: there is a thread for it, which is worth it where more waits. */
static bool goes_beside(trading_engine *engine, bool overlaps)
{
    return engine->appender.polls || (overlaps && (!queue_is_empty(&engine->queue) || mail_waits(&engine->mail)));
}

bool engine_round(trading_engine *engine, bool overlaps)
{
    trading_error error;
    if (atomic_load(&engine->state) || !engine_resolve(engine))
        return false;
    struct batch *batch = idle_batch(engine);
    int32_t code = decide_batch(engine, batch, &error);
    if (!code && stays_open(engine))
        return true;
    if (!code)
        code = close_batch(engine, batch, &error);
    engine->deciding = NULL;
    bool empty = code || batch->next_position == batch->first_position;
    if (!empty && may_wait_behind(engine)) {
        appender_hand_over(engine, batch);
        return true;
    }
    while (engine->appender.count) { /* what is empty may answer with what is in flight */
        if (!finish_oldest(engine, batch, !empty) || !empty)
            return true;
    }
    if (code) {
        engine_fail_deciding(engine, batch, &error);
        return true;
    }
    if (!empty && goes_beside(engine, overlaps)) {
        appender_hand_over(engine, batch);
        return true;
    }
    bool worked = batch->slice_count || !empty;
    if (!empty)
        appender_append(engine, batch);
    engine_show(engine, batch);
    engine_finish(engine, batch, NULL);
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

/* What was received and the store refuses is tried again with the next command, or after a rest, ever longer while that goes on. */
static void rest_before_retry(trading_engine *engine)
{
    uint32_t doublings = engine->retries < REST_DOUBLINGS ? engine->retries : REST_DOUBLINGS;
    if (engine->retries && queue_is_empty(&engine->queue))
        queue_wait_for(&engine->queue, 1, REST << doublings);
}

/* Rounds until nothing waits and nothing is in flight. With the drive_mutex held. */
static void drive(trading_engine *engine)
{
    trading_error error;
    for (;;) {
        bool refusing = is_refusing(engine, &error);
        if (engine->appender.count && (refusing || !more_comes_before_append(engine))) {
            finish_oldest(engine, NULL, false);
            continue;
        }
        if (refusing) { /* what was in flight is finished, so what waits is the rest of nothing */
            engine_fail_waiting(engine, &error);
            return;
        }
        if (queue_is_empty(&engine->queue) && !engine_goes_on(engine))
            return;
        rest_before_retry(engine);
        engine_round(engine, engine->appender.runs);
    }
}

void *engine_decider(void *arg)
{
    trading_engine *engine = arg;
    for (bool goes_on = true; goes_on;) {
        goes_on = queue_wait(&engine->queue, 1);
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
    queue_attend(&engine->queue, true);
    bool alone = !is_refusing(engine, &error) && !engine_goes_on(engine);
    while (alone && !submission_is_done(submission) && !is_refusing(engine, &error))
        engine_round(engine, false);
    queue_attend(&engine->queue, false);
    bool rest = !queue_is_empty(&engine->queue) || engine_goes_on(engine) || !alone;
    pthread_mutex_unlock(&engine->drive_mutex);
    if (rest)
        queue_wake(&engine->queue);
    return true;
}

/* ---- without threads ---- */

void engine_wind_up(trading_engine *engine)
{
    while (engine->appender.count)
        finish_oldest(engine, engine->deciding, false);
    struct batch *open = engine->deciding;
    if (!open)
        return;
    queue_return(&engine->queue, open->slices, open->slice_count);
    open->slice_count = 0;
    engine->deciding = NULL;
    domain_discard(&engine->domain);
}

/* Does what there is to do without waiting; false: nothing. */
static bool do_some(trading_engine *engine)
{
    bool waits = !queue_is_empty(&engine->queue) || engine_goes_on(engine);
    bool ended = engine->appender.count && appender_is_done(engine);
    if (ended && !waits && !engine->deciding) {
        finish_oldest(engine, NULL, false);
        return true;
    }
    bool decides = waits && (!engine->deciding || has_place(engine, engine->deciding));
    return (ended || decides) && engine_round(engine, false);
}

static bool take_turn(trading_engine *engine)
{
    trading_error error;
    bool worked = false;
    pthread_mutex_lock(&engine->drive_mutex);
    if (engine_check(engine, &error)) {
        worked = engine->appender.count || engine->deciding;
        engine_wind_up(engine);
        engine_fail_waiting(engine, &error);
    } else {
        worked = do_some(engine);
    }
    engine_keep(engine);
    pthread_mutex_unlock(&engine->drive_mutex);
    return worked;
}

static bool take_turns(trading_engine *engine)
{
    bool worked = false;
    for (uint32_t i = 0; i < engine_part_count(engine); i++)
        worked = take_turn(engine_part(engine, i)) || worked;
    return worked;
}

bool engine_turn(trading_engine *engine)
{
    if (take_turns(engine))
        return true;
    if (!appender_await_any(engine))
        return false;
    take_turns(engine); /* which finds nothing to do where another thread was quicker */
    return true;
}
