/* Projections: opening them where they stand, or anew when what is stored is not of this journal; events in, rows and position out. */
#include "engine/projection.h"

#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>

/* ---- where rows are kept ---- */

void projections_open(struct projections *projections)
{
    pthread_mutex_init(&projections->mutex, NULL);
}

void projections_close(struct projections *projections)
{
    if (projections->rows.ops)
        projections->rows.ops->close(projections->rows.store);
    pthread_mutex_destroy(&projections->mutex);
}

static void *allocate_rows(void *context, size_t bytes)
{
    return memory_allocate(context, bytes);
}

static void release_rows(void *context, void *block, size_t bytes)
{
    memory_release(context, block, bytes);
}

/* A store of the engine's own, in memory. Under the mutex. */
static int32_t open_rows_in_memory(trading_engine *engine, trading_error *error)
{
    struct state_store *rows = &engine->projections.rows;
    if (rows->ops)
        return TRADING_OK;
    trading_host_functions functions = {.size = sizeof functions,
                                        .abi = TRADING_PLUGIN_ABI,
                                        .context = &engine->memory,
                                        .allocate = allocate_rows,
                                        .release = release_rows};
    int32_t code = memory_state_store_ops.open("", false, &functions, &rows->store, error);
    if (!code)
        rows->ops = &memory_state_store_ops;
    return code;
}

/* Rows that were stored before are the beginning of a read-only engine's own. Want of them is no failure: they are made again. */
static int32_t copy_stored_rows(trading_projection *projection, trading_error *error)
{
    trading_engine *engine = projection->engine;
    struct rows stored;
    struct rows_mark mark;
    if (!engine->state_store.ops || rows_read_mark(&projection->rows, &mark, NULL) == TRADING_OK)
        return TRADING_OK;
    rows_init(&stored, &engine->state_store, projection->name);
    int32_t code = rows_copy(&projection->rows, &stored, &engine->memory, error);
    if (code && code != TRADING_E_NOT_FOUND && code != TRADING_E_NO_MEMORY)
        host_log(engine->host, TRADING_LOG_WARNING, "the stored rows of the projection \"%s\" are not used: %s",
                 projection->name, error ? error->message : trading_error_name(code));
    return code == TRADING_E_NO_MEMORY ? code : TRADING_OK;
}

static int32_t choose_rows(trading_projection *projection, trading_error *error)
{
    trading_engine *engine = projection->engine;
    bool stored = engine->state_store.ops && !engine->read_only;
    if (stored) {
        rows_init(&projection->rows, &engine->state_store, projection->name);
        return TRADING_OK;
    }
    pthread_mutex_lock(&engine->projections.mutex);
    int32_t code = open_rows_in_memory(engine, error);
    pthread_mutex_unlock(&engine->projections.mutex);
    if (code)
        return code;
    rows_init(&projection->rows, &engine->projections.rows, projection->name);
    return copy_stored_rows(projection, error);
}

/* ---- whether what is stored is of this journal ---- */

static int32_t check_journal(const trading_projection *projection, const struct rows_mark *mark, trading_error *error)
{
    trading_engine *engine = projection->engine;
    if (engine->read_only)
        engine_wait_beyond(engine, mark->position - 1, 0); /* looks for what the writer has appended */
    if (mark->position > engine_durable(engine))
        return error_set(error, TRADING_E_DAMAGED, "it stands at position %" PRId64 ", beyond the journal's end at %" PRId64,
                         mark->position, engine_durable(engine));
    if (mark->position == 0)
        return TRADING_OK;
    struct journal_copy copy = {0};
    int32_t code = journal_commit_at(&engine->journal, mark->position - 1, &copy, error);
    bool same = !code && !memcmp(copy.commit.digest, mark->digest, sizeof mark->digest);
    journal_copy_close(&copy);
    return code || same
               ? code
               : error_set(error, TRADING_E_DAMAGED, "it stands at position %" PRId64 " of another journal", mark->position);
}

static int32_t start_anew(trading_projection *projection, uint32_t version, trading_error *error)
{
    struct rows_mark fresh = {.version = version};
    int32_t code = rows_reset(&projection->rows, &fresh, error);
    if (!code)
        projection->mark = fresh;
    return code;
}

