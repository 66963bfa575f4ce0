#include "backends/cassandra/flights.h"

#include "backends/cassandra/journal.h"
#include "base/error.h"

#include <string.h>
#include <time.h>

enum stage { WAITING, PREPARING, PREPARED, COMMITTING };

struct flight {
    struct flight *next;
    uint32_t partition;
    enum stage stage;
    bool doomed; /* one before it did not end well */
    const trading_store_commit *commits;
    size_t count;
    uint64_t tag;
    struct block block;
    trading_error outcome;
};

struct list {
    struct flight *first;
    struct flight **end;
};

struct flights {
    pthread_mutex_t lock;
    pthread_cond_t begun;
    pthread_cond_t ended;
    struct list going; /* in the order in which they were begun */
    struct list done;
    bool closing;
    int64_t thread_count;
    pthread_t threads[64];
};

static void add_last(struct list *list, struct flight *flight)
{
    flight->next = NULL;
    *list->end = flight;
    list->end = &flight->next;
}

static void take_out(struct list *list, struct flight *flight)
{
    struct flight **link = &list->first;
    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    if (!*link)
        list->end = link;
}

static struct flight *first_of(const struct list *list, uint32_t partition)
{
    struct flight *flight = list->first;
    while (flight && flight->partition != partition)
        flight = flight->next;
    return flight;
}

/* ---- how they end ---- */

/* Whether the caller has yet to hear of an append of the partition that failed. */
static bool failure_is_unheard(const struct flights *flights, uint32_t partition)
{
    for (const struct flight *flight = flights->done.first; flight; flight = flight->next) {
        if (flight->partition == partition && flight->outcome.code)
            return true;
    }
    return false;
}

static void end(struct flights *flights, struct flight *flight)
{
    if (flight->doomed)
        error_set(&flight->outcome, TRADING_E_POSITION, "an append that was begun before this one did not end well");
    take_out(&flights->going, flight);
    add_last(&flights->done, flight);
    if (!flight->outcome.code)
        return;
    for (struct flight *behind = flights->going.first; behind; behind = behind->next)
        behind->doomed |= behind->partition == flight->partition;
}

/* ---- the threads ---- */

/* The oldest that something can be done about: a transaction is for the oldest of its partition. */
static struct flight *next_flight(const struct flights *flights)
{
    for (struct flight *flight = flights->going.first; flight; flight = flight->next) {
        if (flight->stage == WAITING || (flight->stage == PREPARED && first_of(&flights->going, flight->partition) == flight))
            return flight;
    }
    return NULL;
}

/* Called and returns with the lock held. A failed preparation ends the flight when it is its turn, so that they end in order. */
static void prepare(struct cassandra *store, struct flight *flight)
{
    struct flights *flights = store->flights;
    flight->stage = PREPARING;
    pthread_mutex_unlock(&flights->lock);
    error_clear(&flight->outcome);
    journal_prepare(store, flight->commits, flight->count, &flight->block, &flight->outcome);
    pthread_mutex_lock(&flights->lock);
    flight->stage = PREPARED;
}

static void commit(struct cassandra *store, struct flight *flight)
{
    struct flights *flights = store->flights;
    bool doomed = flight->doomed;
    flight->stage = COMMITTING;
    pthread_mutex_unlock(&flights->lock);
    if (doomed && flight->block.bytes)
        journal_abandon(store, &flight->block);
    else if (flight->block.bytes)
        journal_commit(store, flight->partition, &flight->block, NULL, &flight->outcome);
    pthread_mutex_lock(&flights->lock);
    end(flights, flight);
    pthread_cond_broadcast(&flights->ended);
}

static void *work(void *arg)
{
    struct cassandra *store = arg;
    struct flights *flights = store->flights;
    pthread_mutex_lock(&flights->lock);
    while (!flights->closing) {
        struct flight *flight = next_flight(flights);
        if (!flight) {
            pthread_cond_wait(&flights->begun, &flights->lock);
            continue;
        }
        if (flight->stage == WAITING)
            prepare(store, flight);
        else
            commit(store, flight);
        pthread_cond_broadcast(&flights->begun); /* what this was in the way of may go */
    }
    pthread_mutex_unlock(&flights->lock);
    return NULL;
}

