/* A driver without a server: it keeps the tables of one journal's partitions in memory, as one node would that never loses anything, and
 * misbehaves as it is told. Snapshots and secrets it does not know. */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

/* What happens to a transaction. Those that end with "unanswered" answer that the outcome is uncertain. */
enum fake_fault {
    FAKE_NONE,
    FAKE_REFUSED, /* too few nodes: it has no effect, and the answer says so */
    FAKE_LOST,    /* it has no effect: unanswered */
    FAKE_DONE,    /* it has its effect: unanswered */
    FAKE_LATE,    /* it has its effect when the next transaction has been answered, if its condition holds then: unanswered */
    FAKE_LATE_FIRST, /* … just before the next transaction is looked at: unanswered */
    FAKE_STOLEN,     /* another writer's block gets in before it, and so the condition is false */
    FAKE_STOLEN_UNANSWERED,
};

/* Forgets all, and what faults were planned. */
void fake_reset(void);
/* The faults of the next transactions, in order; after them none. At most 16. */
void fake_plan(const enum fake_fault *faults, int count);
/* So many of the next reads at serial consistency go unanswered. */
void fake_silence(int reads);
/* Reads of heads that are not serial show what was there before the newest block. */
void fake_lag(bool lagging);
int fake_transactions(void);      /* how many were run */
int64_t fake_newest_bucket(void); /* of the newest block of all */
int fake_pieces(void);

#endif