static int32_t find_mark(trading_projection *projection, uint32_t version, trading_error *error)
{
    trading_error reason;
    error_clear(&reason);
    int32_t code = rows_read_mark(&projection->rows, &projection->mark, &reason);
    if (!code && projection->mark.version != version)
        return start_anew(projection, version, error);
    if (!code)
        code = check_journal(projection, &projection->mark, &reason);
    if (!code)
        return TRADING_OK;
    if (code == TRADING_E_DAMAGED)
        host_log(projection->engine->host, TRADING_LOG_WARNING, "the projection \"%s\" is made again from the journal: %s",
                 projection->name, reason.message);
    if (code == TRADING_E_DAMAGED || code == TRADING_E_NOT_FOUND)
        return start_anew(projection, version, error);
    if (error)
        *error = reason;
    return code;
}

/* ---- opening and closing ---- */

static int32_t check_options(const trading_projection_options *options, trading_error *error)
{
    if (!options || options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID,
                         "the options of a projection are not initialised: use trading_projection_options_init");
    size_t length = options->name ? strnlen(options->name, PROJECTION_NAME_BYTES + 1) : 0;
    if (length == 0 || length > PROJECTION_NAME_BYTES || !text_is_printable(options->name, length))
        return error_set(error, TRADING_E_INVALID, "the name of a projection is 1 to %u bytes of printable UTF-8",
                         PROJECTION_NAME_BYTES);
    return TRADING_OK;
}

/* Puts it among those that are open, unless one of its name is. */
static int32_t enlist(trading_projection *projection, trading_error *error)
{
    struct projections *all = &projection->engine->projections;
    int32_t code = TRADING_OK;
    pthread_mutex_lock(&all->mutex);
    for (const trading_projection *other = all->first; other && !code; other = other->next)
        if (!strcmp(other->name, projection->name))
            code = error_set(error, TRADING_E_BUSY, "the projection \"%s\" is open already; close it first", projection->name);
    if (!code) {
        projection->next = all->first;
        all->first = projection;
    }
    pthread_mutex_unlock(&all->mutex);
    return code;
}

static void delist(trading_projection *projection)
{
    struct projections *all = &projection->engine->projections;
    pthread_mutex_lock(&all->mutex);
    trading_projection **link = &all->first;
    while (*link && *link != projection)
        link = &(*link)->next;
    if (*link)
        *link = projection->next;
    pthread_mutex_unlock(&all->mutex);
}

static int32_t start(trading_projection *projection, const trading_projection_options *options, trading_error *error)
{
    int32_t code = choose_rows(projection, error);
    if (!code)
        code = find_mark(projection, options->version, error);
    if (!code)
        code =
            trading_feed_open(&projection->feed, projection->engine, projection->mark.position, options->filter, NULL, error);
    return code;
}

static void release(trading_projection *projection)
{
    struct memory *memory = &projection->engine->memory;
    overlay_clear(&projection->overlay);
    memory_release(memory, projection, sizeof *projection);
}

int32_t trading_projection_open(trading_projection **projection, trading_engine *engine,
                                const trading_projection_options *options, trading_error *error)
{
    if (!projection)
        return error_set(error, TRADING_E_INVALID, "trading_projection_open needs a place for the projection");
    *projection = NULL;
    int32_t code = engine_check(engine, error);
    if (!code)
        code = check_options(options, error);
    if (!code)
        code = feed_partition(&engine, options->filter, error);
    if (code)
        return code;
    trading_projection *made = memory_zeroed(&engine->memory, 1, sizeof *made);
    if (!made)
        return error_no_memory(error, "a projection");
    made->engine = engine;
    made->apply = options->apply;
    made->context = options->context;
    made->overlay.memory = &engine->memory;
    memcpy(made->name, options->name, strlen(options->name));
    engine_enter(engine); /* while it has no feed yet */
    code = enlist(made, error);
    if (!code) {
        code = start(made, options, error);
        if (code)
            delist(made);
    }
    if (code)
        release(made);
    else
        *projection = made;
    engine_leave(engine);
    return code ? code : error_clear(error);
}

void trading_projection_close(trading_projection *projection)
{
    if (!projection)
        return;
    if (projection->parts) {
        projection_close_parts(projection);
        return;
    }
    trading_feed *feed = projection->feed;
    delist(projection);
    release(projection);
    trading_feed_close(feed);
}

/* ---- events in, rows and position out ---- */

static int32_t check(const trading_projection *projection, trading_error *error)
{
    if (!projection)
        return error_set(error, TRADING_E_INVALID, "no projection was given");
    return engine_check(projection->engine, error);
}

int32_t projection_check_one(const trading_projection *projection, trading_error *error)
{
    if (!projection)
        return error_set(error, TRADING_E_INVALID, "no projection was given");
    if (projection->parts)
        return error_set(error, TRADING_E_INVALID, "the projection is of several partitions, and each has rows of its own");
    return error_clear(error);
}

