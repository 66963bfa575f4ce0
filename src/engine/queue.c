#include "engine/queue.h"

#include "base/error.h"
#include "base/futex.h"
#include "base/monotonic.h"

#include <string.h>

#define CALLER  2u
#define AWAITED 1u

/* As many as a processor does in a microsecond or two: the time between two calls of one thread. */
#define LOOKS 1000u

void queue_open(struct queue *queue, struct memory *memory, size_t limit)
{
    *queue = (struct queue){.memory = memory, .limit = limit};
    pthread_mutex_init(&queue->mutex, NULL);
    monotonic_condition(&queue->completed);
    pthread_cond_init(&queue->room, NULL);
    preparations_open(&queue->preparations, memory, limit);
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
    preparations_close(&queue->preparations);
    pthread_cond_destroy(&queue->completed);
    pthread_cond_destroy(&queue->room);
    pthread_mutex_destroy(&queue->mutex);
}

/* ---- room ---- */

static bool is_closed(struct queue *queue)
{
    return atomic_load(&queue->arrivals) == &queue->end;
}

static int32_t refuse_closed(trading_error *error)
{
    return error_set(error, TRADING_E_CLOSED, "the engine is closing and takes no more commands");
}

static bool try_reserve(struct queue *queue, size_t count)
{
    size_t commands = atomic_load(&queue->commands);
    do {
        if (count > queue->limit - commands)
            return false;
    } while (!atomic_compare_exchange_weak(&queue->commands, &commands, commands + count));
    return true;
}

static bool wait_to_reserve(struct queue *queue, size_t count)
{
    pthread_mutex_lock(&queue->mutex);
    atomic_fetch_add(&queue->crowded, 1); /* before it looks again: who then gives room sees it */
    bool reserved = try_reserve(queue, count);
    while (!reserved && !is_closed(queue)) {
        pthread_cond_wait(&queue->room, &queue->mutex);
        reserved = try_reserve(queue, count);
    }
    atomic_fetch_sub(&queue->crowded, 1);
    pthread_mutex_unlock(&queue->mutex);
    return reserved;
}

void queue_give_back(struct queue *queue, size_t count)
{
    atomic_fetch_sub(&queue->commands, count);
    if (!atomic_load(&queue->crowded))
        return;
    pthread_mutex_lock(&queue->mutex);
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->mutex);
}

int32_t queue_reserve(struct queue *queue, size_t count, bool wait, trading_error *error)
{
    if (is_closed(queue))
        return refuse_closed(error);
    if (count > queue->limit)
        return error_set(error, TRADING_E_INVALID, "%zu commands in one call are more than the engine's queue holds (%zu)",
                         count, queue->limit);
    if (try_reserve(queue, count))
        return TRADING_OK;
    if (wait)
        return wait_to_reserve(queue, count) ? TRADING_OK : refuse_closed(error);
    return error_set(error, TRADING_E_BUSY,
                     "%zu commands are waiting or in flight, and %zu more pass the limit of %zu; try again",
                     atomic_load(&queue->commands), count, queue->limit);
}

/* ---- arriving ---- */

static void give_preparation(struct queue *queue, struct submission *submission)
{
    if (submission->prepared)
        preparations_give(&queue->preparations, submission->prepared);
    submission->prepared = NULL;
}

int32_t queue_push(struct queue *queue, struct submission *submission, trading_error *error)
{
    submission->turn = atomic_load(&queue->turn);
    atomic_fetch_add(&queue->arrived, submission->count);
    struct submission *newest = atomic_load(&queue->arrivals);
    do {
        if (newest == &queue->end) {
            atomic_fetch_sub(&queue->arrived, submission->count);
            queue_give_back(queue, submission->count);
            submission->returns = false; /* from an answer that nobody gives it */
            give_preparation(queue, submission);
            return refuse_closed(error);
        }
        submission->next = newest;
    } while (!atomic_compare_exchange_weak(&queue->arrivals, &newest, submission));
    return TRADING_OK;
}

/* Commands that no batch took. */
static size_t untaken(struct queue *queue)
{
    return atomic_load(&queue->listed) + atomic_load(&queue->arrived);
}

void queue_wake(struct queue *queue)
{
    atomic_store(&queue->woken, true);
    bell_ring(&queue->arrival);
}

static bool is_reached(struct queue *queue, _Atomic size_t *wanted)
{
    size_t commands = atomic_load(wanted);
    return commands && untaken(queue) >= commands;
}

void queue_tell(struct queue *queue)
{
    if (is_reached(queue, &queue->quorum))
        bell_ring(&queue->gathering);
    if (is_reached(queue, &queue->wanted) && !atomic_load(&queue->attended))
        bell_ring(&queue->arrival);
}

/* The last to return ends the gathering. */
static void note_return(struct queue *queue)
{
    if (atomic_fetch_sub(&queue->returning, 1) == 1 && atomic_load(&queue->quorum))
        bell_ring(&queue->gathering);
}

