/* Records → commands → results: batches on their way through the engine. */
#include "owned_inside.h"

#include <stdint.h>
#include <stdlib.h>

#define COMPLETIONS 16

static void fly(struct owned *owned, struct batch *batch)
{
    *owned->last = batch;
    owned->last = &batch->next;
    owned->flying++;
}

/* The cursor goes with every batch, one that only reads as well: the append proves that the partition is still ours, so that a process which was
 * replaced without knowing it answers no view from before. */
static void submit(struct owned *owned, struct batch *batch)
{
    trading_error error;
    if (batch->command_count > 0)
        atomic_store(&owned->clock, batch->time);
    batch_acknowledge(batch, owned->serving->wire.commands);
    int32_t code = trading_engine_submit(owned->desk.engine, batch->commands, batch->command_count, batch->results,
                                         (uint64_t)(uintptr_t)batch, &error);
    owned->acknowledged = batch->end;
    fly(owned, batch);
    if (code == TRADING_OK)
        return;
    /* It is never full: few batches are in it at a time. One that has stopped told those that it had why. */
    owned_collect(owned);
    owned_fail(owned, &error);
}

/* What is not for this partition goes where it belongs, and what is no request to the dead letters: before the cursor passes it. */
static void part(struct owned *owned, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].is_elsewhere)
            answer_forward(owned, &batch->items[i]);
        else if (batch->items[i].outcome.json)
            answer_dead(owned, &batch->items[i]);
    }
}

/* One batch at a time where each has a time of its own. */
bool owned_has_room(const struct owned *owned)
{
    return owned->flying < (owned->serving->record_time ? 1 : OWNED_FLYING) && owned->error.code == TRADING_OK;
}

static void release(struct owned *owned, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].parcel)
            inbox_release(&owned->inbox, batch->items[i].parcel);
    batch_free(batch);
}

static void answer_done(struct owned *owned)
{
    while (owned->first && owned->first->is_done && owned->error.code == TRADING_OK) {
        struct batch *batch = owned->first;
        owned->first = batch->next;
        if (!owned->first)
            owned->last = &owned->first;
        owned->flying--;
        answer_batch(owned, batch);
        release(owned, batch);
    }
}

/* Nothing more while what goes out does not go: commands then wait where their room is bounded. */
void owned_send_off(struct owned *owned)
{
    if (owned->outgoing.count)
        return;
    if (owned->held) {
        submit(owned, owned->held);
        owned->held = NULL;
    }
    while (!owned->held && owned->commands.count > 0 && owned_has_room(owned) && atomic_load(&owned->wish) == WISH_SERVE) {
        struct batch *batch = batch_read(owned->serving, owned->partition, &owned->commands);
        part(owned, batch);
        if (owned->outgoing.count)
            owned->held = batch;
        else
            submit(owned, batch);
    }
}

/* A batch that failed is not answered: its cursor was not moved, and whoever owns the partition next reads it again. */
static void complete(struct owned *owned, const trading_completion *completion)
{
    struct batch *batch = (struct batch *)(uintptr_t)completion->tag;
    batch->is_done = true;
    if (completion->error.code != TRADING_OK)
        owned_fail(owned, &completion->error);
}

void owned_collect(struct owned *owned)
{
    trading_completion completions[COMPLETIONS];
    trading_error error;
    size_t taken = COMPLETIONS;
    while (taken == COMPLETIONS) {
        int32_t code = trading_engine_poll(owned->desk.engine, completions, COMPLETIONS, &taken, 0, &error);
        if (code == TRADING_E_TIMEOUT)
            break;
        if (code != TRADING_OK) {
            owned_fail(owned, &error);
            return;
        }
        for (size_t i = 0; i < taken; i++)
            complete(owned, &completions[i]);
    }
    answer_done(owned);
}

bool owned_is_idle(const struct owned *owned)
{
    return !owned->first && !owned->held;
}

void owned_drop_batches(struct owned *owned)
{
    if (owned->held)
        release(owned, owned->held);
    owned->held = NULL;
    while (owned->first) {
        struct batch *batch = owned->first;
        owned->first = batch->next;
        release(owned, batch);
    }
    while (owned->early) {
        struct early *early = owned->early;
        owned->early = early->next;
        run_parse_release(&early->parsed);
        inbox_release(&owned->inbox, early->parcel);
        free(early);
    }
}
