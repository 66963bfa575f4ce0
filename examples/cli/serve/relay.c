#include "relay.h"

#include "monotonic.h"
#include "record.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define BATCH    1024
#define STEP     INT64_C(100000000) /* nanoseconds that a step waits for an event */
#define REST     INT64_C(100000000) /* after the first failure; twice as long after each, up to */
#define REST_MAX INT64_C(5000000000)

struct relay {
    const struct serving *serving;
    uint32_t partition;
    trading_engine *engine;
    struct relay_purpose purpose;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stops; /* under the mutex */

    /* the thread's own */
    trading_bus *bus;
    trading_view *view;
    void *encoder;
    trading_outbox *outbox;
    int64_t rest;

    atomic_int_fast64_t lag;
    atomic_uint_fast64_t published;
    atomic_uint_fast64_t failures;
};

/* ---- opening ---- */

static int32_t open_bus(struct relay *relay, trading_error *error)
{
    char writer[WIRE_WRITER_BYTES];
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    wire_writer(&relay->serving->wire, relay->purpose.name, relay->partition, writer);
    options.writer = writer;
    return trading_bus_open(&relay->bus, relay->serving->host, relay->serving->bus, &options, error);
}

static int32_t open_outbox(struct relay *relay, trading_error *error)
{
    trading_outbox_options options = TRADING_OUTBOX_OPTIONS_INIT;
    options.kinds[0] = relay->purpose.kinds[0];
    options.kinds[1] = relay->purpose.kinds[1];
    options.batch = BATCH;
    options.encode = relay->purpose.encode;
    options.encode_context = relay->encoder;
    return trading_outbox_open(&relay->outbox, relay->engine, relay->bus, &options, error);
}

static void shut(struct relay *relay)
{
    trading_outbox_close(relay->outbox);
    if (relay->encoder)
        relay->purpose.close(relay->encoder);
    trading_view_close(relay->view);
    trading_bus_close(relay->bus);
    relay->outbox = NULL;
    relay->encoder = NULL;
    relay->view = NULL;
    relay->bus = NULL;
}

static int32_t open_all(struct relay *relay, trading_error *error)
{
    int32_t code = open_bus(relay, error);
    if (code == TRADING_OK)
        code = trading_view_open(&relay->view, relay->engine, TRADING_VIEW_LATEST, error);
    if (code == TRADING_OK) {
        relay->encoder = relay->purpose.open(relay->serving, relay->partition, BATCH, relay->view);
        code = open_outbox(relay, error);
    }
    if (code != TRADING_OK)
        shut(relay);
    return code;
}

/* ---- its rounds ---- */

static void tell_counts(struct relay *relay, uint64_t published)
{
    trading_outbox_info info = TRADING_OUTBOX_INFO_INIT;
    trading_outbox_get_info(relay->outbox, &info, NULL);
    relay->published += published;
    relay->lag = info.next_position - info.position;
}

/* Opens what is not open, or publishes what there is. */
static int32_t do_round(struct relay *relay, trading_error *error)
{
    uint64_t published = 0;
    if (!relay->outbox)
        return open_all(relay, error);
    int32_t code = trading_outbox_step(relay->outbox, STEP, &published, error);
    tell_counts(relay, published);
    return code == TRADING_E_TIMEOUT ? TRADING_OK : code;
}

/* True when it is to end. */
static bool is_stopped_within(struct relay *relay, int64_t nanoseconds)
{
    int64_t until = monotonic_now() + nanoseconds;
    const struct timespec end = {.tv_sec = until / INT64_C(1000000000), .tv_nsec = until % INT64_C(1000000000)};
    pthread_mutex_lock(&relay->mutex);
    while (!relay->stops && nanoseconds > 0 && pthread_cond_timedwait(&relay->wake, &relay->mutex, &end) != ETIMEDOUT)
        ;
    bool stops = relay->stops;
    pthread_mutex_unlock(&relay->mutex);
    return stops;
}

static void say(const struct relay *relay, const trading_error *error)
{
    fprintf(stderr, "trading serve: partition %" PRIu32 ", %s: %s\n", relay->partition, relay->purpose.name, error->message);
}

/* One whose engine is closing ends. Of anything else it says once that it failed, and tries on; what a bus that is of no further use held is opened
 * anew. One that was fenced, too, but not soon: it has a successor, and ends with its engine; or brokers took a transaction back, and there is
 * nobody else. */
static bool takes_failure(struct relay *relay, int32_t code, const trading_error *error)
{
    if (code == TRADING_E_CLOSED || code == TRADING_E_POISONED)
        return false;
    if (!relay->rest || code == TRADING_E_FENCED)
        say(relay, error);
    relay->failures++;
    if (code == TRADING_E_FENCED || error->flags & TRADING_ERROR_FATAL)
        shut(relay);
    relay->rest = relay->rest ? 2 * relay->rest : REST;
    if (code == TRADING_E_FENCED || relay->rest > REST_MAX)
        relay->rest = REST_MAX;
    return true;
}

static void *run(void *argument)
{
    struct relay *relay = argument;
    stop_leave_to_main();
    while (!is_stopped_within(relay, relay->rest)) {
        trading_error error = {0};
        int32_t code = do_round(relay, &error);
        if (code == TRADING_OK)
            relay->rest = 0;
        else if (!takes_failure(relay, code, &error))
            break;
    }
    shut(relay);
    return NULL;
}

/* ---- life ---- */

struct relay *relay_start(const struct serving *serving, uint32_t partition, trading_engine *engine,
                          const struct relay_purpose *purpose)
{
    pthread_condattr_t monotonic;
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        out_of_memory();
    relay->serving = serving;
    relay->partition = partition;
    relay->engine = engine;
    relay->purpose = *purpose;
    pthread_mutex_init(&relay->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&relay->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&relay->thread, NULL, run, relay) != 0)
        out_of_memory();
    return relay;
}

void relay_count(const struct relay *relay, struct relay_counts *counts)
{
    if (!relay)
        return;
    *counts = (struct relay_counts){.lag = relay->lag, .published = relay->published, .failures = relay->failures};
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    pthread_mutex_lock(&relay->mutex);
    relay->stops = true;
    pthread_cond_signal(&relay->wake);
    pthread_mutex_unlock(&relay->mutex);
    pthread_join(relay->thread, NULL);
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    pthread_cond_destroy(&relay->wake);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}
