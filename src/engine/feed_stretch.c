#include "engine/feed_stretch.h"

#include "base/error.h"
#include "base/thread.h"

#include <inttypes.h>

/* After so many bytes a stretch ends with the commit at hand. Of events that is fewer than JOURNAL_LONG, which are to come where one is read ahead. */
#define STRETCH_BYTES (256u << 10)

/* ---- a stretch ---- */

struct reading {
    struct feed_stretch *stretch;
    const struct journal *journal;
    int64_t from;
    int64_t limit;
    const uint8_t *previous;
};

void feed_stretch_drop(struct feed_stretch *stretch)
{
    stretch->count = stretch->body_bytes = 0;
}

void feed_stretch_close(struct feed_stretch *stretch, struct memory *memory)
{
    memory_release(memory, stretch->commits, stretch->capacity * sizeof *stretch->commits);
    memory_release(memory, stretch->bodies, stretch->body_capacity);
    *stretch = (struct feed_stretch){0};
}

int64_t feed_stretch_end(const struct feed_stretch *stretch)
{
    return commit_end(&stretch->commits[stretch->count - 1]);
}

static int32_t keep_commit(const struct reading *reading, const struct commit *commit, trading_error *error)
{
    struct memory *memory = reading->journal->memory;
    struct feed_stretch *stretch = reading->stretch;
    if (memory_grow(memory, (void **)&stretch->commits, &stretch->capacity, stretch->count + 1, sizeof *stretch->commits) ||
        memory_grow(memory, (void **)&stretch->bodies, &stretch->body_capacity, stretch->body_bytes + commit->body_size, 1))
        return error_no_memory(error, "the buffer of a feed");
    memcpy(stretch->bodies + stretch->body_bytes, commit->body, commit->body_size);
    stretch->commits[stretch->count++] = *commit;
    stretch->body_bytes += commit->body_size;
    return TRADING_OK;
}

static int32_t take_commit(void *arg, const struct commit *commit, trading_error *error)
{
    const struct reading *reading = arg;
    const struct feed_stretch *stretch = reading->stretch;
    if (commit->first_position >= reading->limit)
        return JOURNAL_STOP;
    bool next = stretch->count == 0 && reading->previous && commit->first_position == reading->from;
    int32_t code = next ? commit_follows(commit, reading->from, reading->previous, error) : TRADING_OK;
    if (!code)
        code = keep_commit(reading, commit, error);
    if (code)
        return code;
    bool full = stretch->body_bytes + stretch->count * sizeof *stretch->commits >= STRETCH_BYTES;
    return full ? JOURNAL_STOP : TRADING_OK;
}

/* The buffer moved while it grew. */
static void point_to_bodies(struct feed_stretch *stretch)
{
    const uint8_t *body = stretch->bodies;
    for (size_t i = 0; i < stretch->count; i++) {
        stretch->commits[i].body = body;
        body += stretch->commits[i].body_size;
    }
}

int32_t feed_stretch_read(struct feed_stretch *stretch, const struct journal *journal, int64_t from, int64_t limit,
                          const uint8_t *previous, trading_error *error)
{
    struct reading reading = {.stretch = stretch, .journal = journal, .from = from, .limit = limit, .previous = previous};
    feed_stretch_drop(stretch);
    int32_t code = journal_walk(journal, from, take_commit, &reading, error);
    if (!code && stretch->count == 0)
        code = error_set(error, TRADING_E_DAMAGED, "the journal has lost the events from position %" PRId64 " on", from);
    if (code)
        feed_stretch_drop(stretch);
    point_to_bodies(stretch);
    return code;
}

/* ---- ahead ---- */

enum progress {
    AHEAD_IDLE,
    AHEAD_ASKED, /* and not begun */
    AHEAD_READING,
    AHEAD_READ,
};

struct feed_ahead {
    const struct journal *journal;
    struct feed_stretch stretch; /* the thread's while it reads */

    /* what was asked for; the caller's, but while it is read */
    int64_t from;
    int64_t limit;
    uint8_t previous[COMMIT_DIGEST_BYTES];

    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t moved;
    enum progress progress;
    bool unwanted;
};

/* What fails is left to the caller, who reads it anew. Under the mutex, which is given back meanwhile. */
static void read_asked(struct feed_ahead *ahead)
{
    ahead->progress = AHEAD_READING;
    pthread_mutex_unlock(&ahead->mutex);
    int32_t code = feed_stretch_read(&ahead->stretch, ahead->journal, ahead->from, ahead->limit, ahead->previous, NULL);
    pthread_mutex_lock(&ahead->mutex);
    ahead->progress = code ? AHEAD_IDLE : AHEAD_READ;
    pthread_cond_signal(&ahead->moved);
}

static void *read_on(void *arg)
{
    struct feed_ahead *ahead = arg;
    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->unwanted) {
        if (ahead->progress == AHEAD_ASKED)
            read_asked(ahead);
        else
            pthread_cond_wait(&ahead->moved, &ahead->mutex);
    }
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

static void dispose(struct feed_ahead *ahead)
{
    struct memory *memory = ahead->journal->memory;
    feed_stretch_close(&ahead->stretch, memory);
    pthread_cond_destroy(&ahead->moved);
    pthread_mutex_destroy(&ahead->mutex);
    memory_release(memory, ahead, sizeof *ahead);
}

struct feed_ahead *feed_ahead_open(const struct journal *journal)
{
    struct feed_ahead *ahead = memory_zeroed(journal->memory, 1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->journal = journal;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->moved, NULL);
    if (thread_start(&ahead->thread, "trading-read", read_on, ahead))
        return ahead;
    dispose(ahead);
    return NULL;
}

void feed_ahead_close(struct feed_ahead *ahead)
{
    if (!ahead)
        return;
    pthread_mutex_lock(&ahead->mutex);
    ahead->unwanted = true;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
    pthread_join(ahead->thread, NULL);
    dispose(ahead);
}

/* Leaves the mutex held, and the thread with nothing to do. What it had not begun it will not begin. */
static bool settle(struct feed_ahead *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    while (ahead->progress == AHEAD_READING)
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    bool read = ahead->progress == AHEAD_READ;
    ahead->progress = AHEAD_IDLE;
    return read;
}

void feed_ahead_ask(struct feed_ahead *ahead, const struct feed_stretch *stretch, int64_t limit)
{
    settle(ahead);
    ahead->from = feed_stretch_end(stretch);
    ahead->limit = limit;
    memcpy(ahead->previous, stretch->commits[stretch->count - 1].digest, sizeof ahead->previous);
    ahead->progress = AHEAD_ASKED;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

bool feed_ahead_take(struct feed_ahead *ahead, int64_t from, struct feed_stretch *stretch)
{
    bool read = settle(ahead) && ahead->from == from;
    pthread_mutex_unlock(&ahead->mutex);
    if (!read)
        return false;
    struct feed_stretch told = *stretch;
    *stretch = ahead->stretch;
    ahead->stretch = told;
    return true;
}
