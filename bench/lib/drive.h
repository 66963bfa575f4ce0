/* Drives commands through the engine, as callers do: one thread with several batches on their way, or threads that each wait for
 * theirs. With a rate each batch has its time, and its latency counts from then, so that a stall counts for all that it held up; without
 * one the next batch comes when one is answered. */
#ifndef BENCH_DRIVE_H
#define BENCH_DRIVE_H

#include "bench/lib/subject.h"
#include "bench/lib/tally.h"

#include <stdatomic.h>

/* A kind of command, one after another. */
struct flow {
    int32_t type;
    size_t body_bytes;
    void *context;
    void (*begin)(void *context, void *body); /* once for each place that a body has */
    /* Makes the next command: its account, and what of its body changes. */
    void (*next)(void *context, uint64_t *random, trading_command *command, void *body);
    /* Waits until what was answered is also done, and tells for how long nothing was left to do then; NULL: it is done. */
    int32_t (*settle)(void *context, int64_t *idle, trading_error *error);
};

/* One batch and where its answers go. */
struct load {
    trading_command *commands;
    trading_result *results;
    uint8_t *bodies;
    size_t count; /* of the commands in it */
    int64_t due;
};

/* A thread's share: its loads one after another, its numbers. */
struct lane {
    struct drive *drive;
    uint32_t number;
    struct load *loads;
    size_t load_count;
    size_t next; /* of its loads: this one is made, and not yet submitted */
    uint64_t random;
    uint64_t stream; /* of its keys, and how many it took */
    uint64_t keys;
    uint64_t left;             /* batches that it may still begin */
    bool has_begun;            /* one, in this turn */
    atomic_uint_fast64_t done; /* commands answered in this turn */
    struct histogram latency;
    trading_error error;
};

struct drive {
    struct subject *subject;
    const struct flow *flow;
    struct lane *lanes;
    size_t lane_count;
    int64_t interval; /* between two batches of a lane; 0: no pace */
    int64_t begun;    /* this turn */
    int64_t end;
    int64_t told; /* when progress was last told */
    const struct tally *tally;
};

int32_t drive_open(struct drive *drive, struct subject *subject, const struct flow *flow, trading_error *error);

/* Goes on for so many nanoseconds, or for one batch of each lane, awaits all that is on its way, and adds what it measured to the tally. */
int32_t drive_turn(struct drive *drive, int64_t nanoseconds, struct tally *tally, trading_error *error);

void drive_close(struct drive *drive);

#endif
