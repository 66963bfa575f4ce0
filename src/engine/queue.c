#include "engine/queue.h"

#include "base/error.h"
#include "base/monotonic.h"

#include <string.h>

void queue_open(struct queue *queue, struct memory *memory, size_t limit)
{
    *queue = (struct queue){.memory = memory, .limit = limit};
    pthread_mutex_init(&queue->mutex, NULL);
    monotonic_condition(&queue->arrived);
    monotonic_condition(&queue->completed);
    pthread_cond_init(&queue->room, NULL);
    pthread_cond_init(&queue->left, NULL);
}

static void release_completions(struct queue *queue)
{
    while (queue->first_completion) {
        struct submission *submission = queue->first_completion;
        queue->first_completion = submission->next;
        memory_release(queue->memory, submission, sizeof *submission);
    }
    queue->last_completion = NULL;
}

void queue_close(struct queue *queue)
{
    release_completions(queue);
    pthread_cond_destroy(&queue->arrived);
    pthread_cond_destroy(&queue->completed);
    pthread_cond_destroy(&queue->room);
    pthread_cond_destroy(&queue->left);
    pthread_mutex_destroy(&queue->mutex);
}

static int32_t refuse_closed(trading_error *error)
{
    return error_set(error, TRADING_E_CLOSED, "the engine is closing and takes no more commands");
}

/* With the mutex held. */
static int32_t reserve(struct queue *queue, size_t count, bool wait, trading_error *error)
{
    while (wait && !queue->closed && count > queue->limit - queue->commands)
        pthread_cond_wait(&queue->room, &queue->mutex);
    if (queue->closed)
        return refuse_closed(error);
    if (count > queue->limit)
        return error_set(error, TRADING_E_INVALID, "%zu commands in one call are more than the engine's queue holds (%zu)",
                         count, queue->limit);
    if (count > queue->limit - queue->commands)
        return error_set(error, TRADING_E_BUSY,
                         "%zu commands are waiting or in flight, and %zu more pass the limit of %zu; try again",
                         queue->commands, count, queue->limit);
    queue->commands += count;
    return TRADING_OK;
}

/* With the mutex held, and room for it reserved. */
static void append(struct queue *queue, struct submission *submission)
{
    submission->next = NULL;
    if (queue->last)
        queue->last->next = submission;
    else
        queue->first = submission;
    queue->last = submission;
    queue->waiting++;
    queue->untaken += submission->count;
}

/* With the mutex held. */
static void give_room(struct queue *queue, size_t count)
{
    queue->commands -= count;
    pthread_cond_broadcast(&queue->room);
}

int32_t queue_reserve(struct queue *queue, size_t count, bool wait, trading_error *error)
{
    pthread_mutex_lock(&queue->mutex);
    int32_t code = reserve(queue, count, wait, error);
    pthread_mutex_unlock(&queue->mutex);
    return code;
}

void queue_give_back(struct queue *queue, size_t count)
{
    pthread_mutex_lock(&queue->mutex);
    give_room(queue, count);
    pthread_mutex_unlock(&queue->mutex);
}

int32_t queue_push_reserved(struct queue *queue, struct submission *submission, trading_error *error)
{
    int32_t code = TRADING_OK;
    pthread_mutex_lock(&queue->mutex);
    if (queue->closed) {
        give_room(queue, submission->count);
        code = refuse_closed(error);
    } else {
        append(queue, submission);
    }
    pthread_mutex_unlock(&queue->mutex);
    return code;
}

int32_t queue_push(struct queue *queue, struct submission *submission, bool wait, trading_error *error)
{
    pthread_mutex_lock(&queue->mutex);
    int32_t code = reserve(queue, submission->count, wait, error);
    if (!code)
        append(queue, submission);
    pthread_mutex_unlock(&queue->mutex);
    return code;
}

void queue_wake(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->woken = true;
    pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_tell(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    if (queue->untaken >= queue->wanted)
        pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->mutex);
}

bool queue_wait(struct queue *queue, size_t commands)
{
    pthread_mutex_lock(&queue->mutex);
    queue->wanted = commands;
    while (queue->untaken < commands && !queue->woken && !queue->stopped)
        pthread_cond_wait(&queue->arrived, &queue->mutex);
    queue->wanted = 0;
    bool goes_on = queue->first || !queue->stopped;
    queue->woken = false;
    pthread_mutex_unlock(&queue->mutex);
    return goes_on;
}

void queue_wait_for(struct queue *queue, size_t submissions, int64_t nanoseconds)
{
    struct timespec deadline = monotonic_after(nanoseconds);
    int expired = 0;
    pthread_mutex_lock(&queue->mutex);
    while (queue->waiting < submissions && !queue->stopped && !expired)
        expired = pthread_cond_timedwait(&queue->arrived, &queue->mutex, &deadline);
    pthread_mutex_unlock(&queue->mutex);
}

bool queue_has(struct queue *queue, size_t commands)
{
    pthread_mutex_lock(&queue->mutex);
    bool has = queue->untaken >= commands || (queue->stopped && queue->untaken);
    pthread_mutex_unlock(&queue->mutex);
    return has;
}

bool queue_is_empty(struct queue *queue)
{
    return !queue_has(queue, 1);
}

static void drop_first(struct queue *queue)
{
    queue->waiting--;
    queue->first = queue->first->next;
    if (!queue->first)
        queue->last = NULL;
}