/* ---- opening and closing ---- */

static void release_all(struct cassandra *store, struct list *list)
{
    for (struct flight *next, *at = list->first; at; at = next) {
        next = at->next;
        journal_release(store, &at->block);
        memory_release(&store->memory, at, sizeof *at);
    }
}

void flights_close(struct cassandra *store)
{
    struct flights *flights = store->flights;
    if (!flights)
        return;
    pthread_mutex_lock(&flights->lock);
    flights->closing = true;
    pthread_cond_broadcast(&flights->begun);
    pthread_mutex_unlock(&flights->lock);
    for (int64_t i = 0; i < flights->thread_count; i++)
        pthread_join(flights->threads[i], NULL);
    release_all(store, &flights->going);
    release_all(store, &flights->done);
    pthread_mutex_destroy(&flights->lock);
    pthread_cond_destroy(&flights->begun);
    pthread_cond_destroy(&flights->ended);
    memory_release(&store->memory, flights, sizeof *flights);
    store->flights = NULL;
}

static void init(struct flights *flights)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&flights->lock, NULL);
    pthread_cond_init(&flights->begun, NULL);
    pthread_cond_init(&flights->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    flights->going.end = &flights->going.first;
    flights->done.end = &flights->done.first;
}

/* The flights of the store, made with their threads by the first who asks. */
static int32_t open_flights(struct cassandra *store, trading_error *error)
{
    int32_t code = TRADING_OK;
    pthread_mutex_lock(&store->lock);
    struct flights *flights = store->flights;
    if (!flights) {
        flights = memory_zeroed(&store->memory, 1, sizeof *flights);
        store->flights = flights;
        if (flights)
            init(flights);
        else
            code = error_no_memory(error, "appends in flight");
        while (flights && flights->thread_count < store->location.in_flight &&
               pthread_create(&flights->threads[flights->thread_count], NULL, work, store) == 0)
            flights->thread_count++;
    }
    if (flights && !flights->thread_count)
        code = error_set(error, TRADING_E_IO, "no thread for appends in flight");
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* ---- the two calls ---- */

int32_t flights_begin(struct cassandra *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                      uint64_t tag, trading_error *error)
{
    int32_t code = open_flights(store, error);
    if (code)
        return code;
    struct flights *flights = store->flights; /* which stay until the store is closed */
    struct flight *flight = memory_zeroed(&store->memory, 1, sizeof *flight);
    if (!flight)
        return error_no_memory(error, "an append in flight");
    *flight = (struct flight){.partition = partition, .commits = commits, .count = count, .tag = tag};
    pthread_mutex_lock(&flights->lock);
    flight->doomed = failure_is_unheard(flights, partition);
    add_last(&flights->going, flight);
    pthread_cond_signal(&flights->begun);
    pthread_mutex_unlock(&flights->lock);
    return TRADING_OK;
}

static struct timespec moment_after(int64_t timeout)
{
    int64_t now = clock_now();
    int64_t moment = timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
    return (struct timespec){.tv_sec = moment / 1000000000, .tv_nsec = moment % 1000000000};
}

int32_t flights_poll(struct cassandra *store, int64_t timeout, uint64_t *tag, trading_error *outcome)
{
    pthread_mutex_lock(&store->lock);
    struct flights *flights = store->flights;
    pthread_mutex_unlock(&store->lock);
    if (!flights)
        return TRADING_E_TIMEOUT;
    struct timespec until = moment_after(timeout > 0 ? timeout : 0);
    int late = 0;
    pthread_mutex_lock(&flights->lock);
    while (!flights->done.first && !late)
        late = pthread_cond_timedwait(&flights->ended, &flights->lock, &until);
    struct flight *flight = flights->done.first;
    if (flight)
        take_out(&flights->done, flight);
    pthread_mutex_unlock(&flights->lock);
    if (!flight)
        return TRADING_E_TIMEOUT;
    *tag = flight->tag;
    if (outcome)
        *outcome = flight->outcome;
    memory_release(&store->memory, flight, sizeof *flight);
    return TRADING_OK;
}
