/* The life of an owned partition: started, asked to end, ended; and the rounds of its thread. */
#include "monotonic.h"
#include "owned_inside.h"
#include "record.h"
#include "stop.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* How long the thread waits at most; and until what could not be published is tried again. */
#define WAIT_MILLISECONDS 1000
#define AGAIN             INT64_C(100000000)

/* ---- rounds ---- */

static bool is_letter(const struct owned *owned, const struct parcel *parcel)
{
    return !strcmp(parcel->record.topic, owned->serving->wire.letters);
}

static bool is_command(const struct owned *owned, const struct parcel *parcel)
{
    return !strcmp(parcel->record.topic, owned->serving->wire.commands);
}

static void take_in(struct owned *owned)
{
    struct parcels parcels;
    struct parcel *parcel;
    parcels_init(&parcels);
    inbox_take(&owned->inbox, &parcels);
    while ((parcel = parcels_next(&parcels))) {
        if (is_command(owned, parcel)) {
            parcels_add(&owned->commands, parcel);
            continue;
        }
        if (is_letter(owned, parcel))
            owned_take_letter(owned, parcel);
        else
            owned_take_quote(owned, parcel);
        inbox_release(&owned->inbox, parcel);
    }
}

/* What cannot be published now is tried again a little later, and nothing is lost: what it tells is durable. */
static void publish(struct owned *owned)
{
    trading_error error;
    size_t left_out = 0;
    if (!owned->outgoing.count || monotonic_now() < owned->publish_again)
        return;
    int32_t code = parcels_publish(&owned->outgoing, owned->bus, &error);
    /* One record that the bus will never take (with headers of a stranger that are as large as it allows) is no reason to lose the others. */
    if (code == TRADING_E_INVALID)
        code = parcels_publish_singly(&owned->outgoing, owned->bus, &left_out, &error);
    owned->counters.failures += left_out;
    if (code == TRADING_OK)
        return;
    owned->counters.failures++;
    owned->publish_again = monotonic_now() + AGAIN;
    if (error.flags & TRADING_ERROR_FATAL)
        owned_fail(owned, &error);
}

static void do_round(struct owned *owned)
{
    take_in(owned);
    owned_collect(owned);
    answer_early(owned);
    publish(owned);
    owned_send_off(owned);
    owned_send_letters(owned);
    owned_look(owned);
    publish(owned);
}

static bool has_work(const struct owned *owned)
{
    return !owned->outgoing.count && (owned->held || (owned->commands.count > 0 && owned_has_room(owned)));
}

/* Waits for the inbox or the engine, or until something is due. */
static void wait_for_more(struct owned *owned)
{
    struct pollfd descriptors[2] = {{.fd = owned->inbox.descriptor, .events = POLLIN},
                                    {.fd = trading_engine_fd(owned->desk.engine), .events = POLLIN}};
    bool soon = owned->outgoing.count > 0 || owned->early;
    int milliseconds = has_work(owned) ? 0 : soon ? (int)(AGAIN / 1000000) : WAIT_MILLISECONDS;
    poll(descriptors, 2, milliseconds);
    if (descriptors[1].revents)
        trading_engine_fd_clear(owned->desk.engine);
}

/* Nothing of the inbox is taken any more; what is in the engine is finished, answered and published. */
static bool is_finished(const struct owned *owned)
{
    if (owned->error.code != TRADING_OK || atomic_load(&owned->wish) == WISH_DROP)
        return true;
    return atomic_load(&owned->wish) == WISH_DRAIN && owned_is_idle(owned) && !owned->early && !owned->outgoing.count;
}

static void tell_where(struct owned *owned)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    if (trading_engine_get_info(owned->desk.engine, &info, NULL) == TRADING_OK)
        owned->counters.position = info.next_position;
    owned->counters.cursor = owned->acknowledged;
}

/* An engine stops also at what no batch of ours tells of, as a report of a venue that the store refused. That it has a successor is left to
 * whatever meets it: nothing is kept waiting by it. */
static void look_at_engine(struct owned *owned)
{
    trading_error error;
    int32_t code = trading_engine_execute(owned->desk.engine, NULL, 0, NULL, &error);
    if (code != TRADING_OK && code != TRADING_E_FENCED)
        owned_fail(owned, &error);
}

static void *run(void *argument)
{
    struct owned *owned = argument;
    stop_leave_to_main();
    if (owned_open(owned)) {
        atomic_store(&owned->state, OWNED_OPEN);
        while (!is_finished(owned)) {
            wait_for_more(owned);
            do_round(owned);
            look_at_engine(owned);
            tell_where(owned);
        }
    }
    owned_close(owned);
    atomic_store(&owned->state, OWNED_ENDED);
    return NULL;
}

/* ---- life ---- */

struct owned *owned_start(const struct serving *serving, uint32_t partition)
{
    struct owned *owned = calloc(1, sizeof *owned);
    if (!owned || !inbox_open(&owned->inbox))
        out_of_memory();
    owned->serving = serving;
    owned->partition = partition;
    owned->last = &owned->first;
    parcels_init(&owned->commands);
    parcels_init(&owned->outgoing);
    if (pthread_create(&owned->thread, NULL, run, owned) != 0)
        out_of_memory();
    return owned;
}

enum owned_state owned_state(const struct owned *owned)
{
    return (enum owned_state)atomic_load(&owned->state);
}

int64_t owned_cursor(const struct owned *owned)
{
    return owned->cursor;
}

struct inbox *owned_inbox(struct owned *owned)
{
    return &owned->inbox;
}

void owned_count(const struct owned *owned, struct owned_counts *counts)
{
    const struct owned_counters *counters = &owned->counters;
    *counts = (struct owned_counts){.position = counters->position,
                                    .cursor = counters->cursor,
                                    .commands = counters->commands,
                                    .reads = counters->reads,
                                    .refused = counters->refused,
                                    .forwarded = counters->forwarded,
                                    .letters_sent = counters->letters_sent,
                                    .letters_taken = counters->letters_taken,
                                    .failures = counters->failures};
    for (size_t i = 0; i < OWNED_RELAYS; i++) {
        struct relay_counts relayed = {0};
        relay_count(owned->relays[i], &relayed);
        counts->published += relayed.published;
        counts->failures += relayed.failures;
        counts->behind = relayed.lag > counts->behind ? relayed.lag : counts->behind;
    }
    counts->failures += routing_failures(owned->routing);
}

void owned_stop(struct owned *owned, bool drain)
{
    int wish = drain ? WISH_DRAIN : WISH_DROP;
    if (atomic_load(&owned->wish) < wish)
        atomic_store(&owned->wish, wish);
    inbox_wake(&owned->inbox);
}

int32_t owned_end(struct owned *owned, trading_error *error)
{
    pthread_join(owned->thread, NULL);
    *error = owned->error;
    inbox_close(&owned->inbox);
    for (size_t i = 0; i < OWNED_RELAYS; i++)
        relay_free(owned->relays[i]);
    routing_free(owned->routing);
    free(owned);
    return error->code;
}
