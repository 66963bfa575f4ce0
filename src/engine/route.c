/* Commands of one call to the partitions that they belong to, and their results back in order. */
#include "base/error.h"
#include "base/monotonic.h"
#include "engine/address.h"
#include "engine/engine.h"

#include <string.h>

/* ---- where a command goes ---- */

/* An account without a key is opened in each partition in turn. What is not well formed goes to the first, which says so, as does what may go
 * anywhere. */
static uint32_t partition_of(trading_engine *engine, const trading_command *command)
{
    struct partitions *partitions = engine->partitions;
    uint32_t partition = command_address(command, partitions->count);
    if (partition == TRADING_ANY_PARTITION && command->type == TRADING_COMMAND_OPEN_ACCOUNT)
        return atomic_fetch_add_explicit(&partitions->next, 1, memory_order_relaxed) % partitions->count;
    return partition == TRADING_ANY_PARTITION || partition == ADDRESS_NONE ? 0 : partition;
}

/* ---- a call that is parted ---- */

/* The commands of one call, those of each partition together, in their order. */
struct gathering {
    struct gathering *next;
    trading_engine *engine;
    trading_command *commands;
    trading_result *parts;
    size_t *origins; /* of each part's command, its place in the call */
    size_t total;
    trading_result *results; /* the caller's */
    size_t count;
    uint64_t tag;
    struct submission submissions[ENGINE_PARTITIONS_MAX];
};

static size_t count_parts(trading_engine *engine, const trading_command *commands, size_t count, uint32_t *where, size_t *sizes)
{
    uint32_t parts = engine->partitions->count;
    size_t to_all = 0;
    memset(sizes, 0, parts * sizeof *sizes);
    for (size_t i = 0; i < count; i++) {
        where[i] = partition_of(engine, &commands[i]);
        if (where[i] == TRADING_EVERY_PARTITION)
            to_all++;
        else
            sizes[where[i]]++;
    }
    for (uint32_t p = 0; p < parts; p++)
        sizes[p] += to_all;
    return count + to_all * (parts - 1);
}

static void release(struct gathering *gathering)
{
    struct memory *memory = &gathering->engine->memory;
    memory_release(memory, gathering->commands, gathering->total * sizeof *gathering->commands);
    memory_release(memory, gathering->parts, gathering->total * sizeof *gathering->parts);
    memory_release(memory, gathering->origins, gathering->total * sizeof *gathering->origins);
    memory_release(memory, gathering, sizeof *gathering);
}

static bool allocate(struct gathering *gathering, size_t total)
{
    struct memory *memory = &gathering->engine->memory;
    gathering->total = total;
    gathering->commands = memory_zeroed(memory, total, sizeof *gathering->commands);
    gathering->parts = memory_zeroed(memory, total, sizeof *gathering->parts);
    gathering->origins = memory_zeroed(memory, total, sizeof *gathering->origins);
    return gathering->commands && gathering->parts && gathering->origins;
}

static void fill(struct gathering *gathering, const trading_command *commands, const uint32_t *where, const size_t *sizes)
{
    uint32_t parts = gathering->engine->partitions->count;
    size_t at[ENGINE_PARTITIONS_MAX];
    size_t start = 0;
    for (uint32_t p = 0; p < parts; p++) {
        gathering->submissions[p] = (struct submission){
            .commands = gathering->commands + start, .results = gathering->parts + start, .count = sizes[p], .waits = true};
        at[p] = start;
        start += sizes[p];
    }
    for (size_t i = 0; i < gathering->count; i++) {
        bool to_all = where[i] == TRADING_EVERY_PARTITION;
        uint32_t end = to_all ? parts : where[i] + 1;
        for (uint32_t p = to_all ? 0 : where[i]; p < end; p++) {
            gathering->commands[at[p]] = commands[i];
            gathering->origins[at[p]++] = i;
        }
    }
}

