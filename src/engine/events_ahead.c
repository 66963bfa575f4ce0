#include "engine/events_ahead.h"

#include "base/error.h"
#include "base/thread.h"

/* Batches that are held at once. Who waits for the other does so until half of them are there, so that threads are seldom switched. */
#define BATCHES 8u

struct events_ahead {
    struct event_batch batches[BATCHES];
    const struct journal *journal;
    int64_t from;
    int64_t to;
    pthread_t thread;

    /* of the thread */
    event_entry entry;
    void *arg;
    struct event_reader reader;
    struct cause cause;          /* of the entry that is read */
    struct event_batch *filling; /* NULL: none is at hand */
    int64_t opened;              /* where the first event of the entry that is open stands */

    _Atomic bool grows; /* what follows is the thread's to make memory of; else the caller's to fill */
    struct tables_growth growth;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t moved;
    uint64_t filled; /* how many batches; number n is batches[n mod BATCHES] */
    uint64_t released;
    bool unwanted; /* the caller has enough */
    bool ended;    /* there are no more, for this reason: */
    int32_t outcome;
    trading_error error;
};

/* ---- the thread ---- */

/* False when no more is wanted. */
static bool await_room(struct events_ahead *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->filled - ahead->released == BATCHES)
        while (!ahead->unwanted && ahead->filled - ahead->released > BATCHES / 2)
            pthread_cond_wait(&ahead->moved, &ahead->mutex);
    bool wanted = !ahead->unwanted;
    pthread_mutex_unlock(&ahead->mutex);
    return wanted;
}

static void grow(struct events_ahead *ahead)
{
    if (!atomic_load_explicit(&ahead->grows, memory_order_acquire))
        return;
    tables_grow_ahead(&ahead->growth);
    atomic_store_explicit(&ahead->grows, false, memory_order_release);
}

static int32_t begin_batch(struct events_ahead *ahead)
{
    if (!await_room(ahead))
        return JOURNAL_STOP;
    grow(ahead);
    struct event_batch *batch = &ahead->batches[ahead->filled % BATCHES];
    batch->events = batch->entries = batch->stretches = 0;
    batch->text_bytes = 0;
    ahead->filling = batch;
    return TRADING_OK;
}

static void hand_over(struct events_ahead *ahead)
{
    if (!ahead->filling)
        return;
    ahead->filling = NULL;
    pthread_mutex_lock(&ahead->mutex);
    ahead->filled++;
    if (ahead->filled - ahead->released == BATCHES / 2)
        pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

static bool is_full(const struct event_batch *batch)
{
    return batch->events == BATCH_EVENTS || batch->stretches == BATCH_COMMITS;
}

/* Begins a stretch of the commit that is read. */
static int32_t begin_stretch(struct events_ahead *ahead, bool begins)
{
    int32_t code = TRADING_OK;
    if (ahead->filling && is_full(ahead->filling))
        hand_over(ahead);
    if (!ahead->filling)
        code = begin_batch(ahead);
    if (code)
        return code;
    struct event_stretch *stretch = &ahead->filling->stretch[ahead->filling->stretches++];
    stretch->events = 0;
    stretch->begins = begins;
    stretch->ends = false;
    if (!begins)
        return TRADING_OK;
    stretch->commit = *ahead->reader.commit;
    stretch->commit.body = NULL;
    return TRADING_OK;
}

static struct event_stretch *open_stretch(struct event_batch *batch)
{
    return &batch->stretch[batch->stretches - 1];
}

/* Goes on in another batch. */
static int32_t change_batch(struct events_ahead *ahead)
{
    hand_over(ahead);
    return begin_stretch(ahead, false);
}

/* What the event points to lies in the commit, which goes before the event does. */
static int32_t keep_text(struct events_ahead *ahead, struct event_step **step, trading_error *error)
{
    struct event_batch *batch = ahead->filling;
    size_t bytes = event_text_bytes(&(*step)->event);
    if (batch->text_capacity - batch->text_bytes < bytes && batch->text_bytes) {
        struct event_step moved = **step;
        int32_t code = change_batch(ahead);
        if (code)
            return code;
        batch = ahead->filling;
        *step = &batch->steps[0];
        **step = moved;
    }
    if (memory_grow(ahead->journal->memory, (void **)&batch->text, &batch->text_capacity, batch->text_bytes + bytes, 1))
        return error_no_memory(error, "the text of events that are read ahead");
    event_keep_text(&(*step)->event, batch->text + batch->text_bytes);
    batch->text_bytes += bytes;
    return TRADING_OK;
}

/* The first event of an entry brings its cause along, and so does the first of a batch. */
static void keep_cause(struct events_ahead *ahead, struct event_step *step)
{
    struct event_batch *batch = ahead->filling;
    if (step->opens || batch->entries == 0)
        batch->causes[batch->entries++] = ahead->cause;
    step->cause = &batch->causes[batch->entries - 1];
}

static int32_t tell_entry(struct events_ahead *ahead, const struct event_step *step, trading_error *error)
{
    if (step->opens)
        ahead->opened = step->event.position;
    bool told = step->closes && ahead->entry;
    if (!told || ahead->entry(ahead->arg, step->cause, ahead->opened, ahead->reader.commit->time))
        return TRADING_OK;
    return error_no_memory(error, "the keys of past commands");
}

static int32_t decode_event(struct events_ahead *ahead, trading_error *error)
{
    struct event_reader *reader = &ahead->reader;
    struct event_step *step = &ahead->filling->steps[ahead->filling->events];
    step->opens = reader->entry_left == 0;
    if (!event_reader_next(reader, &step->event, &ahead->cause))
        return event_reader_end(reader, error);
    step->closes = reader->entry_left == 0;
    int32_t code = event_has_text(step->event.kind) ? keep_text(ahead, &step, error) : TRADING_OK;
    if (code)
        return code;
    keep_cause(ahead, step);
    ahead->filling->events++;
    open_stretch(ahead->filling)->events++;
    return tell_entry(ahead, step, error);
}

static int32_t decode_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct events_ahead *ahead = arg;
    if (commit->first_position >= ahead->to)
        return JOURNAL_STOP;
    event_reader_begin(&ahead->reader, commit);
    int32_t code = begin_stretch(ahead, true);
    while (!code && ahead->reader.position < commit_end(commit)) {
        if (ahead->filling->events == BATCH_EVENTS)
            code = change_batch(ahead);
        if (!code)
            code = decode_event(ahead, error);
    }
    if (!code)
        code = event_reader_end(&ahead->reader, error);
    if (!code)
        open_stretch(ahead->filling)->ends = true;
    return code;
}

