/* Opening and closing, and the calls that hand commands over and take results back. */
#include "engine/engine.h"

#include "base/error.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* How often a read-only engine looks whether the writer has appended. */
#define LOOK_INTERVAL INT64_C(20000000)

/* ---- what every call asks ---- */

int32_t engine_check(trading_engine *engine, trading_error *error)
{
    if (!engine)
        return error_set(error, TRADING_E_INVALID, "no engine was given");
    int32_t code = host_check(engine->host, error);
    if (code)
        return code;
    int32_t state = atomic_load(&engine->state);
    if (state)
        return error_set(error, state, "the engine stopped itself (%s); its log says why; close it and open the store again",
                         trading_error_name(state));
    return error_clear(error);
}

void engine_poison(trading_engine *engine, int32_t code, const char *why)
{
    host_log(engine->host, TRADING_LOG_ERROR, "the engine stops: %s", why);
    atomic_store(&engine->state, code);
    engine_progress(engine);
}

void engine_enter(trading_engine *engine)
{
    atomic_fetch_add(&engine->users, 1);
}

void engine_leave(trading_engine *engine)
{
    atomic_fetch_sub(&engine->users, 1);
}

/* ---- progress ---- */

void engine_progress(trading_engine *engine)
{
    pthread_mutex_lock(&engine->progress_mutex);
    pthread_cond_broadcast(&engine->progress);
    pthread_mutex_unlock(&engine->progress_mutex);
    uint64_t one = 1;
    ssize_t written = engine->descriptor < 0 ? 0 : write(engine->descriptor, &one, sizeof one);
    (void)written; /* a full counter is readable all the same */
}

static struct timespec deadline_after(int64_t timeout)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    int64_t nanoseconds = deadline.tv_nsec + timeout % TRADING_NANOSECONDS_PER_SECOND;
    deadline.tv_sec += timeout / TRADING_NANOSECONDS_PER_SECOND + nanoseconds / TRADING_NANOSECONDS_PER_SECOND;
    deadline.tv_nsec = nanoseconds % TRADING_NANOSECONDS_PER_SECOND;
    return deadline;
}

static bool has_passed(const struct timespec *deadline)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

static void look_for_growth(trading_engine *engine)
{
    pthread_mutex_lock(&engine->step_mutex);
    engine_catch_up(engine, NULL);
    pthread_mutex_unlock(&engine->step_mutex);
}

static bool is_over(trading_engine *engine, uint32_t closings)
{
    return atomic_load(&engine->closing) || engine_closings(engine) != closings || atomic_load(&engine->state);
}

bool engine_wait_unless_closing(trading_engine *engine, int64_t position, int64_t timeout, uint32_t closings)
{
    if (engine->read_only)
        look_for_growth(engine);
    struct timespec deadline = deadline_after(timeout < 0 ? 0 : timeout);
    pthread_mutex_lock(&engine->progress_mutex);
    while (engine_durable(engine) <= position && !is_over(engine, closings) && (timeout < 0 || !has_passed(&deadline))) {
        struct timespec until = deadline;
        if (engine->read_only)
            until = deadline_after(timeout >= 0 && timeout < LOOK_INTERVAL ? timeout : LOOK_INTERVAL);
        if (timeout < 0 && !engine->read_only)
            pthread_cond_wait(&engine->progress, &engine->progress_mutex);
        else
            pthread_cond_timedwait(&engine->progress, &engine->progress_mutex, &until);
        if (engine->read_only) {
            pthread_mutex_unlock(&engine->progress_mutex);
            look_for_growth(engine);
            pthread_mutex_lock(&engine->progress_mutex);
        }
    }
    pthread_mutex_unlock(&engine->progress_mutex);
    return engine_durable(engine) > position;
}

bool engine_wait_beyond(trading_engine *engine, int64_t position, int64_t timeout)
{
    return engine_wait_unless_closing(engine, position, timeout, engine_closings(engine));
}

/* ---- options ---- */

static trading_time system_clock(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
}

static void system_entropy(void *context, void *buffer, size_t bytes)
{
    (void)context;
    randombytes_buf(buffer, bytes);
}