/* NULL: no memory. */
static struct gathering *gather(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results)
{
    size_t sizes[ENGINE_PARTITIONS_MAX];
    struct gathering *gathering = memory_zeroed(&engine->memory, 1, sizeof *gathering);
    uint32_t *where = memory_zeroed(&engine->memory, count, sizeof *where);
    if (gathering) {
        gathering->engine = engine;
        gathering->results = results;
        gathering->count = count;
    }
    bool whole = gathering && where && allocate(gathering, count_parts(engine, commands, count, where, sizes));
    if (whole)
        fill(gathering, commands, where, sizes);
    memory_release(&engine->memory, where, count * sizeof *where);
    if (gathering && !whole)
        release(gathering);
    return whole ? gathering : NULL;
}

/* Room for all parts or for none: whoever waits for a later one while the first is decided might wait for himself. Who waits does so in the
 * order of the partitions, so that no two wait for each other. */
static int32_t reserve(struct gathering *gathering, bool wait, trading_error *error)
{
    struct partitions *partitions = gathering->engine->partitions;
    const struct submission *submissions = gathering->submissions;
    for (uint32_t p = 0; p < partitions->count; p++) {
        int32_t code =
            submissions[p].count ? queue_reserve(&partitions->at[p]->queue, submissions[p].count, wait, error) : TRADING_OK;
        if (!code)
            continue;
        while (p-- > 0)
            queue_give_back(&partitions->at[p]->queue, submissions[p].count);
        return code;
    }
    return TRADING_OK;
}

/* Who drives a manual engine makes the room that is waited for. */
static int32_t await_room(struct gathering *gathering, trading_error *error)
{
    trading_engine *engine = gathering->engine;
    int32_t code = reserve(gathering, !engine->manual, error);
    while (code == TRADING_E_BUSY) {
        engine_turn(engine);
        code = reserve(gathering, false, error);
    }
    return code;
}

/* There is room for all parts, and each is prepared: push does nothing that takes long. */
static int32_t make_ready(struct gathering *gathering, bool wait, trading_error *error)
{
    struct partitions *partitions = gathering->engine->partitions;
    int32_t code = wait ? await_room(gathering, error) : reserve(gathering, false, error);
    for (uint32_t p = 0; p < partitions->count && !code; p++)
        engine_prepare_many(partitions->at[p], &gathering->submissions[p]);
    return code;
}

static void push(struct gathering *gathering)
{
    struct partitions *partitions = gathering->engine->partitions;
    for (uint32_t p = 0; p < partitions->count; p++) {
        struct submission *submission = &gathering->submissions[p];
        trading_engine *engine = partitions->at[p];
        if (!submission->count)
            continue;
        if (queue_push(&engine->queue, submission, &submission->error))
            atomic_store(&submission->done,
                         true); /* it is being closed: this part is not done, and the others tell of themselves */
        else if (!engine->manual)
            queue_tell(&engine->queue);
    }
}

static bool is_done(struct gathering *gathering)
{
    for (uint32_t p = 0; p < gathering->engine->partitions->count; p++)
        if (gathering->submissions[p].count && !submission_is_done(&gathering->submissions[p]))
            return false;
    return true;
}

/* What each partition answered, in the order of the call; of a command that went to all, what the first answered. */
static int32_t collect(struct gathering *gathering, trading_error *error)
{
    int32_t code = error_clear(error);
    for (size_t i = gathering->total; i-- > 0;)
        gathering->results[gathering->origins[i]] = gathering->parts[i];
    for (uint32_t p = 0; p < gathering->engine->partitions->count; p++) {
        const struct submission *submission = &gathering->submissions[p];
        if (!submission->count || !submission->error.code || code)
            continue;
        code = submission->error.code;
        if (error)
            *error = submission->error;
    }
    return code;
}

/* ---- the calls ---- */

/* A call that goes to one partition is answered there alone, so that its batches may wait for the caller to come back. */
static void note_caller(struct gathering *gathering)
{
    for (uint32_t p = 0; p < gathering->engine->partitions->count; p++)
        gathering->submissions[p].returns = !gathering->engine->manual && gathering->submissions[p].count == gathering->total;
}

