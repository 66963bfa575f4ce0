/* The entry that is open: its events are written into the commit and folded as they are decided. The ground of this room. */
#ifndef PROCESS_EMIT_H
#define PROCESS_EMIT_H

#include "process/domain.h"
#include "process/outcome.h"

/* What one step of any work writes at most: an execution of both sides and the pieces of lots that it disposes of. A command is begun
 * only where PROCESS_COMMAND_BYTES are free. */
#define PROCESS_STEP_BYTES    16384u
#define PROCESS_COMMAND_BYTES 32768u
#define PROCESS_PIECES        128u

struct process {
    struct domain *domain;
    struct writer *out; /* the commit's body */
    trading_time now;
    int64_t next_position;
    trading_decimal collar;
    bool messages;      /* an event was to another partition */
    bool paused;        /* work waits for the next commit */
    const char *broken; /* an invariant that broke: nothing more is done */

    /* of the ledger that was asked last, which never changes; 0: none was */
    uint32_t ledger;
    trading_decimal minor_unit;

    /* of the entry that is open */
    struct folding folding;
    struct outcome outcome;
    struct work work;
    uint32_t events;
};

/* Begins an entry's events. */
void process_begin(struct process *process, const struct cause *cause);

/* Folds an event, which tells what it follows, and writes it. `event` holds kind, number and what the kind says. */
void process_emit(struct process *process, struct event *event);

/* Does the work that the entry left, and writes down what does not fit the commit. */
void process_work(struct process *process);

/* True while another step fits the commit. */
bool process_has_room(const struct process *process);

#endif