void queue_await(struct queue *queue, struct submission *submission)
{
    while (!submission_is_done(submission)) {
        struct bell *bell = peal_bell(&queue->answered[submission->turn]);
        uint32_t strokes = bell_strokes(bell);
        if (!submission_is_done(submission))
            bell_listen(bell, strokes, NULL);
    }
    if (submission->returns)
        note_return(queue);
}

/* ---- waiting for arrivals ---- */

bool queue_wait(struct queue *queue, size_t commands)
{
    atomic_store(&queue->wanted, commands);
    for (;;) {
        uint32_t strokes = bell_strokes(&queue->arrival);
        if (untaken(queue) >= commands || atomic_load(&queue->woken) || atomic_load(&queue->stopped))
            break;
        bell_listen(&queue->arrival, strokes, NULL);
    }
    atomic_store(&queue->wanted, 0);
    atomic_store(&queue->woken, false);
    return untaken(queue) || !atomic_load(&queue->stopped);
}

/* The arrivals, the newest first; they are the driver's then. What ends them for ever stays. */
static struct submission *take_arrivals(struct queue *queue)
{
    struct submission *newest = atomic_load(&queue->arrivals);
    while (newest && newest != &queue->end && !atomic_compare_exchange_weak(&queue->arrivals, &newest, NULL))
        continue;
    if (newest != &queue->end)
        return newest;
    newest = queue->end.next;
    queue->end.next = NULL;
    return newest;
}

/* Puts what arrived behind what waits, in its order. */
static void list_arrivals(struct queue *queue)
{
    struct submission *newest = take_arrivals(queue);
    struct submission *oldest = NULL;
    struct submission *next;
    size_t commands = 0;
    for (struct submission *at = newest; at; at = next) {
        next = at->next;
        at->next = oldest;
        oldest = at;
        commands += at->count;
        queue->waiting++;
    }
    if (!oldest)
        return;
    if (queue->last)
        queue->last->next = oldest;
    else
        queue->first = oldest;
    queue->last = newest;
    atomic_fetch_add(&queue->listed, commands);
    atomic_fetch_sub(&queue->arrived, commands);
}

static bool is_listed(struct queue *queue)
{
    if (!queue->first)
        list_arrivals(queue);
    return queue->first;
}

void queue_wait_for(struct queue *queue, size_t submissions, int64_t nanoseconds)
{
    struct timespec deadline = monotonic_after(nanoseconds);
    atomic_store(&queue->quorum, 1);
    for (;;) {
        uint32_t strokes = bell_strokes(&queue->gathering);
        list_arrivals(queue);
        if (queue->waiting >= submissions || atomic_load(&queue->stopped) || monotonic_has_passed(&deadline))
            break;
        bell_listen(&queue->gathering, strokes, &deadline);
    }
    atomic_store(&queue->quorum, 0);
}

bool queue_is_returned_to(struct queue *queue)
{
    return atomic_load(&queue->returning);
}

bool queue_gather(struct queue *queue, size_t commands, const struct timespec *deadline)
{
    bool gathered;
    atomic_store(&queue->quorum, commands);
    for (;;) {
        uint32_t strokes = bell_strokes(&queue->gathering);
        gathered = untaken(queue) >= commands || !queue_is_returned_to(queue);
        if (gathered || atomic_load(&queue->stopped) || monotonic_has_passed(deadline))
            break;
        bell_listen(&queue->gathering, strokes, deadline);
    }
    atomic_store(&queue->quorum, 0);
    return gathered;
}

bool queue_linger(struct queue *queue)
{
    for (unsigned i = 0; i < LOOKS; i++)
        if (atomic_load_explicit(&queue->arrivals, memory_order_relaxed))
            return !queue_is_empty(queue);
    return false;
}

void queue_attend(struct queue *queue, bool attended)
{
    atomic_store(&queue->attended, attended);
}

bool queue_has(struct queue *queue, size_t commands)
{
    return untaken(queue) >= (atomic_load(&queue->stopped) ? 1 : commands) && is_listed(queue);
}

bool queue_is_empty(struct queue *queue)
{
    return !is_listed(queue);
}

void queue_turn(struct queue *queue)
{
    atomic_store(&queue->turn, (atomic_load(&queue->turn) + 1) % QUEUE_TURNS);
}

/* ---- taking ---- */

static void drop_first(struct queue *queue)
{
    queue->waiting--;
    queue->first = queue->first->next;
    if (!queue->first)
        queue->last = NULL;
}

struct slice queue_take(struct queue *queue, size_t most)
{
    if (!is_listed(queue))
        return (struct slice){0};
    struct submission *submission = queue->first;
    size_t left = submission->count - submission->taken;
    struct slice slice = {.submission = submission, .first = submission->taken, .count = left < most ? left : most};
    submission->taken += slice.count;
    atomic_fetch_sub(&queue->listed, slice.count);
    if (submission->taken == submission->count)
        drop_first(queue);
    return slice;
}