static int32_t execute_piece(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                             bool wait, trading_error *error)
{
    trading_error failure = {0};
    struct gathering *gathering = gather(engine, commands, count, results);
    if (!gathering)
        return error_no_memory(error, "the parts of a call");
    note_caller(gathering);
    int32_t code = make_ready(gathering, wait, &failure);
    if (!code)
        push(gathering);
    while (!code && engine->manual && !is_done(gathering))
        engine_turn(engine);
    for (uint32_t p = 0; p < engine->partitions->count && !code; p++)
        if (gathering->submissions[p].count)
            queue_await(&engine->partitions->at[p]->queue, &gathering->submissions[p]);
    if (!code)
        code = collect(gathering, &failure);
    release(gathering);
    if (error)
        *error = failure;
    return code;
}

int32_t route_execute(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                      trading_error *error)
{
    int32_t code = TRADING_OK;
    size_t limit = engine->options.queue_commands;
    for (size_t done = 0; done < count && !code;) {
        size_t piece = count - done < limit ? count - done : limit;
        code = execute_piece(engine, commands + done, piece, results + done, done > 0, error);
        done += piece;
    }
    return code;
}

/* Those of one thread stay in their order, and so do completions. Who decides takes the mutex after each batch. */
static void push_in_order(struct gathering *gathering)
{
    struct partitions *partitions = gathering->engine->partitions;
    pthread_mutex_lock(&partitions->mutex);
    push(gathering);
    if (partitions->last)
        partitions->last->next = gathering;
    else
        partitions->first = gathering;
    partitions->last = gathering;
    pthread_mutex_unlock(&partitions->mutex);
}

int32_t route_submit(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                     uint64_t tag, trading_error *error)
{
    trading_error failure = {0};
    struct gathering *gathering = gather(engine, commands, count, results);
    if (!gathering)
        return error_no_memory(error, "the parts of a submission");
    gathering->tag = tag;
    int32_t code = make_ready(gathering, false, &failure);
    if (code)
        release(gathering);
    else
        push_in_order(gathering);
    if (error)
        *error = failure;
    return code;
}

/* The oldest that is not polled, once it is done; NULL after the timeout. */
static struct gathering *next_done(trading_engine *engine, int64_t timeout)
{
    struct partitions *partitions = engine->partitions;
    struct timespec deadline = monotonic_after(timeout < 0 ? 0 : timeout);
    int expired = 0;
    pthread_mutex_lock(&partitions->mutex);
    while ((!partitions->first || !is_done(partitions->first)) && timeout != 0 && !expired && !atomic_load(&engine->closing)) {
        if (timeout < 0)
            pthread_cond_wait(&partitions->progress, &partitions->mutex);
        else
            expired = pthread_cond_timedwait(&partitions->progress, &partitions->mutex, &deadline);
    }
    struct gathering *gathering = partitions->first && is_done(partitions->first) ? partitions->first : NULL;
    if (gathering) {
        partitions->first = gathering->next;
        if (!partitions->first)
            partitions->last = NULL;
    }
    pthread_mutex_unlock(&partitions->mutex);
    return gathering;
}

int32_t route_poll(trading_engine *engine, trading_completion *completions, size_t max, size_t *taken, int64_t timeout,
                   trading_error *error)
{
    struct gathering *gathering = next_done(engine, engine->manual ? 0 : timeout);
    while (gathering) {
        trading_completion *completion = &completions[(*taken)++];
        *completion = (trading_completion){.tag = gathering->tag, .count = gathering->count, .results = gathering->results};
        collect(gathering, &completion->error);
        release(gathering);
        gathering = *taken < max ? next_done(engine, 0) : NULL;
    }
    return *taken ? error_clear(error) : error_set(error, TRADING_E_TIMEOUT, "no submission has finished");
}

void route_close(trading_engine *engine)
{
    struct partitions *partitions = engine->partitions;
    while (partitions->first) {
        struct gathering *gathering = partitions->first;
        partitions->first = gathering->next;
        release(gathering);
    }
}
