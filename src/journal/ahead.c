/* Reading ahead: one thread reads and proves commits, which costs a hash of every byte, and the caller's visits them. */
#include "base/error.h"
#include "base/thread.h"
#include "journal/read.h"

/* Commits that are held at once: read and not visited. */
#define SLOTS 4u

struct ahead {
    const struct journal *journal;
    int64_t from;
    struct journal_copy slots[SLOTS];
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t moved;
    uint64_t read; /* how many commits; number n lies in slot n mod SLOTS */
    uint64_t visited;
    bool unwanted; /* the visitor has enough */
    bool ended;    /* the reader has no more, for this reason: */
    int32_t outcome;
    trading_error error;
};

/* ---- the reader's thread ---- */

/* False when no more is wanted. */
static bool await_slot(struct ahead *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->unwanted && ahead->read - ahead->visited == SLOTS)
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    bool wanted = !ahead->unwanted;
    pthread_mutex_unlock(&ahead->mutex);
    return wanted;
}

static int32_t put_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct ahead *ahead = arg;
    if (!await_slot(ahead))
        return JOURNAL_STOP;
    struct journal_copy *slot = &ahead->slots[ahead->read % SLOTS];
    slot->commit = *commit;
    int32_t code = commit_keep(&slot->commit, &slot->scratch, error);
    if (code)
        return code;
    pthread_mutex_lock(&ahead->mutex);
    ahead->read++;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
    return TRADING_OK;
}

static void *read_on(void *arg)
{
    struct ahead *ahead = arg;
    int32_t code = journal_walk(ahead->journal, ahead->from, put_commit, ahead, &ahead->error);
    pthread_mutex_lock(&ahead->mutex);
    ahead->outcome = code;
    ahead->ended = true;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

/* ---- the caller's ---- */

/* The next commit; NULL when there are no more. */
static const struct commit *take_commit(struct ahead *ahead)
{
    pthread_mutex_lock(&ahead->mutex);
    while (ahead->visited == ahead->read && !ahead->ended)
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    bool more = ahead->visited < ahead->read;
    pthread_mutex_unlock(&ahead->mutex);
    return more ? &ahead->slots[ahead->visited % SLOTS].commit : NULL;
}

static void release_commit(struct ahead *ahead, bool enough)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->visited++;
    ahead->unwanted = enough;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

static int32_t visit_commits(struct ahead *ahead, journal_visit visit, void *arg, trading_error *error)
{
    int32_t status = TRADING_OK;
    const struct commit *commit;
    while (!status && (commit = take_commit(ahead)) != NULL) {
        status = visit(arg, commit, error);
        release_commit(ahead, status != TRADING_OK);
    }
    return status;
}

static bool open_ahead(struct ahead *ahead, const struct journal *journal, int64_t from, pthread_t *thread)
{
    *ahead = (struct ahead){.journal = journal, .from = from};
    for (uint32_t i = 0; i < SLOTS; i++)
        ahead->slots[i].scratch.memory = journal->memory;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->moved, NULL);
    return thread_start(thread, "trading-read", read_on, ahead);
}

static void close_ahead(struct ahead *ahead)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        journal_copy_close(&ahead->slots[i]);
    pthread_cond_destroy(&ahead->moved);
    pthread_mutex_destroy(&ahead->mutex);
}

bool journal_is_long(const struct journal *journal, int64_t from)
{
    trading_store_head head;
    return journal->reads_ahead && journal->ops->head(journal->store, journal->partition, &head, NULL) == TRADING_OK &&
           head.next_position - from >= JOURNAL_LONG;
}

int32_t journal_walk_ahead(const struct journal *journal, int64_t from, journal_visit visit, void *arg, trading_error *error)
{
    if (!journal_is_long(journal, from))
        return journal_walk(journal, from, visit, arg, error);
    struct ahead ahead;
    pthread_t thread;
    if (!open_ahead(&ahead, journal, from, &thread)) {
        close_ahead(&ahead);
        return journal_walk(journal, from, visit, arg, error);
    }
    int32_t status = visit_commits(&ahead, visit, arg, error);
    pthread_join(thread, NULL);
    if (!status && ahead.outcome && error)
        *error = ahead.error;
    status = status ? status : ahead.outcome;
    close_ahead(&ahead);
    return status == JOURNAL_STOP ? TRADING_OK : status;
}