static int32_t check_options(const trading_engine_options *options, trading_error *error)
{
    if (options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID, "the engine's options are not initialised: use trading_engine_options_init");
    if (options->flags & ~(TRADING_ENGINE_READ_ONLY | TRADING_ENGINE_MANUAL))
        return error_set(error, TRADING_E_INVALID, "the engine's options have a flag that does not exist: %#x", options->flags);
    if (options->durability != TRADING_DURABILITY_SYNC && options->durability != TRADING_DURABILITY_PROCESS)
        return error_set(error, TRADING_E_INVALID, "durability is TRADING_DURABILITY_SYNC or _PROCESS, not %d",
                         options->durability);
    if (options->compression < 0 || options->compression > 19)
        return error_set(error, TRADING_E_INVALID, "compression is 0 to 19, not %d", options->compression);
    if (options->market_collar < 0 || options->market_collar > TRADING_DECIMAL_ONE)
        return error_set(error, TRADING_E_INVALID, "market_collar is 0 to 1");
    if (options->queue_commands < 1 || options->batch_commands < 1)
        return error_set(error, TRADING_E_INVALID, "queue_commands and batch_commands are at least 1");
    if (options->commit_bytes < 65536 || options->commit_bytes > COMMIT_BODY_MAX)
        return error_set(error, TRADING_E_INVALID, "commit_bytes is 65,536 to %u", COMMIT_BODY_MAX);
    if (options->key_age < 0)
        return error_set(error, TRADING_E_INVALID, "key_age is not negative");
    return TRADING_OK;
}

static void set_options(trading_engine *engine, const trading_engine_options *options)
{
    engine->options = *options;
    if (!options->clock)
        engine->options.clock = system_clock;
    if (!options->entropy)
        engine->options.entropy = system_entropy;
    engine->read_only = options->flags & TRADING_ENGINE_READ_ONLY;
    engine->manual = options->flags & TRADING_ENGINE_MANUAL;
}

/* ---- opening ---- */

static void *allocate_from_host(void *context, size_t bytes)
{
    trading_host *host = context;
    return memory_allocate(&host->memory, bytes);
}

static void release_to_host(void *context, void *memory, size_t bytes)
{
    trading_host *host = context;
    memory_release(&host->memory, memory, bytes);
}

