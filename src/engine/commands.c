/* The calls that hand commands over and take results back. */
#include "base/error.h"
#include "engine/engine.h"

#include <string.h>
#include <unistd.h>

/* Says that nothing was decided. Who decides a command, or fails it, fills all of its result, so it is only done where a call is refused. */
static void clear(trading_result *results, size_t count)
{
    if (results && count)
        memset(results, 0, count * sizeof *results);
}

static int32_t check_writable(trading_engine *engine, const trading_command *commands, size_t count,
                              const trading_result *results, trading_error *error)
{
    int32_t code = engine_check(engine, error);
    if (code)
        return code;
    if (count && (!commands || !results))
        return error_set(error, TRADING_E_INVALID, "commands and results are arrays of %zu, not NULL", count);
    if (engine->read_only)
        return error_set(error, TRADING_E_READ_ONLY, "the engine was opened read only, so it takes no commands");
    return TRADING_OK;
}

/* Prepared before it is queued, and not before there is room. */
static int32_t push(trading_engine *engine, struct submission *submission, bool wait, trading_error *error)
{
    int32_t code = queue_reserve(&engine->queue, submission->count, wait, error);
    if (code)
        return code;
    engine_prepare_many(engine, submission);
    return queue_push(&engine->queue, submission, error);
}

static int32_t execute_piece(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                             bool wait, trading_error *error)
{
    struct submission submission = {
        .commands = commands, .results = results, .count = count, .waits = true, .returns = !engine->manual};
    int32_t code = push(engine, &submission, wait, error);
    if (code) {
        clear(results, count);
        return code;
    }
    while (engine->manual && !submission_is_done(&submission))
        engine_turn(engine);
    if (!engine->manual && !engine_drive_alone(engine, &submission))
        queue_tell(&engine->queue);
    queue_await(&engine->queue, &submission);
    if (error)
        *error = submission.error;
    return submission.error.code;
}

/* As many at a time as the queue has room for. */
static int32_t execute_pieces(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                              trading_error *error)
{
    size_t limit = engine->options.queue_commands;
    int32_t code = TRADING_OK;
    size_t done = 0;
    while (done < count && !code) {
        size_t piece = count - done < limit ? count - done : limit;
        code = execute_piece(engine, commands + done, piece, results + done, done > 0, error);
        done += piece;
    }
    clear(results + done, count - done);
    return code;
}

int32_t trading_engine_execute(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                               trading_error *error)
{
    int32_t code = check_writable(engine, commands, count, results, error);
    if (code)
        clear(results, count);
    if (code || count == 0)
        return code;
    queue_enter(&engine->queue);
    if (engine_is_parted(engine)) {
        clear(results, count);
        code = route_execute(engine, commands, count, results, error);
    } else {
        code = execute_pieces(engine, commands, count, results, error);
    }
    queue_leave(&engine->queue);
    return code;
}

static int32_t submit_whole(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                            uint64_t tag, trading_error *error)
{
    struct submission *submission = memory_allocate(&engine->memory, sizeof *submission);
    if (!submission)
        return error_no_memory(error, "a submission");
    *submission = (struct submission){.commands = commands, .results = results, .count = count, .tag = tag};
    int32_t code = push(engine, submission, false, error);
    if (code)
        memory_release(&engine->memory, submission, sizeof *submission);
    else if (!engine->manual)
        queue_tell(&engine->queue);
    return code;
}

/* Who polls it before this returns, and then closes, waits until it is left. */
static int32_t submit(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                      uint64_t tag, trading_error *error)
{
    int32_t code;
    queue_enter(&engine->queue);
    if (engine_is_parted(engine)) {
        clear(results, count);
        code = route_submit(engine, commands, count, results, tag, error);
    } else {
        code = submit_whole(engine, commands, count, results, tag, error);
    }
    queue_leave(&engine->queue);
    return code;
}

int32_t trading_engine_submit(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                              uint64_t tag, trading_error *error)
{
    int32_t code = check_writable(engine, commands, count, results, error);
    if (!code && count == 0)
        return error_set(error, TRADING_E_INVALID, "a submission has at least one command");
    if (!code)
        code = submit(engine, commands, count, results, tag, error);
    if (code)
        clear(results, count);
    return code;
}

int32_t trading_engine_poll(trading_engine *engine, trading_completion *completions, size_t max, size_t *taken, int64_t timeout,
                            trading_error *error)
{
    if (!engine || !completions || !taken || max == 0)
        return error_set(error, TRADING_E_INVALID, "trading_engine_poll needs an engine and an array for completions");
    *taken = 0;
    int32_t code = host_check(engine->host, error);
    if (code)
        return code;
    queue_enter(&engine->queue);
    if (engine_is_parted(engine)) {
        code = route_poll(engine, completions, max, taken, timeout, error);
        queue_leave(&engine->queue);
        return code;
    }
    struct submission *submission = queue_poll(&engine->queue, engine->manual ? 0 : timeout);
    while (submission) {
        completions[(*taken)++] = (trading_completion){
            .tag = submission->tag, .count = submission->count, .results = submission->results, .error = submission->error};
        memory_release(&engine->memory, submission, sizeof *submission);
        submission = *taken < max ? queue_poll(&engine->queue, 0) : NULL;
    }
    queue_leave(&engine->queue);
    return *taken ? error_clear(error) : error_set(error, TRADING_E_TIMEOUT, "no submission has finished");
}

/* Work whose append failed is tried again. */
static void go_on(trading_engine *engine)
{
    pthread_mutex_lock(&engine->drive_mutex);
    engine->stalled = false;
    pthread_mutex_unlock(&engine->drive_mutex);
}

int32_t trading_engine_step(trading_engine *engine, uint32_t batches, uint32_t *done, trading_error *error)
{
    uint32_t count = 0;
    int32_t code = engine_check(engine, error);
    if (!code && (!engine->manual || engine->read_only))
        code = error_set(error, TRADING_E_INVALID, "only an engine opened with TRADING_ENGINE_MANUAL is stepped by its host");
    for (uint32_t i = 0; !code && i < engine_part_count(engine); i++)
        go_on(engine_part(engine, i));
    while (!code && count < batches && engine_turn(engine))
        count++;
    if (!code && atomic_load(&engine->state)) /* it stopped itself: no step follows that would answer what is in flight */
        count += engine_turn(engine);
    if (done)
        *done = count;
    return code;
}

int32_t trading_engine_fd(trading_engine *engine)
{
    return engine ? engine->descriptor : -1;
}

void trading_engine_fd_clear(trading_engine *engine)
{
    uint64_t counter;
    ssize_t got = engine && engine->descriptor >= 0 ? read(engine->descriptor, &counter, sizeof counter) : 0;
    (void)got; /* nothing to read is as clear */
    if (engine)
        atomic_store(&engine->signaled, false); /* after the read: what is told between the two is looked for by the caller */
}

int32_t trading_engine_checkpoint(trading_engine *engine, trading_error *error)
{
    int32_t code = engine_check(engine, error);
    if (code)
        return code;
    if (engine->read_only)
        return error_set(error, TRADING_E_READ_ONLY, "the engine was opened read only, so it writes no checkpoint");
    for (uint32_t i = 0; !code && i < engine_part_count(engine); i++)
        code = engine_write_checkpoint(engine_part(engine, i), error);
    return code;
}