void queue_return(struct queue *queue, const struct slice *slices, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        struct submission *submission = slices[i].submission;
        memset(submission->results + slices[i].first, 0, slices[i].count * sizeof *submission->results);
        bool queued = submission->taken < submission->count;
        atomic_fetch_add(&queue->listed, submission->taken - slices[i].first);
        submission->taken = slices[i].first;
        if (queued)
            continue; /* its rest is still at the front */
        submission->next = queue->first;
        queue->first = submission;
        queue->waiting++;
        if (!queue->last)
            queue->last = submission;
    }
}

/* ---- finishing ---- */

/* Submissions that end together. */
struct finished {
    struct submission *first;
    struct submission *last;
    size_t commands;
};

static void finish(struct finished *finished, struct submission *submission)
{
    submission->next = NULL;
    if (finished->last)
        finished->last->next = submission;
    else
        finished->first = submission;
    finished->last = submission;
    finished->commands += submission->count;
}

static void complete(struct queue *queue, struct submission *submission)
{
    pthread_mutex_lock(&queue->mutex);
    submission->next = NULL;
    if (queue->last_completion)
        queue->last_completion->next = submission;
    else
        queue->first_completion = submission;
    queue->last_completion = submission;
    pthread_cond_signal(&queue->completed);
    pthread_mutex_unlock(&queue->mutex);
}

/* Each submission is its caller's again, or the pollers', once it is done; there is room for another then. */
static void let_go(struct queue *queue, const struct finished *finished)
{
    bool rings[QUEUE_TURNS] = {false};
    if (finished->commands)
        queue_give_back(queue, finished->commands);
    for (struct submission *at = finished->first, *next; at; at = next) {
        next = at->next;
        give_preparation(queue, at);
        if (at->waits) {
            rings[at->turn] = true;
            if (at->returns)
                atomic_fetch_add(&queue->returning, 1);
            atomic_store_explicit(&at->done, true, memory_order_release);
        } else {
            complete(queue, at);
        }
    }
    for (size_t i = 0; i < QUEUE_TURNS; i++)
        if (rings[i])
            peal_ring(&queue->answered[i]);
}

void queue_answer(struct queue *queue, const struct slice *slices, size_t count)
{
    struct finished finished = {0};
    for (size_t i = 0; i < count; i++) {
        struct submission *submission = slices[i].submission;
        submission->answered += slices[i].count;
        if (submission->answered == submission->count)
            finish(&finished, submission);
    }
    let_go(queue, &finished);
}

/* What was not taken yet is not taken any more. */
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
    atomic_fetch_sub(&queue->listed, submission->count - submission->taken);
    if (queue->last == submission)
        queue->last = before;
}

static void fail(struct queue *queue, struct submission *submission, int32_t status, const trading_error *error,
                 struct finished *finished)
{
    withdraw(queue, submission);
    submission->error = *error;
    for (size_t i = submission->answered; i < submission->count; i++)
        submission->results[i] =
            (trading_result){.status = i < submission->taken ? status : TRADING_STATUS_NONE, .position = -1};
    finish(finished, submission);
}

void queue_fail(struct queue *queue, struct slice *slice, int32_t status, const trading_error *error)
{
    struct finished finished = {0};
    fail(queue, slice->submission, status, error, &finished);
    let_go(queue, &finished);
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
    struct finished finished = {0};
    while (is_listed(queue))
        fail(queue, queue->first, TRADING_STATUS_NONE, error, &finished);
    let_go(queue, &finished);
}

/* ---- closing ---- */

void queue_enter(struct queue *queue)
{
    atomic_fetch_add(&queue->callers, CALLER);
}

/* The last to leave touches the queue no more: it may be closed by then. */
void queue_leave(struct queue *queue)
{
    if (atomic_fetch_sub(&queue->callers, CALLER) == (CALLER | AWAITED))
        futex_wake(&queue->callers, 1);
}

size_t queue_callers(struct queue *queue)
{
    return atomic_load(&queue->callers) / CALLER;
}

void queue_end(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->ended = true;
    pthread_cond_broadcast(&queue->completed);
    pthread_mutex_unlock(&queue->mutex);
    atomic_fetch_or(&queue->callers, AWAITED);
    for (uint32_t callers; (callers = atomic_load(&queue->callers)) != AWAITED;)
        futex_wait(&queue->callers, callers, NULL);
}

static void take_nothing_more(struct queue *queue)
{
    struct submission *newest = atomic_load(&queue->arrivals);
    do {
        if (newest == &queue->end)
            return;
        queue->end.next = newest;
    } while (!atomic_compare_exchange_weak(&queue->arrivals, &newest, &queue->end));
}

void queue_stop(struct queue *queue)
{
    take_nothing_more(queue);
    atomic_store(&queue->stopped, true);
    bell_ring(&queue->arrival);
    bell_ring(&queue->gathering);
    pthread_mutex_lock(&queue->mutex);
    pthread_cond_broadcast(&queue->completed);
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->mutex);
}