static void *decode(void *arg)
{
    struct events_ahead *ahead = arg;
    int32_t code = journal_walk_ahead(ahead->journal, ahead->from, decode_commit, ahead, &ahead->error);
    hand_over(ahead);
    pthread_mutex_lock(&ahead->mutex);
    ahead->outcome = code;
    ahead->ended = true;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

/* ---- the caller's ---- */

static void dispose(struct events_ahead *ahead)
{
    struct memory *memory = ahead->journal->memory;
    for (uint32_t i = 0; i < BATCHES; i++)
        memory_release(memory, ahead->batches[i].text, ahead->batches[i].text_capacity);
    pthread_cond_destroy(&ahead->moved);
    pthread_mutex_destroy(&ahead->mutex);
    memory_let_go(memory, sizeof *ahead);
    memory_unreserve(ahead, sizeof *ahead);
}

struct events_ahead *events_ahead_open(const struct journal *journal, int64_t from, int64_t to, event_entry entry, void *arg)
{
    struct events_ahead *ahead = memory_reserve(sizeof *ahead);
    if (!ahead)
        return NULL;
    memory_hold(journal->memory, sizeof *ahead);
    ahead->journal = journal;
    ahead->from = from;
    ahead->to = to;
    ahead->entry = entry;
    ahead->arg = arg;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->moved, NULL);
    if (thread_start(&ahead->thread, "trading-decode", decode, ahead))
        return ahead;
    dispose(ahead);
    return NULL;
}

struct event_batch *events_ahead_take(struct events_ahead *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->filled == ahead->released)
        while (!ahead->ended && ahead->filled - ahead->released < BATCHES / 2)
            pthread_cond_wait(&ahead->moved, &ahead->mutex);
    bool more = ahead->filled != ahead->released;
    pthread_mutex_unlock(&ahead->mutex);
    return more ? &ahead->batches[ahead->released % BATCHES] : NULL;
}

void events_ahead_release(struct events_ahead *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->released++;
    if (ahead->filled - ahead->released == BATCHES / 2)
        pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

void events_ahead_grow(struct events_ahead *ahead, struct tables *tables)
{
    if (atomic_load_explicit(&ahead->grows, memory_order_acquire))
        return;
    tables_foresee(tables, &ahead->growth);
    atomic_store_explicit(&ahead->grows, ahead->growth.count > 0, memory_order_release);
}

int32_t events_ahead_close(struct events_ahead *ahead, trading_error *error)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->unwanted = true;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
    pthread_join(ahead->thread, NULL);
    int32_t code = ahead->outcome;
    if (code && error)
        *error = ahead->error;
    dispose(ahead);
    return code;
}
