#include "backends/cassandra/flights.h"

#include "backends/cassandra/journal.h"
#include "base/error.h"

#include <string.h>
#include <time.h>

struct flight {
    struct flight *next;
    uint32_t partition;
    bool under_way;
    const trading_store_commit *commits;
    size_t count;
    uint64_t tag;
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
    struct list waiting; /* those under way among them */
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

/* ---- the threads ---- */

/* The oldest flight of a partition that none is under way for; the oldest of its partition, since they are in order. */
static struct flight *next_flight(const struct flights *flights)
{
    for (struct flight *flight = flights->waiting.first; flight; flight = flight->next) {
        const struct flight *before = flights->waiting.first;
        while (before->partition != flight->partition)
            before = before->next;
        if (before == flight && !flight->under_way)
            return flight;
    }
    return NULL;
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
        flight->under_way = true;
        pthread_mutex_unlock(&flights->lock);
        error_clear(&flight->outcome);
        journal_append(store, flight->partition, flight->commits, flight->count, NULL, &flight->outcome);
        pthread_mutex_lock(&flights->lock);
        take_out(&flights->waiting, flight);
        add_last(&flights->done, flight);
        pthread_cond_broadcast(&flights->ended);
        pthread_cond_broadcast(&flights->begun); /* the partition's next one may go */
    }
    pthread_mutex_unlock(&flights->lock);
    return NULL;
}

/* ---- opening and closing ---- */

static void release_all(struct cassandra *store, struct list *list)
{
    for (struct flight *next, *at = list->first; at; at = next) {
        next = at->next;
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
    release_all(store, &flights->waiting);
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
    flights->waiting.end = &flights->waiting.first;
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
    add_last(&flights->waiting, flight);
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