struct slice queue_take(struct queue *queue, size_t most)
{
    struct slice slice = {0};
    pthread_mutex_lock(&queue->mutex);
    struct submission *submission = queue->first;
    if (submission) {
        size_t left = submission->count - submission->taken;
        slice = (struct slice){.submission = submission, .first = submission->taken, .count = left < most ? left : most};
        submission->taken += slice.count;
        queue->untaken -= slice.count;
        if (submission->taken == submission->count)
            drop_first(queue);
    }
    pthread_mutex_unlock(&queue->mutex);
    return slice;
}

void queue_return(struct queue *queue, const struct slice *slices, size_t count)
{
    pthread_mutex_lock(&queue->mutex);
    for (size_t i = count; i-- > 0;) {
        struct submission *submission = slices[i].submission;
        memset(submission->results + slices[i].first, 0, slices[i].count * sizeof *submission->results);
        bool queued = submission->taken < submission->count;
        queue->untaken += submission->taken - slices[i].first;
        submission->taken = slices[i].first;
        if (queued)
            continue; /* its rest is still at the front */
        submission->next = queue->first;
        queue->first = submission;
        queue->waiting++;
        if (!queue->last)
            queue->last = submission;
    }
    pthread_mutex_unlock(&queue->mutex);
}

/* With the mutex held: hands it to the pollers, or puts it before `awaited`, whose callers are let go once the mutex is given back, lest
 * they run into it. */
static void finish(struct queue *queue, struct submission *submission, struct submission **awaited)
{
    give_room(queue, submission->count);
    if (submission->waits) {
        submission->next = *awaited;
        *awaited = submission;
        return;
    }
    submission->next = NULL;
    if (queue->last_completion)
        queue->last_completion->next = submission;
    else
        queue->first_completion = submission;
    queue->last_completion = submission;
    pthread_cond_signal(&queue->completed);
}

/* Each submission is its caller's again from here on. */
static void let_go(struct submission *awaited)
{
    for (struct submission *next; awaited; awaited = next) {
        next = awaited->next;
        gate_open(&awaited->done);
    }
}

void queue_answer(struct queue *queue, const struct slice *slices, size_t count)
{
    struct submission *awaited = NULL;
    pthread_mutex_lock(&queue->mutex);
    for (size_t i = 0; i < count; i++) {
        struct submission *submission = slices[i].submission;
        submission->answered += slices[i].count;
        if (submission->answered == submission->count)
            finish(queue, submission, &awaited);
    }
    pthread_mutex_unlock(&queue->mutex);
    let_go(awaited);
}

/* With the mutex held: what was not taken yet is not taken any more. */
static void withdraw(struct queue *queue, struct submission *submission)
{
    if (submission->taken == submission->count)
        return;
    struct submission **link = &queue->first;
    struct submission *before = NULL;
    while (*link && *link != submission) {
        before = *link;
        link = &(*link)->next;
    }
    if (!*link)
        return;
    *link = submission->next;
    queue->waiting--;
    queue->untaken -= submission->count - submission->taken;
    if (queue->last == submission)
        queue->last = before;
}

static void fail(struct queue *queue, struct submission *submission, int32_t status, const trading_error *error,
                 struct submission **awaited)
{
    withdraw(queue, submission);
    submission->error = *error;
    for (size_t i = submission->answered; i < submission->count; i++)
        submission->results[i] =
            (trading_result){.status = i < submission->taken ? status : TRADING_STATUS_NONE, .position = -1};
    finish(queue, submission, awaited);
}

void queue_fail(struct queue *queue, struct slice *slice, int32_t status, const trading_error *error)
{
    struct submission *awaited = NULL;
    pthread_mutex_lock(&queue->mutex);
    fail(queue, slice->submission, status, error, &awaited);
    pthread_mutex_unlock(&queue->mutex);
    let_go(awaited);
}

struct submission *queue_poll(struct queue *queue, int64_t timeout)
{
    struct timespec deadline = monotonic_after(timeout < 0 ? 0 : timeout);
    pthread_mutex_lock(&queue->mutex);
    int expired = 0;
    while (!queue->first_completion && timeout != 0 && !expired && !queue->ended) {
        if (timeout < 0)
            pthread_cond_wait(&queue->completed, &queue->mutex);
        else
            expired = pthread_cond_timedwait(&queue->completed, &queue->mutex, &deadline);
    }
    struct submission *submission = queue->first_completion;
    if (submission) {
        queue->first_completion = submission->next;
        if (!queue->first_completion)
            queue->last_completion = NULL;
    }
    pthread_mutex_unlock(&queue->mutex);
    return submission;
}

void queue_abandon(struct queue *queue, const trading_error *error)
{
    struct submission *awaited = NULL;
    pthread_mutex_lock(&queue->mutex);
    while (queue->first)
        fail(queue, queue->first, TRADING_STATUS_NONE, error, &awaited);
    pthread_mutex_unlock(&queue->mutex);
    let_go(awaited);
}

void queue_enter(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->callers++;
    pthread_mutex_unlock(&queue->mutex);
}

void queue_leave(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    if (--queue->callers == 0)
        pthread_cond_broadcast(&queue->left);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_end(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->ended = true;
    pthread_cond_broadcast(&queue->completed);
    while (queue->callers)
        pthread_cond_wait(&queue->left, &queue->mutex);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_stop(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    queue->stopped = true;
    pthread_cond_broadcast(&queue->arrived);
    pthread_cond_broadcast(&queue->completed);
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->mutex);
}