int32_t trading_projection_poll(trading_projection *projection, trading_event *events, size_t max, size_t *count,
                                int64_t timeout, trading_error *error)
{
    int32_t code = projection_check_one(projection, error);
    return code ? code : trading_feed_next(projection->feed, events, max, count, timeout, error);
}

static int32_t commit(trading_projection *projection, trading_error *error)
{
    struct rows_mark mark = projection->mark;
    const uint8_t *digest = feed_digest(projection->feed);
    mark.position = trading_feed_position(projection->feed);
    if (digest)
        memcpy(mark.digest, digest, sizeof mark.digest);
    int32_t code = rows_commit(&projection->rows, &projection->overlay, &mark, error);
    if (code)
        return code;
    projection->mark = mark;
    overlay_clear(&projection->overlay);
    return TRADING_OK;
}

int32_t trading_projection_commit(trading_projection *projection, trading_error *error)
{
    int32_t code = projection_check_one(projection, error);
    if (!code)
        code = check(projection, error);
    return code ? code : commit(projection, error);
}

static void undo(trading_projection *projection)
{
    overlay_clear(&projection->overlay);
    feed_seek(projection->feed, projection->mark.position);
}

static int32_t apply(trading_projection *projection, const trading_event *events, size_t count, trading_error *error)
{
    int32_t answer = projection->apply(projection->context, projection, events, count);
    if (!answer)
        return TRADING_OK;
    return error_native(error, TRADING_E_STOPPED, answer,
                        "the projection \"%s\" stopped; what it did with the events from position %" PRId64 " on is undone",
                        projection->name, projection->mark.position);
}

static int32_t run_portion(trading_projection *projection, trading_event *events, size_t *count, trading_error *error)
{
    int32_t code = trading_feed_next(projection->feed, events, PROJECTION_PORTION, count, 0, error);
    if (code == TRADING_E_TIMEOUT)
        code = error_clear(error); /* there were events, and the filter wants none of them */
    return !code && *count ? apply(projection, events, *count, error) : code;
}

/* A batch ends early where the feed has no more. */
static int32_t run_batch(trading_projection *projection, trading_event *events, uint64_t *applied, trading_error *error)
{
    size_t told = 0;
    size_t count;
    int32_t code;
    do {
        code = run_portion(projection, events, &count, error);
        told += count;
    } while (!code && count == PROJECTION_PORTION && told < PROJECTION_BATCH);
    if (!code)
        code = commit(projection, error);
    if (code)
        undo(projection);
    else
        *applied += told;
    return code;
}

/* Up to what is there now: what comes meanwhile is for the next time, or it might never end. */
static int32_t run_batches(trading_projection *projection, uint64_t *applied, trading_error *error)
{
    trading_engine *engine = projection->engine;
    size_t bytes = PROJECTION_PORTION * sizeof(trading_event);
    trading_event *events = memory_allocate(&engine->memory, bytes);
    if (!events)
        return error_no_memory(error, "a batch of events");
    if (engine->read_only)
        engine_wait_beyond(engine, INT64_MAX, 0);
    int64_t end = engine_durable(engine);
    int32_t code = TRADING_OK;
    while (!code && trading_feed_position(projection->feed) < end)
        code = run_batch(projection, events, applied, error);
    memory_release(&engine->memory, events, bytes);
    return code;
}

int32_t trading_projection_run(trading_projection *projection, uint64_t *applied, trading_error *error)
{
    uint64_t count = 0;
    int32_t code = check(projection, error);
    if (!code && projection->parts)
        code = projection_run_parts(projection, &count, error);
    else if (!code && !projection->apply)
        code = error_set(error, TRADING_E_INVALID, "to run the projection \"%s\" it must be opened with a function to apply",
                         projection->name);
    else if (!code)
        code = run_batches(projection, &count, error);
    if (applied)
        *applied = count;
    return code ? code : error_clear(error);
}

int32_t trading_projection_reset(trading_projection *projection, trading_error *error)
{
    int32_t code = check(projection, error);
    if (!code && projection->parts)
        return projection_reset_parts(projection, error);
    if (!code)
        code = start_anew(projection, projection->mark.version, error);
    if (!code)
        undo(projection);
    return code;
}

int64_t trading_projection_position(trading_projection *projection, int64_t *lag)
{
    if (!projection)
        return -1;
    if (projection->parts)
        return projection_position_of_parts(projection, lag);
    if (lag)
        *lag = engine_durable(projection->engine) - projection->mark.position;
    return projection->mark.position;
}