static void set_up(trading_engine *engine, trading_host *host, const trading_engine_options *options)
{
    memset(engine, 0, sizeof *engine);
    engine->host = host;
    memory_init(&engine->memory);
    engine->memory.allocate = allocate_from_host;
    engine->memory.release = release_to_host;
    engine->memory.context = host;
    engine->past.scratch.memory = &engine->memory;
    set_options(engine, options);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->progress, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_cond_init(&engine->append_signal, NULL);
    pthread_cond_init(&engine->keeper_signal, NULL);
    pthread_mutex_t *mutexes[] = {&engine->progress_mutex,   &engine->append_mutex, &engine->keeper_mutex,
                                  &engine->checkpoint_mutex, &engine->keys_mutex,   &engine->step_mutex};
    for (size_t i = 0; i < sizeof mutexes / sizeof *mutexes; i++)
        pthread_mutex_init(mutexes[i], NULL);
    queue_open(&engine->queue, &engine->memory, options->queue_commands);
    engine->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int32_t open_stores(trading_engine *engine, const char *uri, trading_error *error)
{
    struct host_scheme scheme;
    const char *location;
    int32_t code = host_find_scheme(engine->host, uri, &scheme, &location, error);
    if (code)
        return code;
    trading_store_request request = {.size = sizeof request,
                                     .flags = engine->read_only ? TRADING_STORE_READ_ONLY : 0,
                                     .location = location,
                                     .durability = engine->options.durability,
                                     .map_bytes = engine->options.map_bytes};
    code = scheme.ops->open(&request, &engine->host->functions, &engine->store, error);
    if (code)
        return code;
    engine->ops = scheme.ops;
    engine->journal =
        (struct journal){.ops = engine->ops, .store = engine->store, .partition = ENGINE_PARTITION, .memory = &engine->memory};
    if (!scheme.state)
        return TRADING_OK;
    code = scheme.state->open(location, engine->read_only, &engine->host->functions, &engine->state_store.store, error);
    if (code == TRADING_E_NOT_FOUND && engine->read_only)
        return error_clear(error); /* a writer that never came to a checkpoint */
    if (!code)
        engine->state_store.ops = scheme.state;
    return code;
}

static int32_t open_batches(trading_engine *engine, trading_error *error)
{
    for (size_t i = 0; i < ENGINE_BATCHES; i++) {
        int32_t code = commit_builder_open(&engine->batches[i].builder, &engine->memory, engine->options.commit_bytes,
                                           engine->options.compression, error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

static bool start_thread(pthread_t *thread, bool *runs, void *(*function)(void *), trading_engine *engine)
{
    *runs = pthread_create(thread, NULL, function, engine) == 0;
    return *runs;
}

static int32_t start_threads(trading_engine *engine, trading_error *error)
{
    if (engine->read_only || engine->manual)
        return TRADING_OK;
    bool started = start_thread(&engine->appender, &engine->appender_runs, engine_appender, engine) &&
                   start_thread(&engine->keeper, &engine->keeper_runs, engine_keeper, engine) &&
                   start_thread(&engine->decider, &engine->decider_runs, engine_decider, engine);
    return started ? TRADING_OK : error_native(error, TRADING_E_NO_MEMORY, errno, "the system gives no thread to the engine");
}

static void stop_threads(trading_engine *engine)
{
    queue_stop(&engine->queue);
    if (engine->decider_runs)
        pthread_join(engine->decider, NULL);
    pthread_mutex_lock(&engine->append_mutex);
    engine->append_stop = true;
    pthread_cond_broadcast(&engine->append_signal);
    pthread_mutex_unlock(&engine->append_mutex);
    if (engine->appender_runs)
        pthread_join(engine->appender, NULL);
    pthread_mutex_lock(&engine->keeper_mutex);
    engine->keeper_stop = true;
    pthread_cond_broadcast(&engine->keeper_signal);
    pthread_mutex_unlock(&engine->keeper_mutex);
    if (engine->keeper_runs)
        pthread_join(engine->keeper, NULL);
    engine->decider_runs = engine->appender_runs = engine->keeper_runs = false;
}

static void tear_down(trading_engine *engine)
{
    stop_threads(engine);
    for (size_t i = 0; i < ENGINE_BATCHES; i++) {
        struct batch *batch = &engine->batches[i];
        if (batch->builder.memory)
            commit_builder_close(&batch->builder);
        memory_release(&engine->memory, batch->slices, batch->slice_capacity * sizeof *batch->slices);
        sodium_memzero(batch->secrets, batch->secret_capacity * sizeof *batch->secrets);
        memory_release(&engine->memory, batch->secrets, batch->secret_capacity * sizeof *batch->secrets);
    }
    journal_copy_close(&engine->past);
    domain_close(&engine->domain);
    if (engine->keys)
        keys_close(engine->keys);
    if (engine->state_store.ops)
        engine->state_store.ops->close(engine->state_store.store);
    if (engine->ops)
        engine->ops->close(engine->store);
    queue_close(&engine->queue);
    if (engine->descriptor >= 0)
        close(engine->descriptor);
    pthread_cond_destroy(&engine->progress);
    pthread_cond_destroy(&engine->append_signal);
    pthread_cond_destroy(&engine->keeper_signal);
    pthread_mutex_t *mutexes[] = {&engine->progress_mutex,   &engine->append_mutex, &engine->keeper_mutex,
                                  &engine->checkpoint_mutex, &engine->keys_mutex,   &engine->step_mutex};
    for (size_t i = 0; i < sizeof mutexes / sizeof *mutexes; i++)
        pthread_mutex_destroy(mutexes[i]);
    trading_host *host = engine->host;
    sodium_memzero(engine, sizeof *engine);
    memory_release(&host->memory, engine, sizeof *engine);
}

static int32_t start(trading_engine *engine, const char *uri, trading_error *error)
{
    int32_t code = open_stores(engine, uri, error);
    if (!code)
        code = engine_digest_key(engine, error);
    if (!code)
        code = open_batches(engine, error);
    if (!code)
        code = engine_recover(engine, error);
    return code ? code : start_threads(engine, error);
}

int32_t trading_engine_open(trading_engine **engine, trading_host *host, const char *uri, const trading_engine_options *options,
                            trading_error *error)
{
    trading_engine_options defaults = TRADING_ENGINE_OPTIONS_INIT;
    if (!engine || !host || !uri)
        return error_set(error, TRADING_E_INVALID, "trading_engine_open needs a place for the engine, a host and a URI");
    *engine = NULL;
    if (!options)
        options = &defaults;
    int32_t code = host_check(host, error);
    if (!code)
        code = check_options(options, error);
    if (code)
        return code;
    trading_engine *made = memory_allocate(&host->memory, sizeof *made);
    if (!made)
        return error_no_memory(error, "an engine");
    trading_error failure;
    error_clear(&failure);
    set_up(made, host, options);
    code = start(made, uri, &failure);
    if (code) {
        tear_down(made);
        if (error)
            *error = failure;
        return code;
    }
    host_engine_opened(host);
    *engine = made;
    return error_clear(error);
}

/* ---- closing ---- */

static void drain(trading_engine *engine)
{
    pthread_mutex_lock(&engine->step_mutex);
    while (engine->manual && !engine->read_only && atomic_load(&engine->state) == TRADING_OK &&
           (!queue_is_empty(&engine->queue) || process_has_work(&engine->domain)) && engine_round(engine))
        continue;
    pthread_mutex_unlock(&engine->step_mutex);
}

int32_t trading_engine_close(trading_engine *engine, int32_t how, trading_error *error)
{
    if (!engine)
        return error_clear(error);
    trading_host *host = engine->host;
    int32_t code = host_check(host, error);
    if (code)
        return code;
    if (how != TRADING_CLOSE_DRAIN && how != TRADING_CLOSE_ABANDON)
        return error_set(error, TRADING_E_INVALID, "an engine is closed with TRADING_CLOSE_DRAIN or _ABANDON, not %d", how);
    uint32_t users = atomic_load(&engine->users);
    atomic_store(&engine->closing, true);
    atomic_fetch_add(&engine->closings, 1);
    engine_progress(engine);
    if (users) {
        atomic_store(&engine->closing, false);
        return error_set(error, TRADING_E_BUSY, "%u views, feeds or projections of the engine are open; close them first",
                         users);
    }
    if (how == TRADING_CLOSE_ABANDON)
        atomic_store(&engine->abandoned, true);
    else
        drain(engine);
    stop_threads(engine);
    trading_error closed;
    error_set(&closed, TRADING_E_CLOSED, "the engine was closed before the command was decided");
    queue_abandon(&engine->queue, &closed);
    error_clear(error);
    if (how == TRADING_CLOSE_DRAIN && atomic_load(&engine->state) == TRADING_OK)
        code = engine_write_checkpoint(engine, error);
    host_engine_closed(host);
    tear_down(engine);
    return code;
}

/* ---- commands ---- */

static int32_t check_writable(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                              trading_error *error)
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

static void drive(trading_engine *engine, struct submission *submission)
{
    pthread_mutex_lock(&engine->step_mutex);
    while (!submission->finished) {
        trading_error error;
        if (engine_check(engine, &error))
            queue_abandon(&engine->queue, &error);
        else
            engine_round(engine);
        engine_keep(engine);
    }
    pthread_mutex_unlock(&engine->step_mutex);
}

static int32_t execute_piece(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                             bool wait, trading_error *error)
{
    struct submission submission = {
        .commands = commands, .results = results, .count = count, .waits = true, .done = PTHREAD_COND_INITIALIZER};
    int32_t code = queue_push(&engine->queue, &submission, wait, error);
    if (code)
        return code;
    if (engine->manual)
        drive(engine, &submission);
    else
        queue_await(&engine->queue, &submission);
    pthread_cond_destroy(&submission.done);
    if (error)
        *error = submission.error;
    return submission.error.code;
}

int32_t trading_engine_execute(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                               trading_error *error)
{
    int32_t code = check_writable(engine, commands, count, results, error);
    if (code || count == 0)
        return code;
    memset(results, 0, count * sizeof *results);
    size_t limit = engine->options.queue_commands;
    for (size_t done = 0; done < count && !code;) {
        size_t piece = count - done < limit ? count - done : limit;
        code = execute_piece(engine, commands + done, piece, results + done, done > 0, error);
        done += piece;
    }
    return code;
}

int32_t trading_engine_submit(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                              uint64_t tag, trading_error *error)
{
    int32_t code = check_writable(engine, commands, count, results, error);
    if (code)
        return code;
    if (count == 0)
        return error_set(error, TRADING_E_INVALID, "a submission has at least one command");
    struct submission *submission = memory_zeroed(&engine->memory, 1, sizeof *submission);
    if (!submission)
        return error_no_memory(error, "a submission");
    memset(results, 0, count * sizeof *results);
    submission->commands = commands;
    submission->results = results;
    submission->count = count;
    submission->tag = tag;
    code = queue_push(&engine->queue, submission, false, error);
    if (code)
        memory_release(&engine->memory, submission, sizeof *submission);
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
    struct submission *submission = queue_poll(&engine->queue, engine->manual ? 0 : timeout);
    while (submission) {
        completions[(*taken)++] = (trading_completion){
            .tag = submission->tag, .count = submission->count, .results = submission->results, .error = submission->error};
        memory_release(&engine->memory, submission, sizeof *submission);
        submission = *taken < max ? queue_poll(&engine->queue, 0) : NULL;
    }
    return *taken ? error_clear(error) : error_set(error, TRADING_E_TIMEOUT, "no submission has finished");
}

int32_t trading_engine_step(trading_engine *engine, uint32_t batches, uint32_t *done, trading_error *error)
{
    uint32_t count = 0;
    int32_t code = engine_check(engine, error);
    if (!code && (!engine->manual || engine->read_only))
        code = error_set(error, TRADING_E_INVALID, "only an engine opened with TRADING_ENGINE_MANUAL is stepped by its host");
    if (!code) {
        pthread_mutex_lock(&engine->step_mutex);
        while (count < batches && (!queue_is_empty(&engine->queue) || process_has_work(&engine->domain)) &&
               engine_round(engine))
            count++;
        engine_keep(engine);
        pthread_mutex_unlock(&engine->step_mutex);
    }
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
}

int32_t trading_engine_checkpoint(trading_engine *engine, trading_error *error)
{
    int32_t code = engine_check(engine, error);
    if (code)
        return code;
    if (engine->read_only)
        return error_set(error, TRADING_E_READ_ONLY, "the engine was opened read only, so it writes no checkpoint");
    return engine_write_checkpoint(engine, error);
}

int32_t trading_engine_get_info(trading_engine *engine, trading_engine_info *info, trading_error *error)
{
    if (!engine || !info || info->size != sizeof *info)
        return error_set(error, TRADING_E_INVALID, "trading_engine_get_info needs an engine and an initialised info");
    int32_t code = host_check(engine->host, error);
    if (code)
        return code;
    trading_store_info store = {.size = sizeof store};
    code = engine->ops->info(engine->store, &store, error);
    if (code)
        return code;
    struct mark_record mark = {0};
    table_read(engine->domain.mark, 1, NULL, &mark);
    pthread_mutex_lock(&engine->keys_mutex);
    uint64_t keys = keys_count(engine->keys);
    pthread_mutex_unlock(&engine->keys_mutex);
    *info = (trading_engine_info){.size = sizeof *info,
                                  .state = atomic_load(&engine->state),
                                  .next_position = mark.next_position,
                                  .checkpoint_position = atomic_load(&engine->checkpoint_position),
                                  .last_time = mark.time,
                                  .commits = atomic_load(&engine->commits),
                                  .commands = atomic_load(&engine->commands),
                                  .events = atomic_load(&engine->events),
                                  .journal_bytes = atomic_load(&engine->journal_bytes),
                                  .syncs = store.syncs,
                                  .replayed_events = engine->replayed_events,
                                  .accounts = table_installed(engine->domain.accounts.records, NULL),
                                  .portfolios = table_installed(engine->domain.portfolios.records, NULL),
                                  .orders = table_installed(engine->domain.orders.records, NULL),
                                  .instruments = table_installed(engine->domain.market.instruments, NULL),
                                  .keys = keys,
                                  .memory_bytes = atomic_load(&engine->memory.bytes),
                                  .store_bytes_used = store.bytes_used,
                                  .store_bytes_reserved = store.bytes_reserved};
    return error_clear(error);
}
